#include "color_kernels.h"

#include <algorithm>

#include "color_factors.h"

#ifdef CANOPY_X86
#include <immintrin.h>
#endif

namespace canopy {

#ifdef CANOPY_X86
extern const ColorKernels kAvx512ColorKernels;
#endif

namespace {

inline uint8_t Clamp(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

void ScalarYccToRgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int width, uint8_t* r, uint8_t* g,
                    uint8_t* b) {
  for (int x = 0; x < width; x++) {
    const int blue = cb[x] - 128;
    const int red = cr[x] - 128;
    r[x] = Clamp(y[x] + ((kCrToR * red + kHalf) >> 16));
    g[x] = Clamp(y[x] + ((-kCbToG * blue - kCrToG * red + kHalf) >> 16));
    b[x] = Clamp(y[x] + ((kCbToB * blue + kHalf) >> 16));
  }
}

// `sums` points at the first of `width` sums; one more lies on either side.
inline void RepeatEdges(uint16_t* sums, int width) {
  sums[-1] = sums[0];
  sums[width] = sums[width - 1];
}

void ScalarSpread(uint16_t* sums, int width, Rounding rounding, uint8_t* out) {
  RepeatEdges(sums, width);
  for (int x = 0; x < width; x++) {
    out[2 * x] = static_cast<uint8_t>((3 * sums[x] + sums[x - 1] + rounding.left) >> rounding.shift);
    out[2 * x + 1] = static_cast<uint8_t>((3 * sums[x] + sums[x + 1] + rounding.right) >> rounding.shift);
  }
}

void ScalarH2v1(const uint8_t* in, int width, uint16_t* sums, uint8_t* out) {
  for (int x = 0; x < width; x++) sums[x + 1] = in[x];
  ScalarSpread(sums + 1, width, kH2v1, out);
}

void ScalarH2v2(const uint8_t* near, const uint8_t* far, int width, uint16_t* sums, uint8_t* out) {
  for (int x = 0; x < width; x++) sums[x + 1] = static_cast<uint16_t>(3 * near[x] + far[x]);
  ScalarSpread(sums + 1, width, kH2v2, out);
}

constexpr ColorKernels kScalar = {ScalarYccToRgb, ScalarH2v1, ScalarH2v2};

#ifdef CANOPY_X86

CANOPY_AVX2 inline __m256i LoadWide(const uint8_t* in) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
}

CANOPY_AVX2 inline void StoreNarrow(__m256i words, uint8_t* out) {
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
}

// round(factor * value / 65536), for a factor that fits 16 bits.
CANOPY_AVX2 inline __m256i MultiplyRounded(__m256i value, int16_t factor) {
  const __m256i twice = _mm256_mulhi_epi16(_mm256_add_epi16(value, value), _mm256_set1_epi16(factor));
  return _mm256_srai_epi16(_mm256_add_epi16(twice, _mm256_set1_epi16(1)), 1);
}

// round((a * factors.low + b * factors.high) / 65536)
CANOPY_AVX2 inline __m256i MultiplyPairs(__m256i a, __m256i b, __m256i factors) {
  const __m256i half = _mm256_set1_epi32(kHalf);
  const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), factors);
  const __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), factors);
  return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(low, half), 16),
                            _mm256_srai_epi32(_mm256_add_epi32(high, half), 16));
}

// The factors beyond 16 bits are split: 1.402 = 1 + 0.402, 1.772 = 2 - 0.228, -0.714 = 0.286 - 1.
CANOPY_AVX2 void Avx2YccToRgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int width, uint8_t* r, uint8_t* g,
                              uint8_t* b) {
  const __m256i center = _mm256_set1_epi16(128);
  const __m256i green = _mm256_set1_epi32(
      static_cast<int>((static_cast<uint32_t>(65536 - kCrToG) << 16) | static_cast<uint16_t>(-kCbToG)));
  for (int x = 0; x < width; x += 16) {
    const __m256i light = LoadWide(y + x);
    const __m256i blue = _mm256_sub_epi16(LoadWide(cb + x), center);
    const __m256i red = _mm256_sub_epi16(LoadWide(cr + x), center);
    const __m256i to_r = _mm256_add_epi16(red, MultiplyRounded(red, static_cast<int16_t>(kCrToR - 65536)));
    const __m256i to_b =
        _mm256_add_epi16(_mm256_add_epi16(blue, blue), MultiplyRounded(blue, static_cast<int16_t>(kCbToB - 131072)));
    const __m256i to_g = _mm256_sub_epi16(MultiplyPairs(blue, red, green), red);
    StoreNarrow(_mm256_add_epi16(light, to_r), r + x);
    StoreNarrow(_mm256_add_epi16(light, to_g), g + x);
    StoreNarrow(_mm256_add_epi16(light, to_b), b + x);
  }
}

