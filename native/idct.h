// The inverse DCT from quantised coefficients to samples: bit for bit what libjpeg-turbo's accurate integer method
// ("islow") gives.
#ifndef CANOPY_NATIVE_IDCT_H_
#define CANOPY_NATIVE_IDCT_H_

#include <cstddef>
#include <cstdint>

#include "simd.h"

namespace canopy {

// Samples of 8 bits give dequantised coefficients far within -kCoefficientLimit .. kCoefficientLimit - 1. Beyond +-8192
// libjpeg-turbo's implementations for different CPUs differ among themselves.
constexpr int kCoefficientLimit = 4096;

// Where the coefficient `natural` (8 * row + column) of a block lies among 64. Values that the transform multiplies and
// adds lie next to each other: pairs of rows 0 and 4, 2 and 6, 7 and 1, 3 and 5, and within them the columns 0, 4, 2,
// 6, 7, 1, 3, 5, which the second pass pairs in the same way.
constexpr int TransformOrder(int natural) {
  constexpr int kPlace[8] = {0, 5, 2, 6, 1, 7, 3, 4};  // of each row and column in that order
  const int row = kPlace[natural / 8];
  return row / 2 * 16 + kPlace[natural % 8] * 2 + row % 2;
}

// Four blocks that lie side by side, quantised. The coefficient with the TransformOrder t of block b is at
// coefficients[PositionOf(t) + 8 * b]; the first one's t is 0.
struct BlockQuad {
  static constexpr int kBlocks = 4;
  static constexpr int kSize = 256;
  static constexpr int PositionOf(int t) { return t / 8 * 32 + t % 8; }
  alignas(64) int16_t coefficients[kSize];
};

// The factors that undo the quantisation.
struct BlockQuanta {
  static constexpr int kMax = 8191;
  alignas(64) uint16_t factors[64];  // by TransformOrder
  uint16_t quadruples[64];           // four times the same

  // False, and the rest untouched, if `quantum` is beyond kMax, which is possible only in tables of 16 bits.
  bool Set(int natural, unsigned quantum) {
    if (quantum > kMax) return false;
    factors[TransformOrder(natural)] = static_cast<uint16_t>(quantum);
    quadruples[TransformOrder(natural)] = static_cast<uint16_t>(4 * quantum);
    return true;
  }
};

// Writes 32x8 samples and clears the coefficients. False if one of them, dequantised, is beyond kCoefficientLimit; the
// samples are then invalid.
using InverseDct = bool (*)(BlockQuad* blocks, const BlockQuanta& quanta, uint8_t* samples, size_t stride);

// nullptr for Simd::kScalar, where libjpeg's own is faster. `simd` is at most ActiveSimd().
InverseDct InverseDctFor(Simd simd);

// The sample of a block whose coefficients are all zero but the first.
inline uint8_t FlatSample(int dc) {
  const int sample = ((dc + 4) >> 3) + 128;
  return static_cast<uint8_t>(sample < 0 ? 0 : sample > 255 ? 255 : sample);
}

}  // namespace canopy

#endif  // CANOPY_NATIVE_IDCT_H_
