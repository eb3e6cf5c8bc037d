// libFuzzer target: any bytes through the whole native decoder. The first byte chooses the options, the rest is the
// file.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../decode.h"

namespace {

constexpr int kSizes[] = {16, 7, 40, 1};
constexpr canopy::Colorspace kColorspaces[] = {
    canopy::Colorspace::kAuto, canopy::Colorspace::kAuto,         canopy::Colorspace::kRgb,  canopy::Colorspace::kYcbcr,
    canopy::Colorspace::kCmyk, canopy::Colorspace::kCmykInverted, canopy::Colorspace::kGray, canopy::Colorspace::kAuto};
// Colour choice 7 looks whether a file that is good at a small size is good as a whole, too.
constexpr int kCompare = 7;

enum class Way { kInto, kFull };

// Whether the bytes decode.
bool Decodes(canopy::ByteSpan bytes, const canopy::DecodeOptions& options, Way way) {
  static canopy::Decoder decoder;
  std::vector<uint8_t> target(static_cast<size_t>(options.size) * static_cast<size_t>(options.size) * 3);
  try {
    if (way == Way::kFull) {
      decoder.DecodeFull(bytes, options);
    } else {
      decoder.DecodeInto(bytes, options, target.data());
    }
    return true;
  } catch (const canopy::DecodeError&) {
    return false;  // what bad files are meant to end in
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  canopy::DecodeOptions options;
  const int color = (data[0] >> 2) & 7;
  options.size = kSizes[data[0] & 3];
  options.colorspace = kColorspaces[color];
  options.antialias = (data[0] & 32) == 0;
  options.accept_truncated = (data[0] & 64) != 0;
  options.max_pixels = 1 << 18;
  // Exactly as large as allowed, on the heap, so that the sanitizer sees one byte too many on either side.
  const std::vector<uint8_t> copy(data + 1, data + size);
  const canopy::ByteSpan bytes{copy.data(), copy.size()};
  const Way way = (data[0] & 128) != 0 ? Way::kFull : Way::kInto;
  const bool decodes = Decodes(bytes, options, way);
  if (color == kCompare && decodes != Decodes(bytes, options, way == Way::kFull ? Way::kInto : Way::kFull)) {
    std::fprintf(stderr, "The file decodes in one way only\n");
    std::abort();
  }
  return 0;
}
