#include "baseline.h"

#include <algorithm>
#include <cstdlib>

#include "coefficients.h"
#include "simd.h"

namespace canopy {
namespace {

// MCUs whose coefficients are held at once: few enough for the first-level cache.
constexpr int kChunkMcus = 16;

// Position within a BlockPair of each coefficient in the order of the file, and of those that there are not.
struct PairPositions {
  uint8_t of[2 * DCTSIZE2];
  constexpr PairPositions() : of{} {
    for (int k = 0; k < DCTSIZE2; k++) {
      of[k] = static_cast<uint8_t>(kZigzag[k] / DCTSIZE * 16 + kZigzag[k] % DCTSIZE);
      of[DCTSIZE2 + k] = BlockPair::kNowhere;
    }
  }
};
constexpr PairPositions kPairPositions;
// Bits of positions beyond the fourth row or column.
constexpr int kBeyondQuarter = 4 * 16 + 4;

BlockFill FillOf(int positions) {
  positions &= BlockPair::kNowhere - 1;
  return positions == 0 ? BlockFill::kDc : (positions & kBeyondQuarter) == 0 ? BlockFill::kLowQuarter : BlockFill::kAll;
}

// Where the coefficients of a block go, and what is to be known of them.
struct BlockTarget {
  const uint16_t* quanta;  // [2 * DCTSIZE2]
  int16_t* coefficients;
  int positions;
  uint32_t wild;

  CANOPY_INLINE void Put(int k, int value) {
    const int position = kPairPositions.of[k];
    const uint32_t coefficient = static_cast<uint32_t>(value) * quanta[k];
    coefficients[position] = static_cast<int16_t>(coefficient);
    positions |= position;
    wild |= coefficient + kCoefficientLimit;
  }
};

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
        !ac_[component.ac_tbl_no].Build(info.ac_huff_tbl_ptrs[component.ac_tbl_no]))
      return false;
    PrepareComponent(info, c);
  }
  if (!data_.Load(ScanBytes(info), MaxScanBytes(layout_))) return false;
  walk_ = SegmentWalk(data_, info.restart_interval);
  reader_ = walk_.First();
  fourth_ = fourth;
  rows_read_ = 0;
  wild_ = 0;
  return true;
}

void BaselineReader::PrepareComponent(const jpeg_decompress_struct& info, int c) {
  const jpeg_component_info& from = info.comp_info[c];
  Component* component = &components_[c];
  component->dc = &dc_[from.dc_tbl_no];
  component->ac = &ac_[from.ac_tbl_no];
  component->columns = from.h_samp_factor;
  component->rows = from.v_samp_factor;
  component->previous = 0;
  const JQUANT_TBL& quanta = *info.quant_tbl_ptrs[from.quant_tbl_no];
  for (int k = 0; k < DCTSIZE2; k++) component->quanta[k] = quanta.quantval[kZigzag[k]];
  std::fill(component->quanta + DCTSIZE2, component->quanta + 2 * DCTSIZE2, uint16_t{0});
  const size_t blocks = static_cast<size_t>(component->rows * component->columns * kChunkMcus);
  // What an earlier file left off in the middle is cleared.
  component->pairs.assign(blocks / 2, BlockPair{});
  component->positions.assign(blocks, 0);
}

size_t BaselineReader::row_length() const {
  const size_t blocks = static_cast<size_t>(layout_.mcu_columns) * static_cast<size_t>(layout_.max_h);
  return (blocks + 1) / 2 * 2 * DCTSIZE;
}

bool BaselineReader::ReadRow(const ComponentRows& rows) {
  for (int mcu = 0; mcu < layout_.mcu_columns; mcu += kChunkMcus) {
    const int count = std::min(kChunkMcus, layout_.mcu_columns - mcu);
    if (!ReadMcus(count) || !IsSane()) return false;
    MakeSamples(rows, mcu, count);
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
        BlockTarget target{component.quanta, component.pairs[block / 2].coefficients + block % 2 * DCTSIZE, 0, 0};
        wild_ |= static_cast<uint32_t>(component.previous + kCoefficientLimit);
        target.Put(0, component.previous);
        if (!ReadCoefficients(*component.ac, reader, [&](int k, int value) { target.Put(k, value); })) return false;
        component.positions[block] = static_cast<uint8_t>(target.positions);
        wild_ |= target.wild;
      }
    }
  }
  return true;
}

// The rest of a block that must be 255 everywhere.
CANOPY_INLINE bool BaselineReader::ReadWhite(const Component& component, BitReader* reader) const {
  if (std::abs(component.previous) >= kCoefficientLimit) return false;
  const int dc = component.previous * component.quanta[0];
  return dc < kCoefficientLimit && FlatSample(dc) == 255 && ReadEndOfBlock(*component.ac, reader);
}

void BaselineReader::MakeSamples(const ComponentRows& rows, int first_mcu, int count) {
  for (int c = 0; c < layout_.component_count; c++) {
    Component& component = components_[c];
    const int blocks_per_row = component.columns * kChunkMcus;
    if (c == 3) {
      if (fourth_ == FourthComponent::kDropped) component.pairs.assign(component.pairs.size(), BlockPair{});
      continue;
    }
    for (int y = 0; y < component.rows; y++) {
      uint8_t* samples = rows.samples[c] + static_cast<size_t>(y * DCTSIZE) * rows.stride +
                         static_cast<size_t>(first_mcu * component.columns * DCTSIZE);
      for (int x = 0; x < count * component.columns; x += 2) {
        const int block = y * blocks_per_row + x;
        const int positions = component.positions[block] | component.positions[block + 1];
        inverse_dct_(&component.pairs[block / 2], FillOf(positions), samples + x * DCTSIZE, rows.stride);
      }
    }
  }
}

}  // namespace canopy
