// Reads a baseline JPEG at an eighth of its size, for which the mean of each 8x8 block is all that is needed: the other
// coefficients are skipped over, faster than libjpeg decodes and drops them.
#ifndef CANOPY_NATIVE_DC_SCAN_H_
#define CANOPY_NATIVE_DC_SCAN_H_

#include <cstdint>
#include <cstdio>
#include <vector>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace canopy {

// One sample per 8x8 pixels for each component, in rows of `stride` bytes: subsampled components are split where they
// cover more.
struct DcPlanes {
  std::vector<uint8_t> samples;
  size_t stride;
  size_t offset[MAX_COMPS_IN_SCAN];
};

// `info` is as jpeg_read_header leaves it: tables parsed, the source at the first entropy-coded byte; it is not
// changed. False for every file that is not baseline, in one scan and without the slightest flaw up to its end marker:
// libjpeg then decides what to make of it. Also false where a fourth component is not flat within each block, since its
// mean does not tell whether it is constant.
bool DecodeDcScan(const jpeg_decompress_struct& info, DcPlanes* planes);

}  // namespace canopy

#endif  // CANOPY_NATIVE_DC_SCAN_H_
