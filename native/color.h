// How a JPEG's components become R, G, B: which reading applies (docs/colour.md), and the conversion of rows.
#ifndef CANOPY_NATIVE_COLOR_H_
#define CANOPY_NATIVE_COLOR_H_

#include "image.h"
#include "jpeg.h"

namespace canopy {

// What the user asks for.
enum class Colorspace { kAuto, kRgb, kYcbcr, kCmyk, kCmykInverted, kGray };

// What a file turns out to be.
enum class Reading { kGray, kYcbcr, kRgb, kRgbConstantAlpha, kCmyk, kCmykInverted, kYcck };

// How rows that come from JpegReader turn into planes R, G, B.
enum class RowConversion {
  kPlanes,        // they are planes already
  kYccPlanes,     // planes Y, Cb, Cr, for YccConverter
  kTakeOne,       // the first component, three times
  kTakeThree,     // the first three components
  kInvertThree,   // 255 minus each of the first three
  kCmyk,          // 0 = no ink
  kCmykInverted,  // 255 = no ink, as Adobe writes and Pillow reads
};

struct ColorPlan {
  Reading reading;
  J_COLOR_SPACE from;
  J_COLOR_SPACE to;
  RowConversion conversion;
  bool planes;
  // Valid only while component 3 is 255 everywhere; otherwise read the file again with PlanCmykInverted.
  bool needs_constant_alpha;
};

const char* ReadingName(Reading reading);

// Throws DecodeError(kColorspace) if the components do not allow `colorspace`.
ColorPlan PlanColor(const JpegHeader& header, Colorspace colorspace);
// The same colours at 1 / `scale_denominator` of the size. Components of different sampling do not come as planes
// there.
ColorPlan PlanScaled(const ColorPlan& plan, const JpegHeader& header, int scale_denominator);
// Four components without any marker, as Pillow takes them.
ColorPlan PlanCmykInverted();

// Whether the first `width` bytes of each of `rows` rows are 255.
bool IsAll255(const uint8_t* plane, size_t stride, int width, int rows);

// Converts interleaved rows of `components` bytes per pixel (any conversion but kPlanes and kYccPlanes) into three
// planes of `stride` bytes per row.
void ConvertRows(RowConversion conversion, const Strip& strip, uint8_t* const planes[3], size_t stride);

}  // namespace canopy

#endif  // CANOPY_NATIVE_COLOR_H_
