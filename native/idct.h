// The inverse DCT from dequantised coefficients to samples: bit for bit what libjpeg-turbo's accurate integer method
// ("islow") gives.
#ifndef CANOPY_NATIVE_IDCT_H_
#define CANOPY_NATIVE_IDCT_H_

#include <cstddef>
#include <cstdint>

namespace canopy {

// Two blocks that lie side by side: row y of the first begins at coefficients[16 * y], that of the second at
// coefficients[16 * y + 8].
struct BlockPair {
  // A position where what is written does not count, for either block.
  static constexpr int kNowhere = 128;
  alignas(32) int16_t coefficients[kNowhere + 16];
};

// Samples of 8 bits give coefficients far within -kCoefficientLimit .. kCoefficientLimit - 1. Beyond them
// libjpeg-turbo's implementations for different CPUs differ among themselves.
constexpr int kCoefficientLimit = 8192;

// Which coefficients may be other than zero.
enum class BlockFill { kDc, kLowQuarter, kAll };  // the first; those of the first four rows and columns; any

// Writes 16x8 samples and clears the coefficients.
using InverseDct = void (*)(BlockPair* blocks, BlockFill fill, uint8_t* samples, size_t stride);

// nullptr on CPUs without AVX2, where libjpeg's is the faster one.
InverseDct ActiveInverseDct();

// The sample of a block of which only the first coefficient is not zero.
inline uint8_t FlatSample(int dc) {
  const int sample = ((dc + 4) >> 3) + 128;
  return static_cast<uint8_t>(sample < 0 ? 0 : sample > 255 ? 255 : sample);
}

}  // namespace canopy

#endif  // CANOPY_NATIVE_IDCT_H_
