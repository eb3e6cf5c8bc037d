#include "scan_filter.h"

#include <algorithm>
#include <cstring>

namespace canopy {
namespace {

constexpr int kStartOfScan = 0xDA;
constexpr int kMaxLowBit = 13;
// Its constancy is to be seen, which its means do not tell.
constexpr int kAlpha = 3;

bool IsRestart(int marker) { return marker >= JPEG_RST0 && marker <= JPEG_RST0 + 7; }

// Tables, restart interval, comments and application data: what may stand between scans.
bool IsMiscellaneous(int marker) {
  constexpr int kHuffman = 0xC4, kQuantisation = 0xDB, kRestartInterval = 0xDD;
  return marker == kHuffman || marker == kQuantisation || marker == kRestartInterval || marker == JPEG_COM ||
         (marker >= JPEG_APP0 && marker <= JPEG_APP0 + 15);
}

// The first marker behind entropy-coded data; `end` if there is none.
const uint8_t* FindMarker(const uint8_t* at, const uint8_t* end) {
  while (at < end) {
    at = static_cast<const uint8_t*>(std::memchr(at, 0xFF, static_cast<size_t>(end - at)));
    if (at == nullptr || at + 1 == end) return end;
    const int next = at[1];
    if (next == 0xFF) {
      at += 1;  // a fill byte
    } else if (next == 0 || IsRestart(next)) {
      at += 2;
    } else {
      return at;
    }
  }
  return end;
}

// The parameters of the segment whose marker is at `at`; empty where it is cut short.
ByteSpan SegmentAt(const uint8_t* at, const uint8_t* end) {
  if (end - at < 4) return {nullptr, 0};
  const int length = at[2] * 256 + at[3];
  if (length < 2 || end - at - 2 < length) return {nullptr, 0};
  return {at + 4, static_cast<size_t>(length - 2)};
}

bool NeedsOnlyMean(const jpeg_component_info& component) {
#if JPEG_LIB_VERSION >= 70
  return component.DCT_h_scaled_size == 1 && component.DCT_v_scaled_size == 1;
#else
  return component.DCT_scaled_size == 1;
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
  Scan scan{info.comps_in_scan, {}, info.Ss, info.Se, info.Ah, info.Al};
  for (int i = 0; i < scan.count; i++) scan.components[i] = info.cur_comp_info[i]->component_index;
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
      const int component = scan.components[0];
      if (scan.spectral_start > 0 && component != kAlpha && NeedsOnlyMean(info.comp_info[component])) {
        if (at > kept && !Keep(kept, at)) return false;
        kept = next;
      }
    } else if (!IsMiscellaneous(marker)) {
      return false;
    }
    at = next;
  }
  return false;
}

bool ScanFilter::ParseScan(const jpeg_decompress_struct& info, ByteSpan segment, Scan* scan) const {
  scan->count = segment.size > 0 ? segment.data[0] : 0;
  if (scan->count < 1 || scan->count > MAX_COMPS_IN_SCAN) return false;
  if (segment.size != 4 + 2 * static_cast<size_t>(scan->count)) return false;
  for (int i = 0; i < scan->count; i++) {
    int matches = 0;
    for (int c = 0; c < info.num_components; c++) {
      if (info.comp_info[c].component_id != segment.data[1 + 2 * i]) continue;
      scan->components[i] = c;
      matches++;
    }
    if (matches != 1) return false;
  }
  const uint8_t* progression = segment.data + segment.size - 3;
  scan->spectral_start = progression[0];
  scan->spectral_end = progression[1];
  scan->high_bit = progression[2] >> 4;
  scan->low_bit = progression[2] & 15;
  return true;
}

// False where the scan is not what may come next.
bool ScanFilter::Advance(const Scan& scan) {
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

// In a file that ends before the last bit libjpeg smooths blocks, by what is known of all coefficients.
bool ScanFilter::IsComplete(int components) const {
  return std::all_of(&low_bits_[0][0], &low_bits_[components - 1][0] + DCTSIZE2, [](int bit) { return bit == 0; });
}

bool ScanFilter::Keep(const uint8_t* from, const uint8_t* to) {
  if (piece_count_ == kMaxPieces) return false;
  pieces_[piece_count_++] = {from, static_cast<size_t>(to - from)};
  return true;
}

}  // namespace canopy
