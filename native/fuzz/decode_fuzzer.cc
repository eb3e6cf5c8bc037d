// libFuzzer target: any bytes through the whole native decoder. The first byte chooses the options, the rest is the
// file.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../decode.h"
#include "surgery.h"

namespace {

constexpr int kSizes[] = {16, 7, 40, 1};
constexpr canopy::Colorspace kColorspaces[] = {
    canopy::Colorspace::kAuto, canopy::Colorspace::kAuto,         canopy::Colorspace::kRgb,  canopy::Colorspace::kYcbcr,
    canopy::Colorspace::kCmyk, canopy::Colorspace::kCmykInverted, canopy::Colorspace::kGray, canopy::Colorspace::kAuto};
// Colour choice 1 checks that canopy's own decoder gives what libjpeg gives. 7 checks that a decoder that has seen
// other files gives the same as a new one, and that a file that is good at a small size is good as a whole. Progressive
// files need not be: scans that the small size does not need are not read.
constexpr int kCompareLibjpeg = 1;
constexpr int kCompare = 7;

struct Result {
  bool good = false;
  std::vector<uint8_t> pixels;
};

Result Decode(canopy::Decoder* decoder, canopy::ByteSpan bytes, const canopy::DecodeOptions& options, bool full) {
  Result result;
  try {
    if (full) {
      result.pixels = decoder->DecodeFull(bytes, options).pixels;
    } else {
      result.pixels.resize(static_cast<size_t>(options.size) * static_cast<size_t>(options.size) * 3);
      decoder->DecodeInto(bytes, options, result.pixels.data());
    }
    result.good = true;
  } catch (const canopy::DecodeError&) {
    result.pixels.clear();  // bad files shall end here
  }
  return result;
}

bool IsProgressive(const canopy::Bytes& file, const canopy::DecodeOptions& options) {
  canopy::JpegReader reader;
  return reader.Open({file.data(), file.size()}, {options.max_pixels, options.accept_truncated}).progressive;
}

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

// Scans that are left out change no pixel of a good file.
void CheckLeftOutScans(const canopy::Bytes& file, const canopy::DecodeOptions& options) {
  canopy::Decoder decoder;
  const canopy::Bytes whole = canopy::ForLibjpegOnly(file);
  const Result result = Decode(&decoder, {file.data(), file.size()}, options, false);
  const Result expected = Decode(&decoder, {whole.data(), whole.size()}, options, false);
  Check(!expected.good || (result.good && result.pixels == expected.pixels), "What was left out was needed");
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
  const bool full = (data[0] & 128) != 0;
  // Exactly as large as allowed, on the heap, so that the sanitizer sees one byte too many on either side.
  const canopy::Bytes copy(data + 1, data + size);
  const canopy::ByteSpan bytes{copy.data(), copy.size()};
  static canopy::Decoder used;
  const Result result = Decode(&used, bytes, options, full);
  if (color == kCompareLibjpeg) {
    const Result own = Decode(&used, bytes, options, true);
    options.libjpeg_only = true;
    const Result reference = Decode(&used, bytes, options, true);
    Check(own.good == reference.good && own.pixels == reference.pixels, "libjpeg gives another result");
  }
  if (color != kCompare) return 0;
  canopy::Decoder fresh;
  const Result other = Decode(&fresh, bytes, options, full);
  Check(result.good == other.good && result.pixels == other.pixels, "A new decoder gives another result");
  if (result.good && !options.accept_truncated && IsProgressive(copy, options)) CheckLeftOutScans(copy, options);
  const bool good_otherwise = Decode(&used, bytes, options, !full).good;
  const bool good_small = full ? good_otherwise : result.good;
  const bool good_whole = full ? result.good : good_otherwise;
  Check(good_small || !good_whole, "The file decodes as a whole only");
  Check(good_whole || !good_small || IsProgressive(copy, options), "The file decodes at a small size only");
  return 0;
}
