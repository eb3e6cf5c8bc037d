#include "resize_kernels.h"

#include "simd.h"

namespace canopy {

#ifdef CANOPY_128
extern const ResizeKernels k128Kernels;
#endif
#ifdef CANOPY_X86
extern const ResizeKernels kAvx2Kernels;
extern const ResizeKernels kAvx512Kernels;
#endif

namespace {

// Half of one unit in the last place per tap: the average loss of truncating each product.
inline uint16_t CutCompensation(int taps) { return static_cast<uint16_t>(taps / 2); }

void ScalarVertical(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length, int size,
                    uint8_t* out) {
  for (int i = 0; i < size; i++) {
    for (size_t c = 0; c < 3; c++) {
      unsigned sum = 128u + CutCompensation(taps);
      for (int k = 0; k < taps; k++) {
        sum += (static_cast<unsigned>(rows[k][c * plane_length + static_cast<size_t>(i)]) * weights[k]) >> 16;
      }
      out[i * 3 + static_cast<int>(c)] = static_cast<uint8_t>(sum >> 8);
    }
  }
}

void ScalarSplit(const uint8_t* rgb, int width, uint8_t* r, uint8_t* g, uint8_t* b) {
  for (int x = 0; x < width; x++) r[x] = rgb[3 * x], g[x] = rgb[3 * x + 1], b[x] = rgb[3 * x + 2];
}

void ScalarMerge(const uint8_t* r, const uint8_t* g, const uint8_t* b, int width, uint8_t* rgb) {
  for (int x = 0; x < width; x++) rgb[3 * x] = r[x], rgb[3 * x + 1] = g[x], rgb[3 * x + 2] = b[x];
}

}  // namespace

void ScalarHorizontal(const FilterTable& table, const uint8_t* row, uint16_t* out) {
  for (int i = 0; i < table.size; i++) {
    const uint8_t* samples = row + table.start[static_cast<size_t>(i)];
    const uint16_t* weights = table.weights.data() + i * table.taps;
    unsigned sum = CutCompensation(table.taps);
    for (int k = 0; k < table.taps; k++) sum += (static_cast<unsigned>(samples[k]) * weights[k]) >> 8;
    out[i] = static_cast<uint16_t>(sum);
  }
}

void ScalarLongHorizontal(const FilterTable& table, const uint8_t* row, uint16_t* out) {
  for (int i = 0; i < table.size; i++) {
    const uint8_t* samples = row + table.start[static_cast<size_t>(i)];
    const uint16_t* weights = table.weights.data() + static_cast<size_t>(i) * static_cast<size_t>(table.taps);
    uint32_t sum = 128;
    for (int k = 0; k < table.taps; k++) sum += static_cast<uint32_t>(samples[k]) * weights[k];
    out[i] = static_cast<uint16_t>(sum >> 8);
  }
}

void ScalarLongVertical(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length, int size,
                        uint32_t* sums, uint8_t* out) {
  const size_t length = 3 * plane_length;
  for (size_t i = 0; i < length; i++) sums[i] = 1u << 23;
  for (int k = 0; k < taps; k++) {
    const uint16_t* row = rows[k];
    const uint32_t weight = weights[k];
    for (size_t i = 0; i < length; i++) sums[i] += row[i] * weight;
  }
  for (int i = 0; i < size; i++) {
    for (size_t c = 0; c < 3; c++) {
      out[i * 3 + static_cast<int>(c)] = static_cast<uint8_t>(sums[c * plane_length + static_cast<size_t>(i)] >> 24);
    }
  }
}

const ResizeKernels kScalarKernels = {EachPlane<ScalarHorizontal>,
                                      EachPlane<ScalarLongHorizontal>,
                                      ScalarVertical,
                                      ScalarLongVertical,
                                      ScalarSplit,
                                      ScalarMerge};

const ResizeKernels& ActiveKernels() {
#ifdef CANOPY_X86
  if (ActiveSimd() >= Simd::kAvx512) return kAvx512Kernels;
  if (ActiveSimd() >= Simd::kAvx2) return kAvx2Kernels;
#endif
#ifdef CANOPY_128
  if (ActiveSimd() >= Simd::k128) return k128Kernels;
#endif
  return kScalarKernels;
}

}  // namespace canopy
