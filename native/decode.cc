#include "decode.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace canopy {
namespace {

// Adds the time of its life to `*seconds`, unless that is null.
class Stopwatch {
 public:
  explicit Stopwatch(double* seconds) : seconds_(seconds) {
    if (seconds_ != nullptr) start_ = std::chrono::steady_clock::now();
  }
  ~Stopwatch() {
    if (seconds_ != nullptr)
      *seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double* seconds_;
  std::chrono::steady_clock::time_point start_;
};

// First coefficients alone give means of 8x8 pixels (not yet cut to 0..255); the resizer's folded weights account for
// that. Means serve only for an antialiased result, and only if the colour conversion is linear. There are at least
// twice as many means as the result has pixels, so that the difference is hardly visible. Decoding at half or a quarter
// of the size would save little over decoding every pixel.
int ScaleDenominator(const JpegHeader& header, const ColorPlan& plan, const DecodeOptions& options) {
  const int across = options.window.Across(header.width).length;
  const int down = options.window.Down(header.height).length;
  const bool inks = plan.conversion == RowConversion::kCmyk || plan.conversion == RowConversion::kCmykInverted;
  if (!options.antialias || inks) return 1;
  return std::min(across, down) / options.size >= 2 * DCTSIZE ? DCTSIZE : 1;
}

struct ResizeSink {
  Resizer& resizer;
  const DecodeOptions& options;
  uint8_t* target;

  void Begin(const JpegHeader& header, int scale_denominator) {
    resizer.Start(options.window.Across(header.width), options.window.Down(header.height), scale_denominator,
                  options.size, options.antialias, target);
  }
  void Push(const PlanarRows& rows) { resizer.Push(rows); }
};

struct FullSink {
  std::vector<uint8_t>& pixels;
  size_t written = 0;

