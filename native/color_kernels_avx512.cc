// AVX-512 versions of the colour kernels, 64 samples at a time.
#include "avx512.h"
#include "color_factors.h"
#include "color_kernels.h"

#ifdef CANOPY_X86

namespace canopy {

extern const ColorKernels kAvx512ColorKernels;

namespace {

// What a chroma sample below 128 subtracts from R or B, and what one from 128 on adds: both fit a byte.
struct ShiftTable {
  alignas(64) uint8_t below[128];
  alignas(64) uint8_t from[128];
  explicit constexpr ShiftTable(int factor) : below{}, from{} {
    for (int i = 0; i < 128; i++) {
      below[i] = static_cast<uint8_t>(-((factor * (i - 128) + kHalf) >> 16));
      from[i] = static_cast<uint8_t>((factor * i + kHalf) >> 16);
    }
  }
};
constexpr ShiftTable kRed(kCrToR);
constexpr ShiftTable kBlue(kCbToB);

struct Shift {
  __m512i below[2];
  __m512i from[2];

  explicit CANOPY_AVX512 Shift(const ShiftTable& table)
      : below{_mm512_load_si512(table.below), _mm512_load_si512(table.below + 64)},
        from{_mm512_load_si512(table.from), _mm512_load_si512(table.from + 64)} {}

  CANOPY_AVX512 __m512i Apply(__m512i light, __m512i chroma) const {
    const __m512i less = _mm512_subs_epu8(light, _mm512_permutex2var_epi8(below[0], chroma, below[1]));
    const __m512i more = _mm512_permutex2var_epi8(from[0], chroma, from[1]);
    return _mm512_mask_adds_epu8(less, _mm512_movepi8_mask(chroma), light, more);
  }
};

// Factors of G, halved to fit, and their bytes.
static_assert(kCbToG % 2 == 0 && kCrToG % 2 == 0, "");
constexpr int kHalfCbToG = kCbToG / 2;
constexpr int kHalfCrToG = kCrToG / 2;

constexpr int16_t BytePair(int first, int second) { return static_cast<int16_t>(second << 8 | first); }

// What to add to Y for G, for 32 interleaved pairs of blue and red: (2^14 - factors * pair) >> 15, in 16 bits. Of the
// products with the factors' lower bytes only the carry is used.
CANOPY_AVX512 inline __m512i GreenShift(__m512i pairs) {
  const __m512i upper = _mm512_maddubs_epi16(_mm512_set1_epi16(BytePair(kHalfCbToG >> 8, kHalfCrToG >> 8)), pairs);
  const __m512i lower = _mm512_maddubs_epi16(_mm512_set1_epi16(BytePair(kHalfCbToG & 255, kHalfCrToG & 255)), pairs);
  const __m512i carry = _mm512_srai_epi16(_mm512_sub_epi16(_mm512_set1_epi16(1 << 14), lower), 8);
  return _mm512_srai_epi16(_mm512_sub_epi16(carry, upper), 7);
}

CANOPY_AVX512 inline __m512i Green(__m512i light, __m512i cb, __m512i cr) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i center = _mm512_set1_epi8(-128);
  const __m512i blue = _mm512_xor_si512(cb, center);
  const __m512i red = _mm512_xor_si512(cr, center);
  const __m512i low = GreenShift(_mm512_unpacklo_epi8(blue, red));
  const __m512i high = GreenShift(_mm512_unpackhi_epi8(blue, red));
  return _mm512_packus_epi16(_mm512_add_epi16(low, _mm512_unpacklo_epi8(light, zero)),
                             _mm512_add_epi16(high, _mm512_unpackhi_epi8(light, zero)));
}

CANOPY_AVX512 void YccToRgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int width, uint8_t* r, uint8_t* g,
                            uint8_t* b) {
  const Shift shift_r(kRed);
  const Shift shift_b(kBlue);
  for (int x = 0; x < width; x += 64) {
    const __mmask64 there = width - x >= 64 ? ~uint64_t{0} : (uint64_t{1} << (width - x)) - 1;
    const __m512i light = _mm512_maskz_loadu_epi8(there, y + x);
    const __m512i blue = _mm512_maskz_loadu_epi8(there, cb + x);
    const __m512i red = _mm512_maskz_loadu_epi8(there, cr + x);
    _mm512_mask_storeu_epi8(r + x, there, shift_r.Apply(light, red));
    _mm512_mask_storeu_epi8(g + x, there, Green(light, blue, red));
    _mm512_mask_storeu_epi8(b + x, there, shift_b.Apply(light, blue));
  }
}

