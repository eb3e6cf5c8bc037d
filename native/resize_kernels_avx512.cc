// AVX-512 versions of the resize kernels. Rows are resized in a layout of their own: one permutation finds the samples
// of 32 results among 64 or 128, where narrower registers need up to four shuffles for eight.
#include <algorithm>

#include "resize_avx512.h"
#include "vector512.h"

#ifdef CANOPY_X86
namespace canopy {

extern const ResizeKernels kAvx2Kernels;
extern const ResizeKernels kAvx512Kernels;

namespace {

// `kWindows` windows of 64 samples.
template <int kWindows>
struct Window {
  __m512i first;
  __m512i second;

  CANOPY_AVX512 void Load(const uint8_t* samples) {
    first = LoadOnce(samples);
    if (kWindows == 2) second = LoadOnce(samples + 64);
  }
  // The samples at `places`, in the high bytes of their lanes, times their weights.
  CANOPY_AVX512 __m512i Multiply(__m512i places, __m512i weights) const {
    const __m512i samples = kWindows == 1 ? _mm512_maskz_permutexvar_epi8(kHighBytes, places, first)
                                          : _mm512_maskz_permutex2var_epi8(kHighBytes, first, places, second);
    return _mm512_mulhi_epu16(samples, weights);
  }
};

// `kTaps` and `kPerLoad` are the table's if they are known at compile time, so that the loops unroll; 0 otherwise.
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

// Half the size, and one load for all taps, have loops of their own.
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

using namespace vector512;

constexpr int kPixels = 32;

// StoreRgb takes their high bytes.
template <typename Sum>
CANOPY_AVX512 inline Vec Results(Sum sum, size_t at) {
  return sum(at);
}

#define CANOPY_TARGET CANOPY_AVX512
#include "resize_vertical.h"
#undef CANOPY_TARGET

}  // namespace

const ResizeKernels kAvx512Kernels = {HorizontalAvx512, LongHorizontalAvx512, Vertical, LongVerticalAvx512, Split128,
                                      Merge128};

}  // namespace canopy

#endif  // CANOPY_X86
