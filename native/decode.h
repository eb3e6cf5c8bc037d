// Decoder: JPEG bytes to a square of RGB in given memory. Rows flow from libjpeg through colour into the resizer, a
// strip at a time.
#ifndef CANOPY_NATIVE_DECODE_H_
#define CANOPY_NATIVE_DECODE_H_

#include <cstdint>
#include <vector>

#include "color.h"
#include "image.h"
#include "jpeg.h"
#include "resize.h"
#include "ycc.h"

namespace canopy {

// Changes whenever the pixels may change; see decoderVersion in src/addon.ts.
constexpr int kDecoderVersion = 3;

struct DecodeOptions {
  int size = 0;
  Colorspace colorspace = Colorspace::kAuto;
  bool antialias = true;
  uint64_t max_pixels = 0;
  bool accept_truncated = false;
  // What is resized; the whole picture by default.
  Window window;
  // Uses libjpeg-turbo alone: the reference that canopy's own decoders are tested against.
  bool libjpeg_only = false;
};

// Seconds spent per stage, filled in if asked for.
struct StageTimes {
  double decode = 0;
  double color = 0;
  double resize = 0;
};

struct Inspection {
  JpegHeader header;
  Reading reading;
};

struct FullImage {
  Inspection inspection;
  std::vector<uint8_t> pixels;  // [height, width, 3]
};

// One per thread; keeps scratch between tiles. Functions throw DecodeError, or std::bad_alloc; the decoder can be used
// again afterwards.
class Decoder {
 public:
  // `target` is [size, size, 3]. If this throws, the target may hold part of a picture.
  void DecodeInto(ByteSpan bytes, const DecodeOptions& options, uint8_t* target, StageTimes* times = nullptr);
  FullImage DecodeFull(ByteSpan bytes, const DecodeOptions& options);
  Inspection Inspect(ByteSpan bytes, const DecodeOptions& options);
  // Interleaved RGB `[height, width, 3]` through the same resizer.
  void ResizeRgb(const uint8_t* pixels, int width, int height, uint8_t* target, int size, bool antialias);

 private:
  template <typename Sink>
  Reading ReadStrips(ByteSpan bytes, const DecodeOptions& options, bool scaled, StageTimes* times, Sink& sink);
  enum class Outcome { kDone, kFlawed, kNoConstantAlpha };
  template <typename Sink>
  Outcome ReadAs(const ColorPlan& plan, int scale_denominator, bool libjpeg_only, StageTimes* times, Sink& sink);
  bool StartWithoutLibjpeg(const ColorPlan& plan, int scale_denominator);
  bool HasConstantAlpha(const ColorPlan& plan, const Strip& strip) const;
  PlanarRows ToPlanes(const ColorPlan& plan, const Strip& strip);
  void PreparePlanes(int width, int rows);

  JpegReader reader_;
  YccConverter ycc_;
  Resizer resizer_;
  std::vector<uint8_t> scratch_;
  uint8_t* planes_[3] = {};
  size_t stride_ = 0;
};

// Throws DecodeError unless `bytes` begin like a JPEG: kEmpty, kTruncated, or kForeign.
void CheckIsJpeg(ByteSpan bytes);

}  // namespace canopy

#endif  // CANOPY_NATIVE_DECODE_H_
