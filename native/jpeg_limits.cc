// What a JPEG may cost: checked when its header is read, when its decoding starts, and with each scan of many.
#include <algorithm>
#include <string>

#include "jpeg.h"
#include "scan_header.h"

namespace canopy {
namespace {

// What decoding a file may cost, so that none takes much over a second: one unit is roughly a nanosecond. Counted are
// the samples, even those without data; the bytes of entropy-coded data; and the blocks that each scan of a progressive
// file visits, because a hostile file can visit the whole image once per scan, with a few bytes each. A usual
// progressive file of 100 megapixels needs two thirds of it, a usual baseline file of any allowed size half. A higher
// pixel limit allows more work.
constexpr uint64_t kMaxWork = 1'000'000'000;
constexpr uint64_t kMaxWorkPerPixel = 5;
constexpr uint64_t kWorkPerByte = 8;
// No coding needs more bytes than that; further bytes of a file are not decoded.
constexpr uint64_t kMaxBytesPerSample = 4;
constexpr uint64_t kScanWorkPerBlock = 4;

// Marker, length, precision, height and width.
constexpr ptrdiff_t kFrameBytes = 9;
// With RST0 to EOI, the markers without a length.
constexpr int kTem = 0x01;

// SOF0 to SOF15 without DHT, JPG and DAC.
bool IsStartOfFrame(int marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

}  // namespace

void CheckPixels(int width, int height, uint64_t max_pixels) {
  if (static_cast<uint64_t>(width) * static_cast<uint64_t>(height) <= max_pixels) return;
  throw DecodeError(ErrorCode::kLimit, "Image of " + std::to_string(width) + "x" + std::to_string(height) +
                                           " pixels exceeds the limit of " + std::to_string(max_pixels) + " pixels");
}

void CheckHead(ByteSpan head, uint64_t max_pixels) {
  const uint8_t* const end = head.data + head.size;
  const uint8_t* at = head.data + 2;
  while (end - at >= kFrameBytes) {
    const int marker = at[1];
    const bool is_alone = marker <= kTem || (marker >= JPEG_RST0 && marker <= JPEG_EOI);
    if (at[0] != 0xFF || marker == 0xFF) {
      at++;
    } else if (is_alone) {
      at += 2;
    } else if (marker == kStartOfScan) {
      return;
    } else if (IsStartOfFrame(marker)) {
      return CheckPixels(at[7] * 256 + at[8], at[5] * 256 + at[6], max_pixels);
    } else {
      at += std::min<ptrdiff_t>(2 + at[2] * 256 + at[3], end - at);
    }
  }
}

void JpegReader::CheckLimits() {
  CheckPixels(header_.width, header_.height, limits_.max_pixels);
  if (header_.components > MAX_COMPS_IN_SCAN) {
    throw DecodeError(ErrorCode::kColorspace,
                      "JPEG with " + std::to_string(header_.components) + " components has no known colours");
  }
}

void JpegReader::ChargeDecoding() {
  const uint64_t pixels = static_cast<uint64_t>(header_.width) * static_cast<uint64_t>(header_.height);
  uint64_t samples = 0;
  for (int c = 0; c < header_.components; c++) {
    const uint64_t part = static_cast<uint64_t>(header_.sampling[c].horizontal * header_.sampling[c].vertical);
    samples += pixels * part / static_cast<uint64_t>(info_.max_h_samp_factor * info_.max_v_samp_factor);
  }
  // CMYK is never decoded at a smaller size, and its colours cost most.
  const bool inks = plan_.to == JCS_CMYK;
  const uint64_t half_units = inks ? 3 : header_.progressive ? 2 : 1;
  const uint64_t bytes = std::min<uint64_t>(source_.bytes_in_buffer, samples * kMaxBytesPerSample);
  work_ = samples * half_units / 2 + bytes * kWorkPerByte;
  if (work_ > MaxWork()) throw DecodeError(ErrorCode::kLimit, "JPEG needs too much work: too large for what it is");
}

uint64_t JpegReader::MaxWork() const { return std::max(kMaxWork, limits_.max_pixels * kMaxWorkPerPixel); }

// Called by libjpeg while it reads the scans of a progressive or multi-scan file.
void JpegReader::CheckScan() {
  if (info_.input_scan_number == last_scan_ || info_.comps_in_scan == 0) return;
  last_scan_ = info_.input_scan_number;
  uint64_t blocks = 0;
  for (int i = 0; i < info_.comps_in_scan; i++) {
    const jpeg_component_info* component = info_.cur_comp_info[i];
    blocks += static_cast<uint64_t>(component->width_in_blocks) * component->height_in_blocks;
  }
  const bool refinement = info_.progressive_mode && info_.Ah != 0;
  const uint64_t per_block = refinement ? static_cast<uint64_t>(std::max(info_.Se - info_.Ss, 0)) : 0;
  work_ += blocks * (kScanWorkPerBlock + per_block);
  if (work_ > MaxWork()) Fail(ErrorCode::kLimit, "JPEG has too many scans for its size");
}

}  // namespace canopy
