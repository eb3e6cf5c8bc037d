// The markers of a JPEG after its frame header: what the scans are, and where they end.
#ifndef CANOPY_NATIVE_SCAN_HEADER_H_
#define CANOPY_NATIVE_SCAN_HEADER_H_

#include <cstdint>
#include <cstdio>

#include "image.h"
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace canopy {

enum Marker { kHuffmanTables = 0xC4, kStartOfScan = 0xDA, kQuantisationTables = 0xDB, kRestartInterval = 0xDD };

struct ScanHeader {
  int count;
  int components[MAX_COMPS_IN_SCAN];  // by their order in the frame
  int dc_table[MAX_COMPS_IN_SCAN];
  int spectral_start;
  int spectral_end;
  int high_bit;  // the lowest of the scan before, 0 for a coefficient's first
  int low_bit;
};

// The scan that jpeg_read_header has read.
ScanHeader FirstScan(const jpeg_decompress_struct& info);
// From the parameters of a start-of-scan marker; false if they are no scan of this frame.
bool ParseScan(const jpeg_decompress_struct& info, ByteSpan segment, ScanHeader* scan);

// The first marker after the entropy-coded data from `at`, except restart markers and fill bytes; both its bytes are
// there. `end` if there is none.
const uint8_t* FindMarker(const uint8_t* at, const uint8_t* end);
// The parameters of the marker at `at`; empty if they are cut short.
ByteSpan SegmentAt(const uint8_t* at, const uint8_t* end);
// Whether the marker may stand between scans and means nothing to the decoder.
bool IsApplicationData(int marker);

}  // namespace canopy

#endif  // CANOPY_NATIVE_SCAN_HEADER_H_
