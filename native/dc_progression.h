// Reads a progressive JPEG at an eighth of its size if that needs nothing but the mean of each block. Only the scans
// with means are decoded, into one number per block; libjpeg keeps room for all 64 coefficients.
#ifndef CANOPY_NATIVE_DC_PROGRESSION_H_
#define CANOPY_NATIVE_DC_PROGRESSION_H_

#include <cstdint>
#include <vector>

#include "dc_scan.h"
#include "entropy_data.h"
#include "huffman.h"
#include "scan_filter.h"
#include "scan_header.h"

namespace canopy {

// One per thread; keeps its memory between files.
class DcProgression {
 public:
  // `info` is as for DcScan, of a progressive file. True only for gray files and those of three components of the same
  // sampling, whose scans are a proper progression and whose means are coded without a flaw. libjpeg decides about all
  // others.
  bool Decode(const jpeg_decompress_struct& info, DcPlanes* planes);

 private:
  bool Prepare(const jpeg_decompress_struct& info);
  bool DecodeMeans(const jpeg_decompress_struct& info);
  bool DecodePiece(const jpeg_decompress_struct& info, ByteSpan piece, const uint8_t* at);
  bool ParseTables(ByteSpan segment);
  bool DecodeScan(const ScanHeader& scan, const uint8_t* data, const uint8_t* marker);
  bool FindTables(const ScanHeader& scan, const DcTable* tables[]);
  bool Finish(const jpeg_decompress_struct& info, DcPlanes* planes) const;

  ScanFilter filter_;
  EntropyData data_;
  JHUFF_TBL codes_[NUM_HUFF_TBLS];
  bool is_defined_[NUM_HUFF_TBLS];
  DcTable tables_[NUM_HUFF_TBLS];
  unsigned restart_interval_ = 0;
  size_t component_count_ = 0;
  size_t columns_ = 0;  // of blocks
  size_t rows_ = 0;
  std::vector<int16_t> means_;  // [component_count_, rows_, columns_], quantised
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_DC_PROGRESSION_H_
