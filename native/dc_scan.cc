#include "dc_scan.h"

#include <algorithm>
#include <cmath>

#include "huffman.h"
#include "image.h"

namespace canopy {
namespace {

struct Component {
  const HuffmanTable* dc;
  const SkipTable* ac;
  int quantum;
  int columns;  // blocks per MCU
  int rows;
  // What one block becomes: 1 sample, or where it covers more pixels than a block of the finest component, 2 or 4.
  int split_x;
  int split_y;
  bool must_be_flat;
  uint8_t* samples;
  const uint16_t* quanta;  // in natural order
  int previous;
};

// How a coefficient adds to the means of a block's left and upper half; the others get it with opposite sign. In units
// of 1 / kHalfUnit.
struct HalfWeight {
  enum Kind { kNone, kX, kY, kBoth } kind;
  int weight;
};
constexpr int kHalfUnit = 1 << 16;

// Natural position of each coefficient in the order of the file.
constexpr uint8_t kZigzag[DCTSIZE2] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                       12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                       35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                       58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// sqrt(2) times the mean of cos((2 n + 1) k pi / 16) over n = 0..3: what the k-th basis function adds to its first
// half, relative to the mean.
constexpr double kHalfMean[DCTSIZE] = {1, 0.90612744, 0, -0.31818962, 0, 0.21260750, 0, -0.18023996};

HalfWeight HalfWeightOf(int index) {
  const int u = kZigzag[index] % DCTSIZE;
  const int v = kZigzag[index] / DCTSIZE;
  const double weight = kHalfMean[u] * kHalfMean[v];
  if (weight == 0 || index == 0) return {HalfWeight::kNone, 0};
  const auto kind = u == 0 ? HalfWeight::kY : v == 0 ? HalfWeight::kX : HalfWeight::kBoth;
  return {kind, static_cast<int>(std::lround(weight * kHalfUnit))};
}

struct HalfWeights {
  HalfWeight of[DCTSIZE2];
  HalfWeights() {
    for (int i = 0; i < DCTSIZE2; i++) of[i] = HalfWeightOf(i);
  }
};

// Passes over the 63 other coefficients of a block; false where they are malformed.
CANOPY_INLINE bool SkipCoefficients(const SkipTable& table, BitReader* reader) {
  for (int k = 1;;) {
    reader->Refill();
    SkipTable::Entry entry = table.entries[reader->Peek(kLookupBits)];
    k += entry.advance;
    if (k < kEndOfBlock) {
      reader->Skip(entry.bits);
      // A refill is good for two lookups and the longest symbol.
      entry = table.entries[reader->Peek(kLookupBits)];
      k += entry.advance;
      if (k < kEndOfBlock) {
        reader->Skip(entry.bits);
        continue;
      }
    }
    if (__builtin_expect(entry.advance >= kEndOfBlock && k < SkipTable::kTooLong, 1)) {
      reader->Skip(entry.bits);
      return true;
    }
    // A long symbol; or the block's last ones, which must be taken one by one: those after them belong to the next.
    k -= entry.advance;
    const int symbol = TakeSymbol(table.codes, reader);
    const int advance = symbol < 0 ? 0 : AdvanceOf(symbol);
    if (advance == 0) return false;
    if (advance == kEndOfBlock) return true;
    reader->Skip(symbol & 15);
    k += advance;
    if (k >= kEndOfBlock) return k == kEndOfBlock;
  }
}

// Whether the block ends right after its mean.
CANOPY_INLINE bool IsFlat(const SkipTable& table, BitReader* reader) {
  reader->Refill();
  return TakeSymbol(table.codes, reader) == 0;
}

// The next `length` bits as a signed coefficient.
CANOPY_INLINE int TakeValue(BitReader* reader, int length) {
  const int value = static_cast<int>(reader->Peek(length));
  reader->Skip(length);
  return value < (1 << (length - 1)) ? value - (1 << length) + 1 : value;
}

// As libjpeg's 1x1 inverse DCT rounds: `eighths` is eight times the mean, around 0.
inline uint8_t ToSample(int64_t eighths) {
  return static_cast<uint8_t>(std::clamp<int64_t>(((eighths + 4) >> 3) + 128, 0, 255));
}

// The means of a block's halves or quarters, from all of its coefficients; false where they are malformed.
bool DecodeHalves(const Component& component, BitReader* reader, size_t stride, uint8_t* samples) {
  static const HalfWeights weights;
  int64_t sums[4] = {};
  for (int k = 1; k < kEndOfBlock; k++) {
    reader->Refill();
    const int symbol = TakeSymbol(component.ac->codes, reader);
    const int advance = symbol < 0 ? 0 : AdvanceOf(symbol);
    if (advance == 0) return false;
    if (advance == kEndOfBlock) break;
    k += advance - 1;
    const int length = symbol & 15;
    if (k >= kEndOfBlock) return false;
    if (length == 0) continue;
    const HalfWeight weight = weights.of[k];
    sums[weight.kind] += int64_t{TakeValue(reader, length)} * component.quanta[kZigzag[k]] * weight.weight;
  }
  const int64_t mean = int64_t{component.previous} * component.quantum;
  for (int y = 0; y < component.split_y; y++) {
    for (int x = 0; x < component.split_x; x++) {
      int64_t detail = 0;
      if (component.split_x == 2) detail += x == 0 ? sums[HalfWeight::kX] : -sums[HalfWeight::kX];
      if (component.split_y == 2) detail += y == 0 ? sums[HalfWeight::kY] : -sums[HalfWeight::kY];
      if (component.split_x + component.split_y == 4)
        detail += x == y ? sums[HalfWeight::kBoth] : -sums[HalfWeight::kBoth];
      samples[static_cast<size_t>(y) * stride + static_cast<size_t>(x)] = ToSample(mean + detail / kHalfUnit);
    }
  }
  return true;
}

// The samples of one block; false where its data are malformed.
CANOPY_INLINE bool DecodeBlock(Component* component, BitReader* reader, size_t stride, uint8_t* samples) {
  reader->Refill();
  const int category = TakeSymbol(*component->dc, reader);
  if (category < 0 || category > 11) return false;
  if (category > 0) component->previous += TakeValue(reader, category);
  if (component->previous < -32768 || component->previous > 32767) return false;
  if (component->split_x + component->split_y > 2) return DecodeHalves(*component, reader, stride, samples);
  *samples = ToSample(component->previous * component->quantum);
  return component->must_be_flat ? IsFlat(*component->ac, reader) : SkipCoefficients(*component->ac, reader);
}

// Everything the loop over MCUs needs; kept per thread, since the tables are large.
struct Scan {
  HuffmanTable dc[NUM_HUFF_TBLS];
  SkipTable ac[NUM_HUFF_TBLS];
  Component components[MAX_COMPS_IN_SCAN];
  int count;
  int mcu_columns;
  int mcu_rows;
};

bool Prepare(const jpeg_decompress_struct& info, DcPlanes* planes, Scan* scan) {
  scan->count = info.num_components;
  if (info.progressive_mode || info.arith_code || info.comps_in_scan != scan->count) return false;
  if (scan->count > MAX_COMPS_IN_SCAN || info.Ss != 0 || info.Se != DCTSIZE2 - 1 || info.Ah != 0 || info.Al != 0)
    return false;
  // A single component comes block by block, whatever its sampling factors say.
  const bool single = scan->count == 1;
  const int max_h = single ? info.comp_info[0].h_samp_factor : info.max_h_samp_factor;
  const int max_v = single ? info.comp_info[0].v_samp_factor : info.max_v_samp_factor;
  scan->mcu_columns = (static_cast<int>(info.image_width) + DCTSIZE * max_h - 1) / (DCTSIZE * max_h);
  scan->mcu_rows = (static_cast<int>(info.image_height) + DCTSIZE * max_v - 1) / (DCTSIZE * max_v);
  if (single && (max_h != 1 || max_v != 1)) return false;

  planes->stride = PaddedStride(static_cast<size_t>(scan->mcu_columns) * static_cast<size_t>(max_h));
  size_t total = 0;
  for (int c = 0; c < scan->count; c++) {
    planes->offset[c] = total;
    total += planes->stride * static_cast<size_t>(scan->mcu_rows) * static_cast<size_t>(max_v);
  }
  if (planes->samples.size() < total) planes->samples.resize(total);

  for (int c = 0; c < scan->count; c++) {
    const jpeg_component_info& from = info.comp_info[c];
    const int dc = from.dc_tbl_no;
    const int ac = from.ac_tbl_no;
    const int quantum = from.quant_tbl_no;
    if (quantum < 0 || quantum >= NUM_QUANT_TBLS) return false;
    const JQUANT_TBL* quantisation = info.quant_tbl_ptrs[quantum];
    const int split_x = max_h / from.h_samp_factor;
    const int split_y = max_v / from.v_samp_factor;
    if (split_x > 2 || split_y > 2 || split_x * from.h_samp_factor != max_h || split_y * from.v_samp_factor != max_v)
      return false;
    if (info.cur_comp_info[c] != &from || quantisation == nullptr) return false;
    if (dc < 0 || dc >= NUM_HUFF_TBLS || ac < 0 || ac >= NUM_HUFF_TBLS) return false;
    if (!scan->dc[dc].BuildDc(info.dc_huff_tbl_ptrs[dc]) || !scan->ac[ac].Build(info.ac_huff_tbl_ptrs[ac]))
      return false;
    scan->components[c] = {&scan->dc[dc],
                           &scan->ac[ac],
                           quantisation->quantval[0],
                           from.h_samp_factor,
                           from.v_samp_factor,
                           split_x,
                           split_y,
                           c == 3,
                           planes->samples.data() + planes->offset[c],
                           quantisation->quantval,
                           0};
  }
  return true;
}

CANOPY_INLINE bool DecodeMcu(Scan* scan, BitReader* reader, size_t stride, int row, int column) {
  for (int c = 0; c < scan->count; c++) {
    Component* component = &scan->components[c];
    for (int y = 0; y < component->rows; y++) {
      for (int x = 0; x < component->columns; x++) {
        const size_t line = static_cast<size_t>((row * component->rows + y) * component->split_y);
        const size_t at = static_cast<size_t>((column * component->columns + x) * component->split_x);
        if (!DecodeBlock(component, reader, stride, component->samples + line * stride + at)) return false;
      }
    }
  }
  return true;
}

}  // namespace

bool DecodeDcScan(const jpeg_decompress_struct& info, DcPlanes* planes) {
  static thread_local Scan scan;
  if (!Prepare(info, planes, &scan)) return false;
  BitReader reader(info.src->next_input_byte, info.src->bytes_in_buffer);
  unsigned until_restart = info.restart_interval;
  int next_restart = 0;
  for (int row = 0; row < scan.mcu_rows; row++) {
    for (int column = 0; column < scan.mcu_columns; column++) {
      if (info.restart_interval > 0 && until_restart-- == 0) {
        if (reader.TakeMarker() != JPEG_RST0 + next_restart) return false;
        next_restart = (next_restart + 1) & 7;
        until_restart = info.restart_interval - 1;
        for (int c = 0; c < scan.count; c++) scan.components[c].previous = 0;
      }
      if (!DecodeMcu(&scan, &reader, planes->stride, row, column)) return false;
    }
  }
  return reader.TakeMarker() == JPEG_EOI;
}

}  // namespace canopy
