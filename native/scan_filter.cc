#include "scan_filter.h"

#include <algorithm>
#include <cstring>

namespace canopy {
namespace {

constexpr int kMaxLowBit = 13;

bool MayStandBetweenScans(int marker) {
  return marker == kHuffmanTables || marker == kQuantisationTables || marker == kRestartInterval ||
         IsApplicationData(marker);
}

// Whether libjpeg makes one sample of each block. libjpeg-turbo does, unless the component has at most half the
// resolution of the finest in both directions; the Independent JPEG Group's library checks each direction.
bool NeedsOnlyMeans(const jpeg_decompress_struct& info, const jpeg_component_info& component) {
  const bool is_narrow = info.max_h_samp_factor % (2 * component.h_samp_factor) == 0;
  const bool is_short = info.max_v_samp_factor % (2 * component.v_samp_factor) == 0;
#ifdef LIBJPEG_TURBO_VERSION
  return !is_narrow || !is_short;
#else
  return !is_narrow && !is_short;
#endif
}

}  // namespace

bool ScanFilter::Plan(const jpeg_decompress_struct& info) {
  Clear();
  std::memset(low_bits_, -1, sizeof(low_bits_));
  if (Walk(info) && IsComplete(info.num_components) && piece_count_ > 1) return true;
  Clear();
  return false;
}

bool ScanFilter::Next(ByteSpan* piece) {
  if (next_piece_ >= piece_count_) return false;
  *piece = pieces_[next_piece_++];
  return true;
}

bool ScanFilter::Walk(const jpeg_decompress_struct& info) {
  ScanHeader scan = FirstScan(info);
  if (!Advance(scan)) return false;
  const uint8_t* kept = info.src->next_input_byte;
  const uint8_t* const end = kept + info.src->bytes_in_buffer;
  for (const uint8_t* at = FindMarker(kept, end); end - at >= 2;) {
    const int marker = at[1];
    if (at[0] != 0xFF) return false;
    if (marker == JPEG_EOI) return Keep(kept, end);
    const ByteSpan segment = SegmentAt(at, end);
    if (segment.data == nullptr) return false;
    const uint8_t* next = segment.data + segment.size;
    if (marker == kStartOfScan) {
      if (!ParseScan(info, segment, &scan) || !Advance(scan)) return false;
      next = FindMarker(next, end);
      if (scan.spectral_start > 0 && NeedsOnlyMeans(info, info.comp_info[scan.components[0]])) {
        if (at > kept && !Keep(kept, at)) return false;
        kept = next;
      }
    } else if (!MayStandBetweenScans(marker)) {
      return false;
    }
    at = next;
  }
  return false;
}

// False if the scan may not come next.
bool ScanFilter::Advance(const ScanHeader& scan) {
  const bool is_mean = scan.spectral_start == 0;
  if (is_mean ? scan.spectral_end != 0 : scan.count != 1) return false;
  if (scan.spectral_end < scan.spectral_start || scan.spectral_end >= DCTSIZE2 || scan.low_bit > kMaxLowBit)
    return false;
  if (scan.high_bit != 0 && scan.low_bit != scan.high_bit - 1) return false;
  for (int i = 0; i < scan.count; i++) {
    int8_t* low_bits = low_bits_[scan.components[i]];
    if (!is_mean && low_bits[0] < 0) return false;
    const int expected = scan.high_bit == 0 ? -1 : scan.high_bit;
    for (int k = scan.spectral_start; k <= scan.spectral_end; k++) {
      if (low_bits[k] != expected) return false;
      low_bits[k] = static_cast<int8_t>(scan.low_bit);
    }
  }
  return true;
}

// If a file ends before the last bit, libjpeg smooths blocks, using all coefficients it has.
bool ScanFilter::IsComplete(int components) const {
  return std::all_of(&low_bits_[0][0], &low_bits_[0][0] + components * DCTSIZE2, [](int bit) { return bit == 0; });
}

bool ScanFilter::Keep(const uint8_t* from, const uint8_t* to) {
  if (piece_count_ == kMaxPieces) return false;
  pieces_[piece_count_++] = {from, static_cast<size_t>(to - from)};
  return true;
}

}  // namespace canopy
