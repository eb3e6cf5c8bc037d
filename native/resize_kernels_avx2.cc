// AVX2 versions of the resize kernels.
#include "resize_kernels.h"
#include "vector128.h"
#include "vector256.h"

#ifdef CANOPY_X86
namespace canopy {

extern const ResizeKernels kAvx2Kernels;

namespace {

inline const __m128i* As128(const void* p) { return static_cast<const __m128i*>(p); }
inline const __m256i* As256(const void* p) { return static_cast<const __m256i*>(p); }

// `kTaps` is the number of taps if it is known at compile time, so that the loop unrolls; 0 otherwise.
template <int kWindows, int kTaps>
CANOPY_AVX2 void HorizontalBlocks(const FilterTable& table, const uint8_t* row, uint16_t* out) {
  const int taps = kTaps > 0 ? kTaps : table.taps;
  const __m256i start = _mm256_set1_epi16(static_cast<int16_t>(taps / 2));
  const uint8_t* shuffle = table.shuffle.data();
  const uint16_t* weights = table.lane_weights.data();
  const int* window = table.window_start.data();
  const int blocks = (table.size + 15) / 16;
  for (int block = 0; block < blocks; block++, window += 2 * kWindows) {
    __m256i bytes[kWindows];
    for (int part = 0; part < kWindows; part++) {
      const __m128i low = _mm_loadu_si128(As128(row + window[part]));
      const __m128i high = _mm_loadu_si128(As128(row + window[kWindows + part]));
      bytes[part] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    }
    __m256i sum = start;
    for (int k = 0; k < taps; k++, weights += 16) {
      __m256i samples = _mm256_shuffle_epi8(bytes[0], _mm256_loadu_si256(As256(shuffle)));
      shuffle += 32;
      for (int part = 1; part < kWindows; part++, shuffle += 32) {
        samples = _mm256_or_si256(samples, _mm256_shuffle_epi8(bytes[part], _mm256_loadu_si256(As256(shuffle))));
      }
      sum = _mm256_add_epi16(sum, _mm256_mulhi_epu16(samples, _mm256_loadu_si256(As256(weights))));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + block * 16), sum);
  }
}

template <int kWindows>
CANOPY_AVX2 void HorizontalWindows(const FilterTable& table, const uint8_t* row, uint16_t* out) {
  switch (table.taps) {
    case 2:
      return HorizontalBlocks<kWindows, 2>(table, row, out);
    case 3:
      return HorizontalBlocks<kWindows, 3>(table, row, out);
    case 4:
      return HorizontalBlocks<kWindows, 4>(table, row, out);
    default:
      return HorizontalBlocks<kWindows, 0>(table, row, out);
  }
}

CANOPY_AVX2 void HorizontalAvx2(const FilterTable& table, const uint8_t* row, uint16_t* out) {
  switch (table.windows) {
    case 1:
      return HorizontalWindows<1>(table, row, out);
    case 2:
      return HorizontalWindows<2>(table, row, out);
    case 4:
      return HorizontalWindows<4>(table, row, out);
    default:
      return ScalarHorizontal(table, row, out);
  }
}

CANOPY_AVX2 inline uint32_t SumLanes(__m256i lanes) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(sum));
}

// With so many taps no weight exceeds a signed 16-bit number. Loads reach beyond the last tap, into the row's padding
// and the next result's weights; these lanes are masked.
CANOPY_AVX2 void LongHorizontalAvx2(const FilterTable& table, const uint8_t* row, uint16_t* out) {
  alignas(32) int16_t mask[16];
  for (int i = 0; i < 16; i++) mask[i] = i < (table.taps - 1) % 16 + 1 ? -1 : 0;
  const __m256i last_taps = _mm256_load_si256(As256(mask));
  const int last = (table.taps - 1) / 16 * 16;
  for (int i = 0; i < table.size; i++) {
    const uint8_t* samples = row + table.start[static_cast<size_t>(i)];
    const uint16_t* weights = table.weights.data() + static_cast<size_t>(i) * static_cast<size_t>(table.taps);
    const auto products = [&](int k, __m256i taps) CANOPY_AVX2 {
      const __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128(As128(samples + k)));
      return _mm256_madd_epi16(_mm256_and_si256(wide, taps), _mm256_loadu_si256(As256(weights + k)));
    };
    __m256i sums = products(last, last_taps);
    for (int k = 0; k < last; k += 16) sums = _mm256_add_epi32(sums, products(k, _mm256_set1_epi16(-1)));
    out[i] = static_cast<uint16_t>((SumLanes(sums) + 128) >> 8);
  }
}

using namespace vector256;
using vector128::StoreRgb;

constexpr int kPixels = 16;

// A block of results as bytes.
template <typename Sum>
CANOPY_AVX2 inline __m128i Results(Sum sum, size_t at) {
  const Vec results = ShiftRight16<8>(sum(at));
  return _mm_packus_epi16(_mm256_castsi256_si128(results), _mm256_extracti128_si256(results, 1));
}

#define CANOPY_TARGET CANOPY_AVX2
#include "resize_vertical.h"
#undef CANOPY_TARGET

}  // namespace

const ResizeKernels kAvx2Kernels = {
    EachPlane<HorizontalAvx2>, EachPlane<LongHorizontalAvx2>, Vertical, ScalarLongVertical, Split128, Merge128};

}  // namespace canopy

#endif
