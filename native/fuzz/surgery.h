// Changes to the bytes of a JPEG that the programs beside it make.
#ifndef CANOPY_NATIVE_FUZZ_SURGERY_H_
#define CANOPY_NATIVE_FUZZ_SURGERY_H_

#include <cstdint>
#include <vector>

#include "../scan_header.h"

namespace canopy {

using Bytes = std::vector<uint8_t>;

// The end of the segments before the first scan: its marker. nullptr if something else is found.
inline const uint8_t* FindScan(const Bytes& file) {
  const uint8_t* const end = file.data() + file.size();
  const uint8_t* at = file.data() + 2;
  while (end - at >= 4 && at[0] == 0xFF && at[1] != kStartOfScan) {
    const ByteSpan segment = SegmentAt(at, end);
    if (segment.data == nullptr) return nullptr;
    at = segment.data + segment.size;
  }
  return end - at >= 4 && at[0] == 0xFF && SegmentAt(at, end).data != nullptr ? at : nullptr;
}

// Without the segments of one kind before the first scan.
inline Bytes WithoutSegments(const Bytes& file, int marker) {
  const uint8_t* scan = FindScan(file);
  if (scan == nullptr) return file;
  Bytes result(file.begin(), file.begin() + 2);
  for (const uint8_t* at = file.data() + 2; at < scan;) {
    const ByteSpan segment = SegmentAt(at, scan);
    const uint8_t* next = segment.data + segment.size;
    if (at[1] != marker) result.insert(result.end(), at, next);
    at = next;
  }
  result.insert(result.end(), scan, file.data() + file.size());
  return result;
}

// With a marker after the first scan that libjpeg ignores and canopy's own decoders do not accept: all scans are read.
// Empty if there is no such place.
inline Bytes ForLibjpegOnly(const Bytes& file) {
  const uint8_t* scan = FindScan(file);
  if (scan == nullptr) return {};
  const uint8_t* const end = file.data() + file.size();
  const uint8_t* place = FindMarker(scan + 2, end);
  if (place == end) return {};
  Bytes result(file.data(), place);
  result.insert(result.end(), {0xFF, 0x01});
  result.insert(result.end(), place, end);
  return result;
}

}  // namespace canopy

#endif  // CANOPY_NATIVE_FUZZ_SURGERY_H_
