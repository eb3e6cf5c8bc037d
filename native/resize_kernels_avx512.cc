// AVX-512 versions of the resize kernels.
#include <algorithm>

#include "resize_kernels.h"
#include "simd.h"

#ifdef CANOPY_X86
// GCC 12 takes the intrinsics' undefined operands, which no lane uses, for a mistake.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

namespace canopy {

extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

namespace {

constexpr uint64_t kHighBytes = 0xAAAAAAAAAAAAAAAA;

// Loads once, where compilers would rather load anew for every use.
CANOPY_AVX512 inline __m512i LoadOnce(const void* from) {
  __m512i value = _mm512_loadu_si512(from);
  __asm__("" : "+v"(value));
  return value;
}

// `kWindows` windows of 64 samples.
template <int kWindows>
struct Window {
  __m512i first;
  __m512i second;

  CANOPY_AVX512 void Load(const uint8_t* samples) {
    first = LoadOnce(samples);
    if (kWindows == 2) second = LoadOnce(samples + 64);
  }
  // Those at `places`, in the high bytes of their lanes, by their weights.
  CANOPY_AVX512 __m512i Multiply(__m512i places, __m512i weights) const {
    const __m512i samples = kWindows == 1 ? _mm512_maskz_permutexvar_epi8(kHighBytes, places, first)
                                          : _mm512_maskz_permutex2var_epi8(kHighBytes, first, places, second);
    return _mm512_mulhi_epu16(samples, weights);
  }
};

// `kTaps` and `kPerLoad` are the table's where they are known at compile time, so that the loops unroll; 0 otherwise.
template <int kWindows, int kTaps = 0, int kPerLoad = 0>
CANOPY_AVX512 void HorizontalBlocks(const FilterTable& table, const uint8_t* const* row, uint16_t* out,
                                    size_t plane_length) {
  const WideTable& wide = table.wide;
  const int taps = kTaps > 0 ? kTaps : table.taps;
  const int per_load = kTaps > 0 ? kPerLoad : wide.taps_per_load;
  const Lanes* weights = wide.weights.data();
  const __m512i compensation = _mm512_set1_epi16(static_cast<int16_t>(taps / 2));
  for (size_t block = 0; block < wide.start.size(); block++, out += 32) {
    const uint8_t* const sources[3] = {row[0] + wide.start[block], row[1] + wide.start[block],
                                       row[2] + wide.start[block]};
    __m512i sums[3] = {compensation, compensation, compensation};
    for (int loaded = 0; loaded < taps; loaded += per_load) {
      Window<kWindows> windows[3];
      for (int c = 0; c < 3; c++) windows[c].Load(sources[c] + loaded);
      __m512i places = _mm512_load_si512(wide.places[block].of);
      const int end = std::min(loaded + per_load, taps);
      for (int k = loaded; k < end; k++, weights++) {
        const __m512i weight = LoadOnce(weights->of);
        for (int c = 0; c < 3; c++) sums[c] = _mm512_add_epi16(sums[c], windows[c].Multiply(places, weight));
        places = _mm512_add_epi8(places, _mm512_set1_epi8(1));
      }
    }
    for (size_t c = 0; c < 3; c++) _mm512_store_si512(out + c * plane_length, sums[c]);
  }
}

// At half the size, or where one load is enough for all taps, there is a loop of its own.
CANOPY_AVX512 void HorizontalOneWindow(const FilterTable& table, const uint8_t* const* row, uint16_t* out,
                                       size_t plane_length) {
  const int taps = table.taps;
  if (taps == 4 && table.wide.taps_per_load == 2) return HorizontalBlocks<1, 4, 2>(table, row, out, plane_length);
  if (taps > table.wide.taps_per_load) return HorizontalBlocks<1>(table, row, out, plane_length);
  if (taps == 2) return HorizontalBlocks<1, 2, 2>(table, row, out, plane_length);
  if (taps == 3) return HorizontalBlocks<1, 3, 3>(table, row, out, plane_length);
  if (taps == 4) return HorizontalBlocks<1, 4, 4>(table, row, out, plane_length);
  return HorizontalBlocks<1>(table, row, out, plane_length);
}

CANOPY_AVX512 void HorizontalAvx512(const FilterTable& table, const uint8_t* const* row, uint16_t* out,
                                    size_t plane_length) {
  switch (table.wide.windows) {
    case 1:
      return HorizontalOneWindow(table, row, out, plane_length);
    case 2:
      return HorizontalBlocks<2>(table, row, out, plane_length);
    default:
      return kAvx2Kernels.horizontal(table, row, out, plane_length);
  }
}

// 32 results in 8.8.
template <int kTaps>
CANOPY_AVX512 inline __m512i VerticalSum(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t at) {
  if (kTaps > 0) taps = kTaps;
  __m512i sum = _mm512_set1_epi16(static_cast<int16_t>(128 + taps / 2));
  for (int k = 0; k < taps; k++) {
    const __m512i samples = _mm512_load_si512(rows[k] + at);
    sum = _mm512_add_epi16(sum, _mm512_mulhi_epu16(samples, _mm512_set1_epi16(static_cast<int16_t>(weights[k]))));
  }
  return sum;
}

// Of 32 pixels, for each of their 96 bytes its place: R in the low and G in the high bytes of the lanes of one
// register, B in the high bytes of another, 64 further on.
struct MergePlaces {
  alignas(64) uint8_t of[128];
  constexpr MergePlaces() : of{} {
    for (int i = 0; i < 96; i++) {
      const int place = i / 3 * 2 + (i % 3 == 0 ? 0 : 1);
      of[i] = static_cast<uint8_t>(i % 3 == 2 ? 64 + place : place);
    }
  }
};
constexpr MergePlaces kMergePlaces;

template <int kTaps>
CANOPY_AVX512 void VerticalBlocks(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length,
                                  int size, uint8_t* out) {
  const __m512i first = _mm512_load_si512(kMergePlaces.of);
  const __m512i second = _mm512_load_si512(kMergePlaces.of + 64);
  for (int x = 0; x < size; x += 32, out += 96) {
    const size_t at = static_cast<size_t>(x);
    const __m512i r = VerticalSum<kTaps>(rows, weights, taps, at);
    const __m512i g = VerticalSum<kTaps>(rows, weights, taps, at + plane_length);
    const __m512i b = VerticalSum<kTaps>(rows, weights, taps, at + 2 * plane_length);
    const __m512i rg = _mm512_mask_blend_epi8(kHighBytes, _mm512_srli_epi16(r, 8), g);
    const __m512i low = _mm512_permutex2var_epi8(rg, first, b);
    const __m512i high = _mm512_permutex2var_epi8(rg, second, b);
    if (x + 32 <= size) {
      _mm512_storeu_si512(out, low);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 64), _mm512_castsi512_si256(high));
    } else {
      const unsigned bytes = static_cast<unsigned>(size - x) * 3;
      _mm512_mask_storeu_epi8(out, bytes >= 64 ? ~uint64_t{0} : (uint64_t{1} << bytes) - 1, low);
      _mm512_mask_storeu_epi8(out + 64, bytes > 64 ? (uint64_t{1} << (bytes - 64)) - 1 : 0, high);
    }
  }
}

