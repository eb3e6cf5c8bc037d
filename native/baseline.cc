#include "baseline.h"

#include <algorithm>
#include <cstdlib>

#include "coefficients.h"
#include "simd.h"

namespace canopy {
namespace {

// MCUs whose coefficients are held at once: few enough for the first-level cache.
constexpr int kChunkMcus = 16;

// Position within a BlockQuad of each coefficient in the order of the file, and of those that there are not.
struct QuadPositions {
  uint16_t of[2 * DCTSIZE2];
  constexpr QuadPositions() : of{} {
    for (int k = 0; k < DCTSIZE2; k++) {
      of[k] = static_cast<uint16_t>(BlockQuad::PositionOf(TransformOrder(kZigzag[k])));
      of[DCTSIZE2 + k] = BlockQuad::kNowhere;
    }
  }
};
constexpr QuadPositions kQuadPositions;

// A block of which all coefficients but the first must be zero.
CANOPY_INLINE bool ReadEndOfBlock(const AcTable& table, BitReader* reader) {
  const AcTable::Entry entry = table.entries[reader->Peek(AcTable::kBits)];
  if (entry.advance != kEndOfBlock) return TakeSymbol(table.codes, reader) == 0;
  reader->Skip(entry.bits);
  return true;
}

}  // namespace

bool BaselineReader::Start(const jpeg_decompress_struct& info, FourthComponent fourth) {
  if (inverse_dct_ == nullptr || !LayOutScan(info, &layout_)) return false;
  for (int c = 0; c < layout_.component_count; c++) {
    const jpeg_component_info& component = info.comp_info[c];
    if (!dc_[component.dc_tbl_no].Build(info.dc_huff_tbl_ptrs[component.dc_tbl_no]) ||
        !ac_[component.ac_tbl_no].Build(info.ac_huff_tbl_ptrs[component.ac_tbl_no]) || !PrepareComponent(info, c))
      return false;
  }
  if (!data_.Load(ScanBytes(info), MaxScanBytes(layout_))) return false;
  walk_ = SegmentWalk(data_, info.restart_interval);
  reader_ = walk_.First();
  fourth_ = fourth;
  rows_read_ = 0;
  return true;
}

bool BaselineReader::PrepareComponent(const jpeg_decompress_struct& info, int c) {
  const jpeg_component_info& from = info.comp_info[c];
  Component* component = &components_[c];
  component->dc = &dc_[from.dc_tbl_no];
  component->ac = &ac_[from.ac_tbl_no];
  component->columns = from.h_samp_factor;
  component->rows = from.v_samp_factor;
  component->previous = 0;
  const JQUANT_TBL& quanta = *info.quant_tbl_ptrs[from.quant_tbl_no];
  for (int natural = 0; natural < DCTSIZE2; natural++) {
    if (!component->quanta.Set(natural, quanta.quantval[natural])) return false;
  }
  const size_t blocks = static_cast<size_t>(component->rows * component->columns * kChunkMcus);
  // What an earlier file left off in the middle is cleared.
  component->quads.assign(blocks / BlockQuad::kBlocks, BlockQuad{});
  return true;
}

size_t BaselineReader::row_length() const {
  const size_t blocks = static_cast<size_t>(layout_.mcu_columns) * static_cast<size_t>(layout_.max_h);
  return (blocks + 3) / BlockQuad::kBlocks * BlockQuad::kBlocks * DCTSIZE;
}

bool BaselineReader::ReadRow(const ComponentRows& rows) {
  for (int mcu = 0; mcu < layout_.mcu_columns; mcu += kChunkMcus) {
    const int count = std::min(kChunkMcus, layout_.mcu_columns - mcu);
    if (!ReadMcus(count) || !MakeSamples(rows, mcu, count)) return false;
  }
  if (++rows_read_ < layout_.mcu_rows) return true;
  return walk_.IsDone(reader_);
}

CANOPY_AVX2 bool BaselineReader::ReadMcus(int count) {
  BitReader reader = reader_;
  for (int mcu = 0; mcu < count; mcu++) {
    if (walk_.IsNextDue() && !Restart(&reader)) return false;
    if (!ReadMcu(mcu, &reader) || reader.Overran()) return false;
  }
  reader_ = reader;
  return true;
}

bool BaselineReader::Restart(BitReader* reader) {
  if (!walk_.Take(reader)) return false;
  for (Component& component : components_) component.previous = 0;
  return true;
}

// `mcu` counts from the first of the chunk.
CANOPY_INLINE bool BaselineReader::ReadMcu(int mcu, BitReader* reader) {
  for (int c = 0; c < layout_.component_count; c++) {
    Component& component = components_[c];
    const int blocks_per_row = component.columns * kChunkMcus;
    for (int y = 0; y < component.rows; y++) {
      for (int x = 0; x < component.columns; x++) {
        const int block = y * blocks_per_row + mcu * component.columns + x;
        reader->Refill();
        int difference;
        if (!TakeDifference(*component.dc, reader, &difference)) return false;
        component.previous += difference;
        if (c == 3 && fourth_ == FourthComponent::kMustBe255) {
          if (!ReadWhite(component, reader)) return false;
          continue;
        }
        // So that it fits the 16 bits that quantised coefficients have.
        if (std::abs(component.previous) >= 4 * kCoefficientLimit) return false;
        int16_t* const coefficients =
            component.quads[block / BlockQuad::kBlocks].coefficients + block % BlockQuad::kBlocks * DCTSIZE;
        coefficients[0] = static_cast<int16_t>(component.previous);
        const auto put = [&](int k, int value) { coefficients[kQuadPositions.of[k]] = static_cast<int16_t>(value); };
        if (!ReadCoefficients(*component.ac, reader, put)) return false;
      }
    }
  }
  return true;
}

// The rest of a block that must be 255 everywhere.
CANOPY_INLINE bool BaselineReader::ReadWhite(const Component& component, BitReader* reader) const {
  if (std::abs(component.previous) >= kCoefficientLimit) return false;
  const int dc = component.previous * component.quanta.factors[0];
  return dc < kCoefficientLimit && FlatSample(dc) == 255 && ReadEndOfBlock(*component.ac, reader);
}

bool BaselineReader::MakeSamples(const ComponentRows& rows, int first_mcu, int count) {
  bool is_sane = true;
  for (int c = 0; c < layout_.component_count; c++) {
    Component& component = components_[c];
    const int blocks_per_row = component.columns * kChunkMcus;
    if (c == 3) {
      if (fourth_ == FourthComponent::kDropped) component.quads.assign(component.quads.size(), BlockQuad{});
      continue;
    }
    for (int y = 0; y < component.rows; y++) {
      uint8_t* samples = rows.samples[c] + static_cast<size_t>(y * DCTSIZE) * rows.stride +
                         static_cast<size_t>(first_mcu * component.columns * DCTSIZE);
      for (int x = 0; x < count * component.columns; x += BlockQuad::kBlocks) {
        BlockQuad* const quad = &component.quads[(y * blocks_per_row + x) / BlockQuad::kBlocks];
        is_sane &= inverse_dct_(quad, component.quanta, samples + x * DCTSIZE, rows.stride);
      }
    }
  }
  return is_sane;
}

}  // namespace canopy
