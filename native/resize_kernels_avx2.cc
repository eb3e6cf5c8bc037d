// AVX2 versions of the resize kernels.
#include <cstring>

#include "resize_kernels.h"
#include "vector128.h"

#ifdef CANOPY_X86
namespace canopy {

extern const ResizeKernels kAvx2Kernels;

namespace {

using vector128::StoreRgb;

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

template <int kTaps>
CANOPY_AVX2 inline __m128i VerticalSumAvx2(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t at) {
  if (kTaps > 0) taps = kTaps;
  __m256i sum = _mm256_set1_epi16(static_cast<int16_t>(128 + taps / 2));
  for (int k = 0; k < taps; k++) {
    const __m256i samples = _mm256_loadu_si256(As256(rows[k] + at));
    sum = _mm256_add_epi16(sum, _mm256_mulhi_epu16(samples, _mm256_set1_epi16(static_cast<int16_t>(weights[k]))));
  }
  sum = _mm256_srli_epi16(sum, 8);
  return _mm_packus_epi16(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
}

template <int kTaps>
CANOPY_AVX2 void VerticalBlocks(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length,
                                int size, uint8_t* out) {
  for (int x = 0; x < size; x += 16) {
    const size_t at = static_cast<size_t>(x);
    const __m128i r = VerticalSumAvx2<kTaps>(rows, weights, taps, at);
    const __m128i g = VerticalSumAvx2<kTaps>(rows, weights, taps, at + plane_length);
    const __m128i b = VerticalSumAvx2<kTaps>(rows, weights, taps, at + 2 * plane_length);
    if (x + 16 <= size) {
      StoreRgb(r, g, b, out + 3 * x);
    } else {
      uint8_t last[48];
      StoreRgb(r, g, b, last);
      std::memcpy(out + 3 * x, last, static_cast<size_t>(size - x) * 3);
    }
  }
}

CANOPY_AVX2 void VerticalAvx2(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length,
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

}  // namespace

const ResizeKernels kAvx2Kernels = {
    EachPlane<HorizontalAvx2>, EachPlane<LongHorizontalAvx2>, VerticalAvx2, ScalarLongVertical, Split128, Merge128};

}  // namespace canopy

#endif
