#include "dc_progression.h"

#include <cstring>

#include "image.h"
#include "segment_walk.h"

namespace canopy {
namespace {

constexpr int kMaxComponents = 3;

// The first bits of one mean, as a difference to the one before.
CANOPY_INLINE bool TakeFirst(const DcTable& table, int low_bit, BitReader* reader, int* previous, int16_t* mean) {
  int difference;
  if (!TakeDifference(table, reader, &difference)) return false;
  *previous += difference;
  const int scaled = *previous * (1 << low_bit);
  *mean = static_cast<int16_t>(scaled);
  return *mean == scaled;
}

// One more bit of a mean.
CANOPY_INLINE void TakeNext(int low_bit, BitReader* reader, int16_t* mean) {
  if (reader->Peek(1) != 0) *mean = static_cast<int16_t>(*mean | (1 << low_bit));
  reader->Skip(1);
}

}  // namespace

bool DcProgression::Decode(const jpeg_decompress_struct& info, DcPlanes* planes) {
  return Prepare(info) && DecodeMeans(info) && Finish(info, planes);
}

bool DcProgression::Prepare(const jpeg_decompress_struct& info) {
  if (info.num_components > kMaxComponents || info.arith_code) return false;
  for (int c = 0; c < info.num_components; c++) {
    const jpeg_component_info& component = info.comp_info[c];
    if (component.h_samp_factor != 1 || component.v_samp_factor != 1) return false;
  }
  for (int i = 0; i < NUM_HUFF_TBLS; i++) {
    const JHUFF_TBL* codes = info.dc_huff_tbl_ptrs[i];
    is_defined_[i] = codes != nullptr;
    if (codes != nullptr) codes_[i] = *codes;
  }
  restart_interval_ = info.restart_interval;
  component_count_ = static_cast<size_t>(info.num_components);
  columns_ = (info.image_width + DCTSIZE - 1) / DCTSIZE;
  rows_ = (info.image_height + DCTSIZE - 1) / DCTSIZE;
  const size_t total = component_count_ * rows_ * columns_;
  if (means_.size() < total) means_.resize(total);
  return true;
}

bool DcProgression::DecodeMeans(const jpeg_decompress_struct& info) {
  ByteSpan piece;
  if (!filter_.Plan(info)) return false;
  filter_.Next(&piece);
  const uint8_t* marker = FindMarker(piece.data, piece.data + info.src->bytes_in_buffer);
  if (!DecodeScan(FirstScan(info), piece.data, marker)) return false;
  while (DecodePiece(info, piece, marker)) {
    if (!filter_.Next(&piece)) return true;
    marker = piece.data;
  }
  return false;
}

// A piece of the file from its first marker on. Quantisation tables behind the first scan are left to libjpeg.
bool DcProgression::DecodePiece(const jpeg_decompress_struct& info, ByteSpan piece, const uint8_t* at) {
  const uint8_t* const end = piece.data + piece.size;
  while (at < end && at[1] != JPEG_EOI) {
    const ByteSpan segment = SegmentAt(at, end);
    const int marker = at[1];
    at = segment.data + segment.size;
    if (marker == kStartOfScan) {
      ScanHeader scan;
      const uint8_t* data = at;
      // What follows the piece is a scan left out, and its marker is there.
      at = FindMarker(data, info.src->next_input_byte + info.src->bytes_in_buffer);
      if (!ParseScan(info, segment, &scan) || !DecodeScan(scan, data, at)) return false;
    } else if (marker == kHuffmanTables) {
      if (!ParseTables(segment)) return false;
    } else if (marker == kRestartInterval) {
      if (segment.size != 2) return false;
      restart_interval_ = static_cast<unsigned>(segment.data[0] * 256 + segment.data[1]);
    } else if (!IsApplicationData(marker)) {
      return false;
    }
  }
  return true;
}

// Reads tables for means and skips others. False if the segment is malformed.
bool DcProgression::ParseTables(ByteSpan segment) {
  for (size_t at = 0; at < segment.size;) {
    if (segment.size - at < 17) return false;
    const int index = segment.data[at];
    const uint8_t* counts = segment.data + at + 1;
    size_t symbols = 0;
    for (int i = 0; i < 16; i++) symbols += counts[i];
    at += 17;
    if (symbols > 256 || symbols > segment.size - at || (index & 15) >= NUM_HUFF_TBLS || index >> 4 > 1) return false;
    if (index >> 4 == 0) {
      JHUFF_TBL& codes = codes_[index];
      std::memset(&codes, 0, sizeof(codes));
      std::memcpy(codes.bits + 1, counts, 16);
      std::memcpy(codes.huffval, segment.data + at, symbols);
      is_defined_[index] = true;
    }
    at += symbols;
  }
  return true;
}

// `marker` is the one after the scan's data.
bool DcProgression::DecodeScan(const ScanHeader& scan, const uint8_t* data, const uint8_t* marker) {
  const DcTable* tables[MAX_COMPS_IN_SCAN] = {};
  const size_t size = static_cast<size_t>(marker + 2 - data);
  if (!FindTables(scan, tables) || !data_.Load({data, size}, size, marker[1])) return false;
  int previous[MAX_COMPS_IN_SCAN] = {};
  SegmentWalk walk(data_, restart_interval_);
  BitReader reader = walk.First();
  const size_t blocks = rows_ * columns_;
  for (size_t at = 0; at < blocks; at++) {
    if (walk.left() == 0) {
      if (!walk.Take(&reader)) return false;
      std::memset(previous, 0, sizeof(previous));
    }
    walk.Pass(1);
    for (int i = 0; i < scan.count; i++) {
      int16_t* mean = means_.data() + static_cast<size_t>(scan.components[i]) * blocks + at;
      reader.Refill();
      if (scan.high_bit != 0) {
        TakeNext(scan.low_bit, &reader, mean);
      } else if (!TakeFirst(*tables[i], scan.low_bit, &reader, &previous[i], mean)) {
        return false;
      }
    }
    if (reader.Overran()) return false;
  }
  return walk.IsDone(reader);
}

bool DcProgression::FindTables(const ScanHeader& scan, const DcTable* tables[]) {
  for (int i = 0; i < scan.count && scan.high_bit == 0; i++) {
    const int table = scan.dc_table[i];
    if (table >= NUM_HUFF_TBLS || !is_defined_[table] || !tables_[table].Build(&codes_[table])) return false;
    tables[i] = &tables_[table];
  }
  return true;
}

bool DcProgression::Finish(const jpeg_decompress_struct& info, DcPlanes* planes) const {
  planes->stride = PaddedStride(columns_);
  const size_t plane = planes->stride * rows_;
  if (planes->samples.size() < plane * component_count_) planes->samples.resize(plane * component_count_);
  const int16_t* mean = means_.data();
  for (size_t c = 0; c < component_count_; c++) {
    const int table = info.comp_info[c].quant_tbl_no;
    if (table < 0 || table >= NUM_QUANT_TBLS || info.quant_tbl_ptrs[table] == nullptr) return false;
    const int quantum = info.quant_tbl_ptrs[table]->quantval[0];
    planes->offset[c] = plane * c;
    uint8_t* row = planes->samples.data() + planes->offset[c];
    for (size_t y = 0; y < rows_; y++, row += planes->stride) {
      for (size_t x = 0; x < columns_; x++) {
        const int64_t eighths = int64_t{*mean++} * quantum;
        if (Wraps(eighths)) return false;
        row[x] = MeanToSample(eighths);
      }
    }
  }
  return true;
}

}  // namespace canopy
