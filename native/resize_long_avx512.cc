// AVX-512 versions of the resize kernels for more than kShortTaps taps, summed in 32 bits.
#include <algorithm>

#include "resize_avx512.h"

#ifdef CANOPY_X86

namespace canopy {

extern const ResizeKernels kAvx2Kernels;

namespace {

// Eight samples for each of eight results.
template <int kWindows>
CANOPY_AVX512 inline __m512i TakeEights(const uint8_t* window, __m512i places) {
  const __m512i first = _mm512_loadu_si512(window);
  if (kWindows == 1) return _mm512_permutexvar_epi8(places, first);
  return _mm512_permutex2var_epi8(first, places, _mm512_loadu_si512(window + 64));
}

// The sums of either byte of the weights have two lanes of 32 bits for each result.
CANOPY_AVX512 inline void StoreEight(__m512i lower, __m512i upper, uint16_t* out) {
  const __m512i halves = _mm512_add_epi32(_mm512_slli_epi32(upper, 8), lower);
  const __m512i sums = _mm512_add_epi32(halves, _mm512_srli_epi64(halves, 32));
  _mm_store_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi64_epi16(_mm512_srli_epi64(sums, 8)));
}

template <int kWindows>
CANOPY_AVX512 void HorizontalEights(const FilterTable& table, const uint8_t* const* row, uint16_t* out,
                                    size_t plane_length) {
  const WideTable& wide = table.wide;
  const ByteLanes* weights = wide.byte_weights.data();
  const __m512i rounding = _mm512_set1_epi64(128);
  for (size_t block = 0; block < wide.start.size(); block++, out += 8) {
    const __m512i places = _mm512_load_si512(wide.places[block].of);
    __m512i lower[3] = {rounding, rounding, rounding};
    __m512i upper[3] = {};
    for (int k = wide.start[block]; k < wide.start[block] + table.taps; k += 8, weights += 2) {
      const __m512i lower_weights = LoadOnce(weights[0].of);
      const __m512i upper_weights = LoadOnce(weights[1].of);
      for (int c = 0; c < 3; c++) {
        const __m512i samples = TakeEights<kWindows>(row[c] + k, places);
        lower[c] = _mm512_dpbusd_epi32(lower[c], samples, lower_weights);
        upper[c] = _mm512_dpbusd_epi32(upper[c], samples, upper_weights);
      }
    }
    for (size_t c = 0; c < 3; c++) StoreEight(lower[c], upper[c], out + c * plane_length);
  }
}

// A sum of 32 lanes in two registers. Unsigned samples are read as signed ones, less kBias.
constexpr int kBias = 32768;
struct Sums {
  __m512i low;
  __m512i high;

  CANOPY_AVX512 void Add(const uint16_t* first, const uint16_t* second, __m512i weights) {
    const __m512i bias = _mm512_set1_epi16(static_cast<int16_t>(-kBias));
    const __m512i a = _mm512_xor_si512(_mm512_load_si512(first), bias);
    const __m512i b = _mm512_xor_si512(_mm512_load_si512(second), bias);
    low = _mm512_dpwssd_epi32(low, _mm512_unpacklo_epi16(a, b), weights);
    high = _mm512_dpwssd_epi32(high, _mm512_unpackhi_epi16(a, b), weights);
  }
  // The upper 16 bits.
  CANOPY_AVX512 __m512i Narrow() const {
    return _mm512_packus_epi32(_mm512_srli_epi32(low, 16), _mm512_srli_epi32(high, 16));
  }
};

}  // namespace

CANOPY_AVX512 void LongHorizontalAvx512(const FilterTable& table, const uint8_t* const* row, uint16_t* out,
                                        size_t plane_length) {
  switch (table.wide.windows) {
    case 1:
      return HorizontalEights<1>(table, row, out, plane_length);
    case 2:
      return HorizontalEights<2>(table, row, out, plane_length);
    default:
      return kAvx2Kernels.long_horizontal(table, row, out, plane_length);
  }
}

CANOPY_AVX512 void LongVerticalAvx512(const uint16_t* const* rows, const uint16_t* weights, int taps,
                                      size_t plane_length, int size, uint32_t*, uint8_t* out) {
  const uint32_t start = (1u << 23) + uint32_t{kBias} * kWeightSum;
  const __m512i starts = _mm512_set1_epi32(static_cast<int>(start));
  for (int x = 0; x < size; x += 32, out += 96) {
    Sums sums[3] = {{starts, starts}, {starts, starts}, {starts, starts}};
    for (int k = 0; k < taps; k += 2) {
      const int next = std::min(k + 1, taps - 1);
      const uint32_t second = k + 1 < taps ? weights[k + 1] : 0u;
      const __m512i pair = _mm512_set1_epi32(static_cast<int>(second << 16 | weights[k]));
      for (size_t c = 0; c < 3; c++) {
        const size_t at = c * plane_length + static_cast<size_t>(x);
        sums[c].Add(rows[k] + at, rows[next] + at, pair);
      }
    }
    StoreRgb(sums[0].Narrow(), sums[1].Narrow(), sums[2].Narrow(), size - x, out);
  }
}

}  // namespace canopy

#endif  // CANOPY_X86
