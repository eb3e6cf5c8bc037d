#include "color.h"

#include <string>

#include "resize_kernels.h"
#include "ycc.h"

namespace canopy {
namespace {

// round(a * b / 255), as Pillow computes it.
inline unsigned MultiplyDivide255(unsigned a, unsigned b) {
  const unsigned product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

// Pillow's CMYK to RGB: nk - c * nk / 255 with nk = 255 - k.
inline uint8_t InkToLight(unsigned ink, unsigned not_black) {
  return static_cast<uint8_t>(not_black - MultiplyDivide255(ink, not_black));
}

[[noreturn]] void Refuse(const char* colorspace, const JpegHeader& header) {
  throw DecodeError(ErrorCode::kColorspace, "Cannot read a JPEG with " + std::to_string(header.components) +
                                                (header.components == 1 ? " component as " : " components as ") +
                                                colorspace);
}

ColorPlan AsTheyAre(Reading reading, RowConversion conversion, bool planes) {
  return {reading, JCS_UNKNOWN, JCS_UNKNOWN, planes ? RowConversion::kPlanes : conversion, planes, false};
}

ColorPlan PlanInk(const JpegHeader& header, bool inverted) {
  const bool ycck = header.colorspace == JCS_YCCK;
  const Reading reading = ycck ? Reading::kYcck : inverted ? Reading::kCmykInverted : Reading::kCmyk;
  return {reading,  ycck ? JCS_YCCK : JCS_CMYK,
          JCS_CMYK, inverted ? RowConversion::kCmykInverted : RowConversion::kCmyk,
          false,    false};
}

ColorPlan PlanYcbcr(const JpegHeader& header) {
  if (YccConverter::Covers(header)) {
    return {Reading::kYcbcr, JCS_YCbCr, JCS_YCbCr, RowConversion::kYccPlanes, true, false};
  }
  if (header.components == 3) {
    return {Reading::kYcbcr, JCS_YCbCr, JCS_RGB, RowConversion::kTakeThree, false, false};
  }
  // libjpeg turns YCCK into 255 - R, 255 - G, 255 - B and leaves the fourth alone.
  return {Reading::kYcbcr, JCS_YCCK, JCS_CMYK, RowConversion::kInvertThree, false, false};
}

ColorPlan PlanAuto(const JpegHeader& header) {
  switch (header.components) {
    case 1:
      return AsTheyAre(Reading::kGray, RowConversion::kTakeOne, header.unsampled);
    case 3:
      return header.colorspace == JCS_RGB ? AsTheyAre(Reading::kRgb, RowConversion::kTakeThree, header.unsampled)
                                          : PlanYcbcr(header);
    case 4: {
      if (header.adobe_transform >= 0) return PlanInk(header, true);
      ColorPlan plan = AsTheyAre(Reading::kRgbConstantAlpha, RowConversion::kTakeThree, header.unsampled);
      plan.needs_constant_alpha = true;
      return plan;
    }
    default:
      throw DecodeError(ErrorCode::kColorspace,
                        "JPEG with " + std::to_string(header.components) + " components has no known colours");
  }
}

}  // namespace

const char* ReadingName(Reading reading) {
  switch (reading) {
    case Reading::kGray:
      return "gray";
    case Reading::kYcbcr:
      return "ycbcr";
    case Reading::kRgb:
      return "rgb";
    case Reading::kRgbConstantAlpha:
      return "rgb+constant-alpha";
    case Reading::kCmyk:
      return "cmyk";
    case Reading::kCmykInverted:
      return "cmyk-inverted";
    case Reading::kYcck:
      return "ycck";
  }
  return "rgb";
}

ColorPlan PlanColor(const JpegHeader& header, Colorspace colorspace) {
  switch (colorspace) {
    case Colorspace::kAuto:
      return PlanAuto(header);
    case Colorspace::kGray:
      return AsTheyAre(Reading::kGray, RowConversion::kTakeOne, header.unsampled);
    case Colorspace::kRgb:
      if (header.components < 3) Refuse("rgb", header);
      return AsTheyAre(Reading::kRgb, RowConversion::kTakeThree, header.unsampled);
    case Colorspace::kYcbcr:
      if (header.components < 3) Refuse("ycbcr", header);
      return PlanYcbcr(header);
    case Colorspace::kCmyk:
      if (header.components != 4) Refuse("cmyk", header);
      return PlanInk(header, false);
    case Colorspace::kCmykInverted:
      if (header.components != 4) Refuse("cmyk-inverted", header);
      return PlanInk(header, true);
  }
  return PlanAuto(header);
}

ColorPlan PlanScaled(const ColorPlan& plan, const JpegHeader& header, int scale_denominator) {
  if (scale_denominator == 1 || plan.conversion != RowConversion::kYccPlanes || header.unsampled) return plan;
  return {plan.reading, JCS_YCbCr, JCS_RGB, RowConversion::kTakeThree, false, false};
}

ColorPlan PlanCmykInverted() {
  return {Reading::kCmykInverted, JCS_CMYK, JCS_CMYK, RowConversion::kCmykInverted, false, false};
}

bool IsAll255(const uint8_t* plane, size_t stride, int width, int rows) {
  for (int y = 0; y < rows; y++) {
    const uint8_t* row = plane + static_cast<size_t>(y) * stride;
    uint8_t all = 255;
    for (int x = 0; x < width; x++) all &= row[x];
    if (all != 255) return false;
  }
  return true;
}

void ConvertRows(RowConversion conversion, const Strip& strip, uint8_t* const planes[3], size_t stride) {
  const int n = strip.components;
  for (int y = 0; y < strip.rows; y++) {
    const uint8_t* in = strip.planes[0] + static_cast<size_t>(y) * strip.stride;
    uint8_t* r = planes[0] + static_cast<size_t>(y) * stride;
    uint8_t* g = planes[1] + static_cast<size_t>(y) * stride;
    uint8_t* b = planes[2] + static_cast<size_t>(y) * stride;
    if (n == 3 && conversion == RowConversion::kTakeThree) {
      ActiveKernels().split(in, strip.width, r, g, b);
      continue;
    }
    for (int x = 0; x < strip.width; x++, in += n) {
      switch (conversion) {
        case RowConversion::kPlanes:
        case RowConversion::kYccPlanes:
        case RowConversion::kTakeThree:
          r[x] = in[0], g[x] = in[1], b[x] = in[2];
          break;
        case RowConversion::kTakeOne:
          r[x] = g[x] = b[x] = in[0];
          break;
        case RowConversion::kInvertThree:
          r[x] = 255 - in[0], g[x] = 255 - in[1], b[x] = 255 - in[2];
          break;
        case RowConversion::kCmyk:
          r[x] = InkToLight(in[0], 255u - in[3]);
          g[x] = InkToLight(in[1], 255u - in[3]);
          b[x] = InkToLight(in[2], 255u - in[3]);
          break;
        case RowConversion::kCmykInverted:
          r[x] = InkToLight(255u - in[0], in[3]);
          g[x] = InkToLight(255u - in[1], in[3]);
          b[x] = InkToLight(255u - in[2], in[3]);
          break;
      }
    }
  }
}

}  // namespace canopy
