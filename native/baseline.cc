#include "baseline.h"

#include <algorithm>
#include <cstdlib>

namespace canopy {
namespace {

// MCUs whose coefficients are in memory at once: few enough for the first-level cache.
constexpr int kChunkMcus = 16;
// A coefficient takes at most 31 bits.
static_assert(kChunkMcus * D_MAX_BLOCKS_IN_MCU * DCTSIZE2 * 31 / 8 + 8 < EntropyData::kPadding,
              "a chunk is read before it is known whether there are data for it");

CANOPY_AVX2 bool IsZero(const BlockQuad& quad) {
  int16_t any = 0;
  for (int i = 0; i < BlockQuad::kSize; i++) any = static_cast<int16_t>(any | quad.coefficients[i]);
  return any == 0;
}

}  // namespace

bool BaselineReader::Start(const jpeg_decompress_struct& info, FourthComponent fourth) {
  if (inverse_dct_ == nullptr || !LayOutScan(info, &layout_)) return false;
  for (int c = 0; c < layout_.component_count; c++) {
    if (!FindTables(info, c) || !PrepareComponent(info, c)) return false;
  }
  if (!data_.Load(ScanBytes(info), MaxScanBytes(layout_))) return false;
  LayOutPlaces();
  walk_ = SegmentWalk(data_, info.restart_interval);
  reader_ = walk_.First();
  fourth_ = fourth;
  rows_read_ = 0;
  return true;
}

// Components with the same tables share them, so that they take less of the caches.
bool BaselineReader::FindTables(const jpeg_decompress_struct& info, int c) {
  const int dc = info.comp_info[c].dc_tbl_no;
  const int ac = info.comp_info[c].ac_tbl_no;
  Component* component = &components_[c];
  component->ac = &ac_[ac];
  for (int other = 0; other < c; other++) {
    if (info.comp_info[other].dc_tbl_no != dc || info.comp_info[other].ac_tbl_no != ac) continue;
    component->first = components_[other].first;
    return true;
  }
  component->first = &first_[c];
  return ac_[ac].Build(info.ac_huff_tbl_ptrs[ac]) && first_[c].Build(info.dc_huff_tbl_ptrs[dc], ac_[ac]);
}

bool BaselineReader::PrepareComponent(const jpeg_decompress_struct& info, int c) {
  const jpeg_component_info& from = info.comp_info[c];
  Component* component = &components_[c];
  component->columns = from.h_samp_factor;
  component->rows = from.v_samp_factor;
  component->previous = 0;
  const JQUANT_TBL& quanta = *info.quant_tbl_ptrs[from.quant_tbl_no];
  for (int natural = 0; natural < DCTSIZE2; natural++) {
    if (!component->quanta.Set(natural, quanta.quantval[natural])) return false;
  }
  const size_t blocks = static_cast<size_t>(component->rows * component->columns * kChunkMcus);
  // Clears what a file that ended in the middle has left.
  component->quads.assign(blocks / BlockQuad::kBlocks, BlockQuad{});
  return true;
}

void BaselineReader::LayOutPlaces() {
  places_.clear();
  for (int mcu = 0; mcu < kChunkMcus; mcu++) {
    for (int c = 0; c < layout_.component_count; c++) {
      Component& component = components_[c];
      const int blocks_per_row = component.columns * kChunkMcus;
      for (int y = 0; y < component.rows; y++) {
        for (int x = 0; x < component.columns; x++) {
          const int block = y * blocks_per_row + mcu * component.columns + x;
          BlockQuad& quad = component.quads[static_cast<size_t>(block / BlockQuad::kBlocks)];
          int16_t* const coefficients = quad.coefficients + block % BlockQuad::kBlocks * DCTSIZE;
          places_.push_back({coefficients, component.first, component.ac, 0});
        }
      }
    }
  }
  mcu_blocks_ = places_.size() / kChunkMcus;
  for (size_t i = 0; i < places_.size(); i++) places_[i].Link(places_[(i + 1) % places_.size()]);
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

// Into the first `count` MCUs of the chunk.
bool BaselineReader::ReadMcus(int count) {
  for (int mcu = 0; mcu < count;) {
    if (walk_.left() == 0 && !Restart()) return false;
    const int length = std::min(count - mcu, static_cast<int>(std::min<unsigned>(walk_.left(), kChunkMcus)));
    const BlockPlace* const begin = places_.data() + static_cast<size_t>(mcu) * mcu_blocks_;
    const BlockPlace* const end = begin + static_cast<size_t>(length) * mcu_blocks_;
    if (!ReadBlocks(begin, end, &reader_) || reader_.Overran() || !SumDifferences(begin, end)) return false;
    walk_.Pass(static_cast<unsigned>(length));
    mcu += length;
  }
  return true;
}

bool BaselineReader::Restart() {
  if (!walk_.Take(&reader_)) return false;
  for (Component& component : components_) component.previous = 0;
  return true;
}

// Turns differences into first coefficients. False if one does not fit into 16 bits.
bool BaselineReader::SumDifferences(const BlockPlace* begin, const BlockPlace* end) {
  unsigned wild = 0;
  size_t first = 0;
  for (int c = 0; c < layout_.component_count; c++) {
    Component& component = components_[c];
    const size_t blocks = static_cast<size_t>(component.rows * component.columns);
    int sum = component.previous;
    for (const BlockPlace* mcu = begin + first; mcu < end; mcu += mcu_blocks_) {
      for (size_t block = 0; block < blocks; block++) {
        int16_t* const coefficient = mcu[block].coefficients;
        sum += *coefficient;
        wild |= static_cast<unsigned>(sum + 32768);
        *coefficient = static_cast<int16_t>(sum);
      }
    }
    component.previous = sum;
    first += blocks;
  }
  return wild < 65536;
}

// Whether the fourth component of the chunk's first `count` MCUs is 255 everywhere, if it must be. Clears it.
bool BaselineReader::TakeFourth(int count) {
  Component& component = components_[3];
  bool is_good = true;
  if (fourth_ == FourthComponent::kMustBe255) {
    const BlockPlace* const end = places_.data() + static_cast<size_t>(count) * mcu_blocks_;
    const size_t blocks = static_cast<size_t>(component.rows * component.columns);
    for (const BlockPlace* mcu = places_.data() + mcu_blocks_ - blocks; mcu < end; mcu += mcu_blocks_) {
      for (size_t block = 0; block < blocks; block++) {
        int16_t* const first = mcu[block].coefficients;
        is_good &= FlatSample(*first * component.quanta.factors[0]) == 255;
        *first = 0;
      }
    }
    for (const BlockQuad& quad : component.quads) is_good &= IsZero(quad);
  }
  if (fourth_ == FourthComponent::kDropped || !is_good) component.quads.assign(component.quads.size(), BlockQuad{});
  return is_good;
}

bool BaselineReader::MakeSamples(const ComponentRows& rows, int first_mcu, int count) {
  bool is_sane = layout_.component_count < 4 || TakeFourth(count);
  for (int c = 0; c < std::min(layout_.component_count, 3); c++) {
    Component& component = components_[c];
    const int blocks_per_row = component.columns * kChunkMcus;
    for (int y = 0; y < component.rows; y++) {
      uint8_t* samples = rows.samples[c] + static_cast<size_t>(y * DCTSIZE) * rows.stride +
                         static_cast<size_t>(first_mcu * component.columns * DCTSIZE);
      for (int x = 0; x < count * component.columns; x += BlockQuad::kBlocks) {
        BlockQuad* const quad = &component.quads[static_cast<size_t>(y * blocks_per_row + x) / BlockQuad::kBlocks];
        is_sane &= inverse_dct_(quad, component.quanta, samples + x * DCTSIZE, rows.stride);
      }
    }
  }
  return is_sane;
}

}  // namespace canopy
