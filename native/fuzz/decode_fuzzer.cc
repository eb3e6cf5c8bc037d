// libFuzzer target: any bytes through the whole native decoder. The first byte chooses the options, the rest is the
// file.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../decode.h"

namespace {

constexpr int kSizes[] = {16, 7, 40, 1};
constexpr canopy::Colorspace kColorspaces[] = {
    canopy::Colorspace::kAuto, canopy::Colorspace::kAuto,         canopy::Colorspace::kRgb,  canopy::Colorspace::kYcbcr,
    canopy::Colorspace::kCmyk, canopy::Colorspace::kCmykInverted, canopy::Colorspace::kGray, canopy::Colorspace::kAuto};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static canopy::Decoder decoder;
  canopy::DecodeOptions options;
  options.size = kSizes[data[0] & 3];
  options.colorspace = kColorspaces[(data[0] >> 2) & 7];
  options.antialias = (data[0] & 32) == 0;
  options.accept_truncated = (data[0] & 64) != 0;
  options.max_pixels = 1 << 20;
  const bool full = (data[0] & 128) != 0;
  // Exactly as large as allowed, on the heap, so that the sanitizer sees one byte too many on either side.
  const std::vector<uint8_t> bytes(data + 1, data + size);
  std::vector<uint8_t> target(static_cast<size_t>(options.size) * static_cast<size_t>(options.size) * 3);
  try {
    if (full) {
      decoder.DecodeFull({bytes.data(), bytes.size()}, options);
    } else {
      decoder.DecodeInto({bytes.data(), bytes.size()}, options, target.data());
    }
  } catch (const canopy::DecodeError&) {
    // What bad files are meant to end in.
  }
  return 0;
}
