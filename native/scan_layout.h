// How the MCUs of a JPEG that comes in one baseline scan are laid out.
#ifndef CANOPY_NATIVE_SCAN_LAYOUT_H_
#define CANOPY_NATIVE_SCAN_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "image.h"

namespace canopy {

// Natural position, 8 * row + column, of each coefficient in the order of the file.
constexpr uint8_t kZigzag[DCTSIZE2] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                       12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                       35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                       58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

struct ScanLayout {
  int component_count;
  int max_h;  // largest sampling factors
  int max_v;
  int mcu_columns;
  int mcu_rows;
};

// `info` is as jpeg_read_header leaves it. False for files that are progressive, in several scans, or lack a table that
// they need.
bool LayOutScan(const jpeg_decompress_struct& info, ScanLayout* layout);

// The bytes after the scan's header, and how many of them such a scan may need at most.
ByteSpan ScanBytes(const jpeg_decompress_struct& info);
size_t MaxScanBytes(const ScanLayout& layout);

}  // namespace canopy

#endif  // CANOPY_NATIVE_SCAN_LAYOUT_H_
