// SSE4.1 and AVX2 versions of the resize kernels, compiled into every x86 build and chosen at run time.
#include <cstring>

#include "resize_kernels.h"
#include "simd.h"

#ifdef CANOPY_X86
#include <immintrin.h>

namespace canopy {
namespace {

inline const __m128i* As128(const void* p) { return static_cast<const __m128i*>(p); }
inline const __m256i* As256(const void* p) { return static_cast<const __m256i*>(p); }

// Three times 16 bytes to 48 bytes r0 g0 b0 r1 ...
CANOPY_SSE4 inline void StoreMerged(__m128i r, __m128i g, __m128i b, uint8_t* out) {
  const __m128i r0 = _mm_setr_epi8(0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5);
  const __m128i g0 = _mm_setr_epi8(-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1);
  const __m128i b0 = _mm_setr_epi8(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1);
  const __m128i r1 = _mm_setr_epi8(-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1);
  const __m128i g1 = _mm_setr_epi8(5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10);
  const __m128i b1 = _mm_setr_epi8(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1);
  const __m128i r2 = _mm_setr_epi8(-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1);
  const __m128i g2 = _mm_setr_epi8(-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1);
  const __m128i b2 = _mm_setr_epi8(10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15);
  __m128i* to = reinterpret_cast<__m128i*>(out);
  _mm_storeu_si128(
      to, _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(r, r0), _mm_shuffle_epi8(g, g0)), _mm_shuffle_epi8(b, b0)));
  _mm_storeu_si128(
      to + 1, _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(r, r1), _mm_shuffle_epi8(g, g1)), _mm_shuffle_epi8(b, b1)));
  _mm_storeu_si128(
      to + 2, _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(r, r2), _mm_shuffle_epi8(g, g2)), _mm_shuffle_epi8(b, b2)));
}

CANOPY_SSE4 void Merge(const uint8_t* r, const uint8_t* g, const uint8_t* b, int width, uint8_t* rgb) {
  int x = 0;
  for (; x + 16 <= width; x += 16) {
    StoreMerged(_mm_loadu_si128(As128(r + x)), _mm_loadu_si128(As128(g + x)), _mm_loadu_si128(As128(b + x)),
                rgb + 3 * x);
  }
  kScalarKernels.merge(r + x, g + x, b + x, width - x, rgb + 3 * x);
}

// One component out of 48 interleaved bytes.
CANOPY_SSE4 inline __m128i Gather(__m128i a, __m128i b, __m128i c, __m128i from_a, __m128i from_b, __m128i from_c) {
  return _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(a, from_a), _mm_shuffle_epi8(b, from_b)),
                      _mm_shuffle_epi8(c, from_c));
}

CANOPY_SSE4 void Split(const uint8_t* rgb, int width, uint8_t* r, uint8_t* g, uint8_t* b) {
  const __m128i ra = _mm_setr_epi8(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i rb = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1);
  const __m128i rc = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13);
  const __m128i ga = _mm_setr_epi8(1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i gb = _mm_setr_epi8(-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1);
  const __m128i gc = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14);
  const __m128i ba = _mm_setr_epi8(2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i bb = _mm_setr_epi8(-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1);
  const __m128i bc = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15);
  int x = 0;
  for (; x + 16 <= width; x += 16) {
    const __m128i a = _mm_loadu_si128(As128(rgb + 3 * x));
    const __m128i b1 = _mm_loadu_si128(As128(rgb + 3 * x + 16));
    const __m128i c = _mm_loadu_si128(As128(rgb + 3 * x + 32));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(r + x), Gather(a, b1, c, ra, rb, rc));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(g + x), Gather(a, b1, c, ga, gb, gc));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(b + x), Gather(a, b1, c, ba, bb, bc));
  }
  kScalarKernels.split(rgb + 3 * x, width - x, r + x, g + x, b + x);
}

CANOPY_SSE4 void HorizontalSse4(const FilterTable& table, const uint8_t* row, uint16_t* out) {
  if (table.windows == 0) return ScalarHorizontal(table, row, out);
  const int* window = table.window_start.data();
  const int halves = (table.size + 15) / 16 * 2;
  for (int half = 0; half < halves; half++, window += table.windows) {
    __m128i sum = _mm_set1_epi16(static_cast<int16_t>(table.taps / 2));
    for (int k = 0; k < table.taps; k++) {
      const size_t block_row = static_cast<size_t>(half / 2 * table.taps + k);
      __m128i samples = _mm_setzero_si128();
      for (int part = 0; part < table.windows; part++) {
        const size_t at = (block_row * static_cast<size_t>(table.windows) + static_cast<size_t>(part)) * 2 + half % 2;
        const __m128i bytes = _mm_loadu_si128(As128(row + window[part]));
        const __m128i shuffle = _mm_loadu_si128(As128(table.shuffle.data() + at * 16));
        samples = _mm_or_si128(samples, _mm_shuffle_epi8(bytes, shuffle));
      }
      const __m128i weights = _mm_loadu_si128(As128(table.lane_weights.data() + block_row * 16 + half % 2 * 8));
      sum = _mm_add_epi16(sum, _mm_mulhi_epu16(samples, weights));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + half * 8), sum);
  }
}

CANOPY_SSE4 inline __m128i VerticalSum8(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t at) {
  __m128i sum = _mm_set1_epi16(static_cast<int16_t>(128 + taps / 2));
  for (int k = 0; k < taps; k++) {
    const __m128i samples = _mm_loadu_si128(As128(rows[k] + at));
    sum = _mm_add_epi16(sum, _mm_mulhi_epu16(samples, _mm_set1_epi16(static_cast<int16_t>(weights[k]))));
  }
  return _mm_srli_epi16(sum, 8);
}

CANOPY_SSE4 inline __m128i VerticalSum16(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t at) {
  return _mm_packus_epi16(VerticalSum8(rows, weights, taps, at), VerticalSum8(rows, weights, taps, at + 8));
}

CANOPY_SSE4 void VerticalSse4(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length,
                              int size, uint8_t* out) {
  for (int x = 0; x < size; x += 16) {
    const size_t at = static_cast<size_t>(x);
    const __m128i r = VerticalSum16(rows, weights, taps, at);
    const __m128i g = VerticalSum16(rows, weights, taps, at + plane_length);
    const __m128i b = VerticalSum16(rows, weights, taps, at + 2 * plane_length);
    if (x + 16 <= size) {
      StoreMerged(r, g, b, out + 3 * x);
    } else {
      uint8_t last[48];
      StoreMerged(r, g, b, last);
      std::memcpy(out + 3 * x, last, static_cast<size_t>(size - x) * 3);
    }
  }
}

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
      StoreMerged(r, g, b, out + 3 * x);
    } else {
      uint8_t last[48];
      StoreMerged(r, g, b, last);
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

extern const ResizeKernels kSse4Kernels;
extern const ResizeKernels kAvx2Kernels;
const ResizeKernels kSse4Kernels = {
    EachPlane<HorizontalSse4>, EachPlane<ScalarLongHorizontal>, VerticalSse4, ScalarLongVertical, Split, Merge};
const ResizeKernels kAvx2Kernels = {
    EachPlane<HorizontalAvx2>, EachPlane<LongHorizontalAvx2>, VerticalAvx2, ScalarLongVertical, Split, Merge};

}  // namespace canopy

#endif
