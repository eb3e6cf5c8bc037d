// The inner loops of YCbCr to RGB on planes, bit for bit as libjpeg computes them. Scalar references, and
// what the CPU has.
#ifndef CANOPY_NATIVE_COLOR_KERNELS_H_
#define CANOPY_NATIVE_COLOR_KERNELS_H_

#include <cstdint>

#include "simd.h"

namespace canopy {

// The kernels may read and write up to 31 samples beyond `width`, within the padding of the rows; upsampling writes
// twice as many.
struct ColorKernels {
  void (*ycc_to_rgb)(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int width, uint8_t* r, uint8_t* g,
                     uint8_t* b);
  // libjpeg's "fancy" triangle filter, 2 samples out per sample in. `width` counts samples in; `sums` has room for
  // width + 64, for kernels that keep them in memory.
  void (*upsample_h2v1)(const uint8_t* in, int width, uint16_t* sums, uint8_t* out);
  // Upsamples `near` to two rows; this is the row next to `far`.
  void (*upsample_h2v2)(const uint8_t* near, const uint8_t* far, int width, uint16_t* sums, uint8_t* out);
};

#ifdef CANOPY_X86
CANOPY_AVX512 void YccToRgbAvx512(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int width, uint8_t* r,
                                  uint8_t* g, uint8_t* b);
#endif

// `simd` is at most ActiveSimd().
const ColorKernels& ColorKernelsFor(Simd simd);
inline const ColorKernels& ActiveColorKernels() { return ColorKernelsFor(ActiveSimd()); }

}  // namespace canopy

#endif  // CANOPY_NATIVE_COLOR_KERNELS_H_
