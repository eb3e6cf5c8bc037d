#include "scan_header.h"

#include <cstring>

namespace canopy {

ScanHeader FirstScan(const jpeg_decompress_struct& info) {
  ScanHeader scan{info.comps_in_scan, {}, {}, info.Ss, info.Se, info.Ah, info.Al};
  for (int i = 0; i < scan.count; i++) {
    scan.components[i] = info.cur_comp_info[i]->component_index;
    scan.dc_table[i] = info.cur_comp_info[i]->dc_tbl_no;
  }
  return scan;
}

bool ParseScan(const jpeg_decompress_struct& info, ByteSpan segment, ScanHeader* scan) {
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
    scan->dc_table[i] = segment.data[2 + 2 * i] >> 4;
  }
  const uint8_t* progression = segment.data + segment.size - 3;
  scan->spectral_start = progression[0];
  scan->spectral_end = progression[1];
  scan->high_bit = progression[2] >> 4;
  scan->low_bit = progression[2] & 15;
  return true;
}

const uint8_t* FindMarker(const uint8_t* at, const uint8_t* end) {
  while (at < end) {
    at = static_cast<const uint8_t*>(std::memchr(at, 0xFF, static_cast<size_t>(end - at)));
    if (at == nullptr || at + 1 == end) return end;
    const int next = at[1];
    if (next == 0xFF) {
      at += 1;
    } else if (next == 0 || (next >= JPEG_RST0 && next <= JPEG_RST0 + 7)) {
      at += 2;
    } else {
      return at;
    }
  }
  return end;
}

ByteSpan SegmentAt(const uint8_t* at, const uint8_t* end) {
  if (end - at < 4) return {nullptr, 0};
  const int length = at[2] * 256 + at[3];
  if (length < 2 || end - at - 2 < length) return {nullptr, 0};
  return {at + 4, static_cast<size_t>(length - 2)};
}

bool IsApplicationData(int marker) { return marker == JPEG_COM || (marker >= JPEG_APP0 && marker <= JPEG_APP0 + 15); }

}  // namespace canopy