// Two results for each of 16 sums.
template <int kLeft, int kRight, int kShift>
CANOPY_AVX2 inline void StoreSpread(__m256i before, __m256i here, __m256i after, uint8_t* out) {
  const __m256i thrice = _mm256_add_epi16(here, _mm256_add_epi16(here, here));
  const __m256i left = _mm256_add_epi16(_mm256_add_epi16(thrice, before), _mm256_set1_epi16(kLeft));
  const __m256i right = _mm256_add_epi16(_mm256_add_epi16(thrice, after), _mm256_set1_epi16(kRight));
  const __m256i odd = _mm256_slli_epi16(_mm256_srli_epi16(right, kShift), 8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_or_si256(_mm256_srli_epi16(left, kShift), odd));
}

// Each lane's neighbour on the left, and on the right.
CANOPY_AVX2 inline __m256i Before(__m256i previous, __m256i here) {
  return _mm256_alignr_epi8(here, _mm256_permute2x128_si256(previous, here, 0x21), 14);
}
CANOPY_AVX2 inline __m256i After(__m256i here, __m256i next) {
  return _mm256_alignr_epi8(_mm256_permute2x128_si256(here, next, 0x21), here, 2);
}

// The sums stay in registers: reading them from memory right after they were written, shifted by one, would stall.
template <int kLeft, int kRight, int kShift, typename Sums>
CANOPY_AVX2 inline void Avx2Upsample(int width, uint8_t* out, Sums sums) {
  __m256i here = sums(0);
  __m256i previous = _mm256_broadcastw_epi16(_mm256_castsi256_si128(here));
  int x = 0;
  for (; x + 16 < width; x += 16) {
    const __m256i next = sums(x + 16);
    StoreSpread<kLeft, kRight, kShift>(Before(previous, here), here, After(here, next), out + 2 * x);
    previous = here;
    here = next;
  }
  // The last sum is its own right neighbour.
  const __m256i lanes = _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m256i is_last = _mm256_cmpeq_epi16(lanes, _mm256_set1_epi16(static_cast<int16_t>(width - 1 - x)));
  const __m256i after = _mm256_blendv_epi8(After(here, here), here, is_last);
  StoreSpread<kLeft, kRight, kShift>(Before(previous, here), here, after, out + 2 * x);
}

CANOPY_AVX2 void Avx2H2v1(const uint8_t* in, int width, uint16_t*, uint8_t* out) {
  Avx2Upsample<kH2v1.left, kH2v1.right, kH2v1.shift>(width, out, [&](int x) CANOPY_AVX2 { return LoadWide(in + x); });
}

CANOPY_AVX2 void Avx2H2v2(const uint8_t* near, const uint8_t* far, int width, uint16_t*, uint8_t* out) {
  Avx2Upsample<kH2v2.left, kH2v2.right, kH2v2.shift>(width, out, [&](int x) CANOPY_AVX2 {
    const __m256i once = LoadWide(near + x);
    return _mm256_add_epi16(_mm256_add_epi16(once, _mm256_add_epi16(once, once)), LoadWide(far + x));
  });
}

constexpr ColorKernels kAvx2 = {Avx2YccToRgb, Avx2H2v1, Avx2H2v2};

#endif

}  // namespace

const ColorKernels& ColorKernelsFor(Simd simd) {
#ifdef CANOPY_X86
  if (simd >= Simd::kAvx512) return kAvx512ColorKernels;
  if (simd >= Simd::kAvx2) return kAvx2;
#endif
  return kScalar;
}

}  // namespace canopy