  void Begin(const JpegHeader& header, int) {
    pixels.resize(static_cast<size_t>(header.width) * static_cast<size_t>(header.height) * 3);
    written = 0;
  }
  void Push(const PlanarRows& rows) {
    for (int y = 0; y < rows.rows; y++) {
      const size_t at = static_cast<size_t>(y) * rows.stride;
      ActiveKernels().merge(rows.planes[0] + at, rows.planes[1] + at, rows.planes[2] + at, rows.width,
                            pixels.data() + written);
      written += static_cast<size_t>(rows.width) * 3;
    }
  }
};

struct NoSink {
  void Begin(const JpegHeader&, int) {}
  void Push(const PlanarRows&) {}
};

}  // namespace

void CheckIsJpeg(ByteSpan bytes) {
  constexpr uint8_t kJpeg[3] = {0xFF, 0xD8, 0xFF};
  if (bytes.size == 0) throw DecodeError(ErrorCode::kEmpty, "File is empty");
  if (std::memcmp(bytes.data, kJpeg, std::min(bytes.size, sizeof(kJpeg))) != 0) {
    throw DecodeError(ErrorCode::kForeign, "Not a JPEG");
  }
  if (bytes.size < sizeof(kJpeg)) throw DecodeError(ErrorCode::kTruncated, "JPEG data ends early");
}

void Decoder::DecodeInto(ByteSpan bytes, const DecodeOptions& options, uint8_t* target, StageTimes* times) {
  ResizeSink sink{resizer_, options, target};
  ReadStrips(bytes, options, true, times, sink);
}

FullImage Decoder::DecodeFull(ByteSpan bytes, const DecodeOptions& options) {
  FullImage image{};
  FullSink sink{image.pixels};
  const Reading reading = ReadStrips(bytes, options, false, nullptr, sink);
  image.inspection = {reader_.header(), reading};
  return image;
}

Inspection Decoder::Inspect(ByteSpan bytes, const DecodeOptions& options) {
  CheckIsJpeg(bytes);
  const JpegHeader header = reader_.Open(bytes, {options.max_pixels, options.accept_truncated});
  const ColorPlan plan = PlanColor(header, options.colorspace);
  if (!plan.needs_constant_alpha) return {header, plan.reading};
  NoSink sink;
  return {header, ReadStrips(bytes, options, false, nullptr, sink)};
}

template <typename Sink>
Reading Decoder::ReadStrips(ByteSpan bytes, const DecodeOptions& options, bool scaled, StageTimes* times, Sink& sink) {
  CheckIsJpeg(bytes);
  const JpegLimits limits{options.max_pixels, options.accept_truncated};
  const JpegHeader& header = reader_.Open(bytes, limits);
  ColorPlan plan = PlanColor(header, options.colorspace);
  const int scale_denominator = scaled ? ScaleDenominator(header, plan, options) : 1;
  Outcome outcome = ReadAs(plan, scale_denominator, options.libjpeg_only, times, sink);
  if (outcome == Outcome::kFlawed) {
    reader_.Open(bytes, limits);
    outcome = ReadAs(plan, scale_denominator, true, times, sink);
  }
  if (outcome == Outcome::kNoConstantAlpha) {
    plan = PlanCmykInverted();
    reader_.Open(bytes, limits);
    ReadAs(plan, 1, true, times, sink);
  }
  return plan.reading;
}

// kNoConstantAlpha if the plan needs a fourth component of 255 everywhere and it is not; kFlawed if only libjpeg can
// tell what the file is.
template <typename Sink>
Decoder::Outcome Decoder::ReadAs(const ColorPlan& full_plan, int scale_denominator, bool libjpeg_only,
                                 StageTimes* times, Sink& sink) {
  ColorPlan plan = full_plan;
  Strip strip{};
  bool more;
  {
    Stopwatch watch(times != nullptr ? &times->decode : nullptr);
    if (libjpeg_only || !StartWithoutLibjpeg(plan, scale_denominator)) {
      plan = PlanScaled(full_plan, reader_.header(), scale_denominator);
      reader_.Start({plan.from, plan.to, plan.planes, scale_denominator});
    }
    more = reader_.Next(&strip);
  }
  sink.Begin(reader_.header(), scale_denominator);
  if (plan.conversion == RowConversion::kYccPlanes) ycc_.Start(reader_.header(), strip.width);
  while (more) {
    PlanarRows rows;
    {
      Stopwatch watch(times != nullptr ? &times->color : nullptr);
      if (plan.needs_constant_alpha && !HasConstantAlpha(plan, strip)) return Outcome::kNoConstantAlpha;
      rows = ToPlanes(plan, strip);
    }
    {
      Stopwatch watch(times != nullptr ? &times->resize : nullptr);
      sink.Push(rows);
    }
    Stopwatch watch(times != nullptr ? &times->decode : nullptr);
    more = reader_.Next(&strip);
    if (!more && !reader_.is_flawed()) reader_.Finish();
  }
  return reader_.is_flawed() ? Outcome::kFlawed : Outcome::kDone;
}

bool Decoder::StartWithoutLibjpeg(const ColorPlan& plan, int scale_denominator) {
  if (!plan.planes) return false;
  if (scale_denominator == DCTSIZE) return reader_.StartEighth();
  return reader_.StartBaseline(plan.needs_constant_alpha ? FourthComponent::kMustBe255 : FourthComponent::kDropped);
}

// libjpeg paints grey if data is missing, which says nothing about the alpha. At an eighth of the size means are looked
// at: where they are 255, either reading gives the same colours within half a level.
bool Decoder::HasConstantAlpha(const ColorPlan& plan, const Strip& strip) const {
  if (reader_.damaged() || reader_.checks_alpha()) return true;
  if (plan.planes) return IsAll255(strip.planes[3], strip.stride, strip.width, strip.rows);
  for (int y = 0; y < strip.rows; y++) {
    const uint8_t* row = strip.planes[0] + static_cast<size_t>(y) * strip.stride;
    for (int x = 0; x < strip.width; x++) {
      if (row[4 * x + 3] != 255) return false;
    }
  }
  return true;
}

PlanarRows Decoder::ToPlanes(const ColorPlan& plan, const Strip& strip) {
  if (plan.conversion == RowConversion::kYccPlanes) return ycc_.Convert(strip, reader_.at_end());
  if (plan.planes) {
    const bool gray = plan.reading == Reading::kGray;
    return {{strip.planes[0], strip.planes[gray ? 0 : 1], strip.planes[gray ? 0 : 2]},
            strip.stride,
            strip.width,
            strip.rows};
  }
  PreparePlanes(strip.width, strip.rows);
  ConvertRows(plan.conversion, strip, planes_, stride_);
  return {{planes_[0], planes_[1], planes_[2]}, stride_, strip.width, strip.rows};
}

void Decoder::PreparePlanes(int width, int rows) {
  stride_ = PaddedStride(static_cast<size_t>(width));
  const size_t plane = stride_ * static_cast<size_t>(rows);
  if (scratch_.size() < 3 * plane) scratch_.resize(3 * plane);
  for (size_t c = 0; c < 3; c++) planes_[c] = scratch_.data() + c * plane;
}

void Decoder::ResizeRgb(const uint8_t* pixels, int width, int height, uint8_t* target, int size, bool antialias) {
  resizer_.Start({width, 0, width}, {height, 0, height}, 1, size, antialias, target);
  PreparePlanes(width, 1);
  for (int y = 0; y < height; y++) {
    const uint8_t* row = pixels + static_cast<size_t>(y) * static_cast<size_t>(width) * 3;
    ActiveKernels().split(row, width, planes_[0], planes_[1], planes_[2]);
    resizer_.Push({{planes_[0], planes_[1], planes_[2]}, stride_, width, 1});
  }
}

}  // namespace canopy
