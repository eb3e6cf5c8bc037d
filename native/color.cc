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

// One row of `n` interleaved components.
using ConvertRow = void (*)(const uint8_t* in, int n, int width, uint8_t* r, uint8_t* g, uint8_t* b);

void TakeOne(const uint8_t* in, int n, int width, uint8_t* r, uint8_t* g, uint8_t* b) {
  for (int x = 0; x < width; x++, in += n) r[x] = g[x] = b[x] = in[0];
}

void TakeThree(const uint8_t* in, int n, int width, uint8_t* r, uint8_t* g, uint8_t* b) {
  for (int x = 0; x < width; x++, in += n) r[x] = in[0], g[x] = in[1], b[x] = in[2];
}

void SplitThree(const uint8_t* in, int, int width, uint8_t* r, uint8_t* g, uint8_t* b) {
  ActiveKernels().split(in, width, r, g, b);
}

void InvertThree(const uint8_t* in, int n, int width, uint8_t* r, uint8_t* g, uint8_t* b) {
  for (int x = 0; x < width; x++, in += n) r[x] = 255 - in[0], g[x] = 255 - in[1], b[x] = 255 - in[2];
}

// `kFlip` is 255 if 255 stands for no ink, else 0.
template <unsigned kFlip>
void Inks(const uint8_t* in, int, int width, uint8_t* __restrict r, uint8_t* __restrict g, uint8_t* __restrict b) {
  for (int x = 0; x < width; x++) {
    const unsigned not_black = 255u - (in[4 * x + 3] ^ kFlip);
    r[x] = InkToLight(in[4 * x] ^ kFlip, not_black);
    g[x] = InkToLight(in[4 * x + 1] ^ kFlip, not_black);
    b[x] = InkToLight(in[4 * x + 2] ^ kFlip, not_black);
  }
}

ConvertRow RowConverter(RowConversion conversion, int components) {
  switch (conversion) {
    case RowConversion::kTakeOne:
      return TakeOne;
    case RowConversion::kInvertThree:
      return InvertThree;
    case RowConversion::kCmyk:
      return Inks<0>;
    case RowConversion::kCmykInverted:
      return Inks<255>;
    default:
      return components == 3 ? SplitThree : TakeThree;
  }
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

// Chroma at a lower resolution than the other two, as Java writes YCbCr with alpha. Colours or inks are never so.
bool HasSubsampledChroma(const JpegHeader& header) {
  const auto samples = [&](int component) {
    return header.sampling[component].horizontal * header.sampling[component].vertical;
  };
  return samples(1) < samples(0) && samples(2) < samples(0) && samples(3) == samples(0);
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
      if (HasSubsampledChroma(header)) return PlanYcbcr(header);
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
  const auto convert = RowConverter(conversion, strip.components);
  for (int y = 0; y < strip.rows; y++) {
    const size_t at = static_cast<size_t>(y) * stride;
    convert(strip.Row(0, y), strip.components, strip.width, planes[0] + at, planes[1] + at, planes[2] + at);
  }
}

}  // namespace canopy
