#include "color_kernels.h"

#include <algorithm>

#include "color_factors.h"
#include "vector128.h"
#include "vector256.h"
#include "vector512.h"

namespace canopy {

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

#ifdef CANOPY_128
#define CANOPY_TARGET CANOPY_128
namespace narrow {
using namespace vector128;
#include "upsample_kernel.h"
// It builds on the file above.
#include "color_kernel.h"
constexpr ColorKernels kKernels = {YccToRgb, UpsampleH2v1, UpsampleH2v2};
}  // namespace narrow
#undef CANOPY_TARGET
#endif

#ifdef CANOPY_X86
#define CANOPY_TARGET CANOPY_AVX2
namespace wide {
using namespace vector256;
#include "upsample_kernel.h"
// It builds on the file above.
#include "color_kernel.h"
constexpr ColorKernels kKernels = {YccToRgb, UpsampleH2v1, UpsampleH2v2};
}  // namespace wide
#undef CANOPY_TARGET

#define CANOPY_TARGET CANOPY_AVX512
namespace widest {
using namespace vector512;
#include "upsample_kernel.h"
constexpr ColorKernels kKernels = {YccToRgbAvx512, UpsampleH2v1, UpsampleH2v2};
}  // namespace widest
#undef CANOPY_TARGET
#endif

}  // namespace

const ColorKernels& ColorKernelsFor(Simd simd) {
#ifdef CANOPY_X86
  if (simd >= Simd::kAvx512) return widest::kKernels;
  if (simd >= Simd::kAvx2) return wide::kKernels;
#endif
#ifdef CANOPY_128
  if (simd >= Simd::k128) return narrow::kKernels;
#endif
  return kScalar;
}

}  // namespace canopy
