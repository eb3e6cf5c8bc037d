// Reads a baseline JPEG at an eighth of its size, which needs only the mean of each 8x8 block. Skipping the other
// coefficients is faster than decoding and dropping them, as libjpeg does.
#ifndef CANOPY_NATIVE_DC_SCAN_H_
#define CANOPY_NATIVE_DC_SCAN_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "entropy_data.h"
#include "huffman.h"
#include "scan_layout.h"

namespace canopy {

// One sample per 8x8 pixels for each component, in rows of `stride` bytes. Blocks of subsampled components cover more
// pixels and are split.
struct DcPlanes {
  std::vector<uint8_t> samples;
  size_t stride;
  size_t offset[MAX_COMPS_IN_SCAN];
};

// As libjpeg's 1x1 inverse DCT rounds: `eighths` is eight times the mean, around 0.
inline uint8_t MeanToSample(int64_t eighths) {
  return static_cast<uint8_t>(std::clamp<int64_t>(((eighths + 4) >> 3) + 128, 0, 255));
}

// Whether a mean is so large that libjpeg's range tables wrap around, which they do from 8 * 512 on. No picture has
// such means, so that these files may be left to libjpeg.
inline bool Wraps(int64_t eighths) {
  constexpr int64_t kMaxEighths = 8 * 500;
  return eighths < -kMaxEighths || eighths > kMaxEighths;
}

// One per thread; keeps its memory between files.
class DcScan {
 public:
  // `info` is as jpeg_read_header leaves it: tables parsed, the source at the first entropy-coded byte; it is not
  // changed. False unless the file is baseline, in one scan and without the slightest flaw up to its end marker;
  // libjpeg decides about all others.
  bool Decode(const jpeg_decompress_struct& info, DcPlanes* planes);

 private:
  // How a coefficient adds to the means of a block's left and upper half; the others get it with opposite sign.
  struct HalfWeight {
    enum Kind { kNone, kX, kY, kBoth } kind;
    int64_t weight;
  };
  struct Component {
    const DcTable* dc;
    const SkipTable* skips;
    const AcTable* values;
    int quantum;
    int columns;  // blocks per MCU
    int rows;
    // Samples of one block: 1, or 2 or 4 if it covers more pixels than a block of the finest component.
    int split_x;
    int split_y;
    uint8_t* samples;
    uint8_t* next[MAX_SAMP_FACTOR];  // where the next blocks of this row of MCUs go
    int previous;                    // the last block's DC coefficient, quantised
    HalfWeight weights[DCTSIZE2];    // in the order of the file, of split components
  };

  static HalfWeight HalfWeightOf(int k, int quantum);
  static bool DecodeHalves(const Component& component, BitReader* reader, size_t stride, uint8_t* samples);
  static bool DecodeBlock(Component* component, BitReader* reader, size_t stride, uint8_t* samples);
  void StartRow(int row, size_t stride);
  void Reserve(DcPlanes* planes) const;
  bool PrepareComponent(const jpeg_decompress_struct& info, int c, DcPlanes* planes);
  bool DecodeMcu(BitReader* reader, size_t stride);
  bool DecodeSegments(unsigned restart_interval, size_t stride);

  EntropyData data_;
  DcTable dc_[NUM_HUFF_TBLS];
  SkipTable skips_[NUM_HUFF_TBLS];
  AcTable values_[NUM_HUFF_TBLS];
  ScanLayout layout_{};
  Component components_[MAX_COMPS_IN_SCAN];
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_DC_SCAN_H_