// Each lane's neighbour on the left, or on the right, for vpermt2w of a register and the one before or behind it.
struct Neighbours {
  alignas(64) uint16_t left[32];
  alignas(64) uint16_t right[32];
  constexpr Neighbours() : left{}, right{} {
    for (int i = 0; i < 32; i++) {
      left[i] = static_cast<uint16_t>(i > 0 ? i - 1 : 63);
      right[i] = static_cast<uint16_t>(i + 1);
    }
  }
};
constexpr Neighbours kNeighbours;

// Two results for each of 32 sums.
template <int kLeft, int kRight, int kShift>
CANOPY_AVX512 inline __m512i Spread(__m512i before, __m512i here, __m512i after) {
  const __m512i thrice = _mm512_add_epi16(here, _mm512_add_epi16(here, here));
  const __m512i left = _mm512_add_epi16(_mm512_add_epi16(thrice, before), _mm512_set1_epi16(kLeft));
  const __m512i right = _mm512_add_epi16(_mm512_add_epi16(thrice, after), _mm512_set1_epi16(kRight));
  const __m512i odd = _mm512_slli_epi16(right, 8 - kShift);
  return _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAA, _mm512_srli_epi16(left, kShift), odd);
}

CANOPY_AVX512 inline __m512i LoadWide(const uint8_t* in) {
  return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in)));
}

// The sums stay in registers: reading them from memory right after they were written, shifted by one, would stall.
template <int kLeft, int kRight, int kShift, typename Sums>
CANOPY_AVX512 inline void Upsample(int width, uint8_t* out, Sums sums) {
  const __m512i left = _mm512_load_si512(kNeighbours.left);
  const __m512i right = _mm512_load_si512(kNeighbours.right);
  __m512i here = sums(0);
  __m512i before = _mm512_permutexvar_epi16(_mm512_setzero_si512(), here);
  int x = 0;
  for (; x + 32 < width; x += 32) {
    const __m512i next = sums(x + 32);
    _mm512_storeu_si512(out + 2 * x, Spread<kLeft, kRight, kShift>(_mm512_permutex2var_epi16(here, left, before), here,
                                                                   _mm512_permutex2var_epi16(here, right, next)));
    before = here;
    here = next;
  }
  // The last sum is its own right neighbour.
  const __m512i end = _mm512_min_epu16(right, _mm512_set1_epi16(static_cast<int16_t>(width - 1 - x)));
  _mm512_storeu_si512(out + 2 * x, Spread<kLeft, kRight, kShift>(_mm512_permutex2var_epi16(here, left, before), here,
                                                                 _mm512_permutexvar_epi16(end, here)));
}

CANOPY_AVX512 void UpsampleH2v1(const uint8_t* in, int width, uint16_t*, uint8_t* out) {
  Upsample<kH2v1.left, kH2v1.right, kH2v1.shift>(width, out, [&](int x) CANOPY_AVX512 { return LoadWide(in + x); });
}

CANOPY_AVX512 void UpsampleH2v2(const uint8_t* near, const uint8_t* far, int width, uint16_t*, uint8_t* out) {
  Upsample<kH2v2.left, kH2v2.right, kH2v2.shift>(width, out, [&](int x) CANOPY_AVX512 {
    const __m512i once = LoadWide(near + x);
    return _mm512_add_epi16(_mm512_add_epi16(once, _mm512_add_epi16(once, once)), LoadWide(far + x));
  });
}

}  // namespace

const ColorKernels kAvx512ColorKernels = {YccToRgb, UpsampleH2v1, UpsampleH2v2};

}  // namespace canopy

#endif  // CANOPY_X86
