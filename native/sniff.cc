// Tells image formats apart by their first bytes.
#include <algorithm>
#include <cstring>

#include "decode.h"

namespace canopy {
namespace {

struct Magic {
  size_t offset;
  size_t length;
  const char* bytes;
};

// PNG, GIF, WebP, TIFF and BigTIFF in both byte orders, BMP, AVIF and HEIF, JPEG XL (bare and boxed), JPEG 2000 (boxed
// and bare).
constexpr Magic kForeign[] = {
    {0, 8, "\x89PNG\r\n\x1a\n"},
    {0, 4, "GIF8"},
    {8, 4, "WEBP"},
    {0, 4, "II*\0"},
    {0, 4, "MM\0*"},
    {0, 4, "II+\0"},
    {0, 4, "MM\0+"},
    {0, 2, "BM"},
    {4, 4, "ftyp"},
    {0, 2, "\xff\x0a"},
    {4, 8, "JXL \r\n\x87\n"},
    {4, 8, "jP  \r\n\x87\n"},
    {0, 4, "\xff\x4f\xff\x51"},
};

bool Matches(ByteSpan bytes, const Magic& magic) {
  return bytes.size >= magic.offset + magic.length &&
         std::memcmp(bytes.data + magic.offset, magic.bytes, magic.length) == 0;
}

}  // namespace

void CheckIsJpeg(ByteSpan bytes) {
  constexpr uint8_t kJpeg[3] = {0xFF, 0xD8, 0xFF};
  if (bytes.size == 0) throw DecodeError(ErrorCode::kEmpty, "File is empty");
  if (std::memcmp(bytes.data, kJpeg, std::min(bytes.size, sizeof(kJpeg))) == 0) {
    if (bytes.size < sizeof(kJpeg)) throw DecodeError(ErrorCode::kTruncated, "JPEG data ends early");
    return;
  }
  for (const Magic& magic : kForeign) {
    if (Matches(bytes, magic)) throw DecodeError(ErrorCode::kForeign, "Not a JPEG but another image format");
  }
  throw DecodeError(ErrorCode::kFormat, "Not an image: the first bytes are those of no known image format");
}

}  // namespace canopy
