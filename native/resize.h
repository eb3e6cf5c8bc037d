// Resizer: takes planar rows from top to bottom and writes a square of interleaved RGB, each row as soon as its source
// rows are there.
#ifndef CANOPY_NATIVE_RESIZE_H_
#define CANOPY_NATIVE_RESIZE_H_

#include <cstdint>
#include <vector>

#include "image.h"
#include "resize_kernels.h"

namespace canopy {

// Pixels along one side of a picture, and those of them that are resized.
struct Extent {
  int whole;
  int from;
  int length;
  bool operator==(const Extent& other) const {
    return whole == other.whole && from == other.from && length == other.length;
  }
};

// The part of a picture that is resized: its sides as shares of the picture's, in (0, 1], and where it lies among the
// places where it can lie, 0 to 1. The same rule as windowOf in src/decode/window.ts.
struct Window {
  double left = 0;
  double top = 0;
  double width = 1;
  double height = 1;
  Extent Across(int picture_width) const { return ExtentOf(picture_width, left, width); }
  Extent Down(int picture_height) const { return ExtentOf(picture_height, top, height); }

 private:
  static Extent ExtentOf(int whole, double place, double share);
};

// All that one axis of a resize depends on; equal keys give equal tables.
struct AxisKey {
  Extent source;   // in pixels of the original
  int fold;        // original pixels per given sample (a DCT-scaled decode gives averages of `fold` pixels)
  int size;        // pixels of the result
  bool antialias;  // triangle filter widened by the scale (Pillow's BILINEAR), else the two nearest (tf.image.resize,
                   // half-pixel)
  bool operator==(const AxisKey& other) const {
    return source == other.source && fold == other.fold && size == other.size && antialias == other.antialias;
  }
};

class Resizer {
 public:
  // `target` is [size, size, 3] and must stay alive until the last row has been pushed. All rows of the picture are
  // pushed, whatever part of it is resized.
  void Start(Extent across, Extent down, int fold, int size, bool antialias, uint8_t* target);
  void Push(const PlanarRows& rows);

 private:
  void EmitFinishedRows();
  void EmitRow(int y);
  uint16_t* RingRow(int y) {
    return reinterpret_cast<uint16_t*>(ring_.data()) + static_cast<size_t>(y & (ring_rows_ - 1)) * 3 * row_length_;
  }

  AxisKey horizontal_key_{};
  AxisKey vertical_key_{};
  FilterTable horizontal_;
  FilterTable vertical_;
  std::vector<Lanes> ring_;  // [ring_rows_, 3, row_length_], 8.8 fixed point
  std::vector<const uint16_t*> taps_;
  std::vector<uint32_t> sums_;
  size_t row_length_ = 0;  // the result's size, rounded up
  int ring_rows_ = 0;      // a power of two, so that no row costs a division
  int rows_in_ = 0;
  int rows_out_ = 0;
  uint8_t* target_ = nullptr;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_RESIZE_H_
