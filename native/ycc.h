// YccConverter: planes Y, Cb, Cr as they come from the inverse DCT, strip by strip, to planes R, G, B.
#ifndef CANOPY_NATIVE_YCC_H_
#define CANOPY_NATIVE_YCC_H_

#include <cstdint>
#include <vector>

#include "image.h"
#include "jpeg.h"

namespace canopy {

// Gives exactly what libjpeg gives with its default, "fancy" upsampling. Rows at the border of two strips need chroma
// of both: the last row of a strip is held back until the next strip is there.
class YccConverter {
 public:
  // Whether this converter covers the file's sampling: chroma 1x1, and luma 1x1, 2x1 or 2x2.
  static bool Covers(const JpegHeader& header);

  // `width` is that of the given rows, less than the image's after a scaled decode, which gives all components at one
  // resolution.
  void Start(const JpegHeader& header, int width);
  // `last` is true for the last strip. The result is valid until the next call.
  PlanarRows Convert(const Strip& strip, bool last);

 private:
  struct ChromaRows {
    const uint8_t* cb;
    const uint8_t* cr;
  };
  void ConvertTall(const Strip& strip, bool last);
  void ConvertRow(const uint8_t* luma, ChromaRows near, ChromaRows far);
  void HoldLastRow(const Strip& strip);

  int width_ = 0;
  int chroma_width_ = 0;
  bool wide_ = false;  // luma has twice as many columns as chroma
  bool tall_ = false;  // and twice as many rows
  bool holds_row_ = false;
  size_t stride_ = 0;
  int rows_out_ = 0;
  std::vector<uint8_t> rgb_;     // [3, kMaxRows, stride]
  std::vector<uint8_t> chroma_;  // Cb and Cr of one row, upsampled
  std::vector<uint8_t> held_;    // Y, Cb and Cr of the row held back
  std::vector<uint16_t> sums_;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_YCC_H_
