// Borrowed views of bytes and pixels; nothing here owns memory.
#ifndef CANOPY_NATIVE_IMAGE_H_
#define CANOPY_NATIVE_IMAGE_H_

#include <cstddef>
#include <cstdint>

namespace canopy {

struct ByteSpan {
  const uint8_t* data;
  size_t size;
};

// `rows` rows of three planes R, G, B of `width` uint8 samples each. The kernels load 16 bytes at a time: every row is
// followed by at least kRowPadding readable bytes, whose values do not matter.
struct PlanarRows {
  const uint8_t* planes[3];
  size_t stride;
  int width;
  int rows;
};

constexpr size_t kRowPadding = 32;

// Bytes of a padded row, a multiple of 32.
inline size_t PaddedStride(size_t width) { return (width + 31) / 32 * 32 + kRowPadding; }

}  // namespace canopy

#endif  // CANOPY_NATIVE_IMAGE_H_
