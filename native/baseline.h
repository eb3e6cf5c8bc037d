// BaselineReader: decodes JPEGs of the usual kind (baseline, in one scan, without a flaw) to the same samples as
// libjpeg-turbo, but faster. Everything else is left to libjpeg.
#ifndef CANOPY_NATIVE_BASELINE_H_
#define CANOPY_NATIVE_BASELINE_H_

#include <cstdint>
#include <vector>

#include "block_reader.h"
#include "entropy_data.h"
#include "huffman.h"
#include "idct.h"
#include "scan_layout.h"
#include "segment_walk.h"

namespace canopy {

// A fourth component is dropped, or it must be 255 everywhere for the colours to be read rightly.
enum class FourthComponent { kDropped, kMustBe255 };

// Where the samples of a row of MCUs go: for each component (except a fourth) rows of `stride` bytes.
struct ComponentRows {
  uint8_t* samples[3];
  size_t stride;
};

// One per thread; keeps its memory between files.
class BaselineReader {
 public:
  // `info` is as jpeg_read_header leaves it: tables parsed, the source at the first entropy-coded byte; it is not
  // changed, and not used afterwards. False if the file is not of the usual kind, or the CPU lacks the instructions.
  bool Start(const jpeg_decompress_struct& info, FourthComponent fourth);
  // Bytes of a row of samples: whole quads of blocks.
  size_t row_length() const;
  // The next row of MCUs. False if the data have a flaw, or the fourth component is not what it must be; all rows read
  // so far are then invalid. Flaws may show as late as after the last row.
  bool ReadRow(const ComponentRows& rows);

 private:
  // The loop over all blocks is compiled for BMI2 on x86.
#ifdef CANOPY_X86
  static constexpr Simd kLeast = Simd::kAvx2;
#else
  static constexpr Simd kLeast = Simd::k128;
#endif

  struct Component {
    const FirstTable* first;
    const AcTable* ac;
    int columns;  // blocks per MCU
    int rows;
    int previous;  // the last block's DC coefficient, quantised
    BlockQuanta quanta;
    // Coefficients of the MCUs at work, [rows, quads per row]; zero between chunks.
    std::vector<BlockQuad> quads;
  };

  bool FindTables(const jpeg_decompress_struct& info, int c);
  bool PrepareComponent(const jpeg_decompress_struct& info, int c);
  void LayOutPlaces();
  bool ReadMcus(int count);
  bool Restart();
  bool SumDifferences(const BlockPlace* begin, const BlockPlace* end);
  bool TakeFourth(int count);
  bool MakeSamples(const ComponentRows& rows, int first_mcu, int count);

  EntropyData data_;
  SegmentWalk walk_;
  BitReader reader_{{nullptr, 0}};
  AcTable ac_[NUM_HUFF_TBLS];
  FirstTable first_[MAX_COMPS_IN_SCAN];
  ScanLayout layout_{};
  Component components_[MAX_COMPS_IN_SCAN];
  std::vector<BlockPlace> places_;  // of a chunk, MCU by MCU
  size_t mcu_blocks_ = 0;
  FourthComponent fourth_ = FourthComponent::kDropped;
  int rows_read_ = 0;
  InverseDct inverse_dct_ = ActiveSimd() >= kLeast ? InverseDctFor(ActiveSimd()) : nullptr;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_BASELINE_H_