CANOPY_AVX512 void VerticalAvx512(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length,
                                  int size, uint8_t* out) {
  switch (taps) {
    case 2:
      return VerticalBlocks<2>(rows, weights, taps, plane_length, size, out);
    case 3:
      return VerticalBlocks<3>(rows, weights, taps, plane_length, size, out);
    case 4:
      return VerticalBlocks<4>(rows, weights, taps, plane_length, size, out);
    default:
      return VerticalBlocks<0>(rows, weights, taps, plane_length, size, out);
  }
}

// What AVX2 does well enough.
void LongHorizontal(const FilterTable& table, const uint8_t* const* row, uint16_t* out, size_t plane_length) {
  kAvx2Kernels.long_horizontal(table, row, out, plane_length);
}

void Split(const uint8_t* rgb, int width, uint8_t* r, uint8_t* g, uint8_t* b) {
  kAvx2Kernels.split(rgb, width, r, g, b);
}

void Merge(const uint8_t* r, const uint8_t* g, const uint8_t* b, int width, uint8_t* rgb) {
  kAvx2Kernels.merge(r, g, b, width, rgb);
}

}  // namespace

const Kernels kAvx512Kernels = {HorizontalAvx512, LongHorizontal, VerticalAvx512, Split, Merge};

}  // namespace canopy

#endif  // CANOPY_X86
