#include "dc_scan.h"

#include <algorithm>
#include <cmath>

#include "coefficients.h"
#include "segment_walk.h"

namespace canopy {
namespace {

constexpr int64_t kWeightUnit = 1 << 16;
constexpr int kMaxCoefficient = 32767;

// sqrt(2) times the mean of cos((2 n + 1) k pi / 16) over n = 0..3: what the k-th basis function adds to its first
// half, relative to the mean.
constexpr double kHalfMean[DCTSIZE] = {1, 0.90612744, 0, -0.31818962, 0, 0.21260750, 0, -0.18023996};

}  // namespace

bool DcScan::Decode(const jpeg_decompress_struct& info, DcPlanes* planes) {
  if (!LayOutScan(info, &layout_)) return false;
  Reserve(planes);
  for (int c = 0; c < layout_.component_count; c++) {
    if (!PrepareComponent(info, c, planes)) return false;
  }
  if (!data_.Load(ScanBytes(info), MaxScanBytes(layout_))) return false;
  return DecodeSegments(info.restart_interval, planes->stride);
}

void DcScan::Reserve(DcPlanes* planes) const {
  planes->stride = PaddedStride(static_cast<size_t>(layout_.mcu_columns) * static_cast<size_t>(layout_.max_h));
  size_t total = 0;
  for (int c = 0; c < layout_.component_count; c++) {
    planes->offset[c] = total;
    total += planes->stride * static_cast<size_t>(layout_.mcu_rows) * static_cast<size_t>(layout_.max_v);
  }
  if (planes->samples.size() < total) planes->samples.resize(total);
}

bool DcScan::PrepareComponent(const jpeg_decompress_struct& info, int c, DcPlanes* planes) {
  const jpeg_component_info& from = info.comp_info[c];
  const int split_x = layout_.max_h / from.h_samp_factor;
  const int split_y = layout_.max_v / from.v_samp_factor;
  if (split_x > 2 || split_y > 2 || split_x * from.h_samp_factor != layout_.max_h ||
      split_y * from.v_samp_factor != layout_.max_v)
    return false;
  const JHUFF_TBL* ac = info.ac_huff_tbl_ptrs[from.ac_tbl_no];
  const bool is_split = split_x + split_y > 2;
  if (!dc_[from.dc_tbl_no].Build(info.dc_huff_tbl_ptrs[from.dc_tbl_no])) return false;
  if (is_split ? !values_[from.ac_tbl_no].Build(ac) : !skips_[from.ac_tbl_no].Build(ac)) return false;
  const JQUANT_TBL& quanta = *info.quant_tbl_ptrs[from.quant_tbl_no];
  Component& component = components_[c];
  component.dc = &dc_[from.dc_tbl_no];
  component.skips = &skips_[from.ac_tbl_no];
  component.values = &values_[from.ac_tbl_no];
  component.quantum = quanta.quantval[0];
  component.columns = from.h_samp_factor;
  component.rows = from.v_samp_factor;
  component.split_x = split_x;
  component.split_y = split_y;
  component.samples = planes->samples.data() + planes->offset[c];
  component.previous = 0;
  if (!is_split) return true;
  for (int k = 0; k < DCTSIZE2; k++) component.weights[k] = HalfWeightOf(k, quanta.quantval[kZigzag[k]]);
  return true;
}

DcScan::HalfWeight DcScan::HalfWeightOf(int k, int quantum) {
  const int u = kZigzag[k] % DCTSIZE;
  const int v = kZigzag[k] / DCTSIZE;
  const double weight = kHalfMean[u] * kHalfMean[v];
  if (weight == 0 || k == 0) return {HalfWeight::kNone, 0};
  const auto kind = u == 0 ? HalfWeight::kY : v == 0 ? HalfWeight::kX : HalfWeight::kBoth;
  return {kind, std::lround(weight * kWeightUnit) * int64_t{quantum}};
}

bool DcScan::DecodeSegments(unsigned restart_interval, size_t stride) {
  SegmentWalk walk(data_, restart_interval);
  BitReader reader = walk.First();
  for (int row = 0; row < layout_.mcu_rows; row++) {
    StartRow(row, stride);
    for (int column = 0; column < layout_.mcu_columns; column++) {
      if (walk.left() == 0) {
        if (!walk.Take(&reader)) return false;
        for (Component& component : components_) component.previous = 0;
      }
      walk.Pass(1);
      if (!DecodeMcu(&reader, stride) || reader.Overran()) return false;
    }
  }
  return walk.IsDone(reader);
}

void DcScan::StartRow(int row, size_t stride) {
  for (int c = 0; c < layout_.component_count; c++) {
    Component& component = components_[c];
    for (int y = 0; y < component.rows; y++) {
      const int line = (row * component.rows + y) * component.split_y;
      component.next[y] = component.samples + static_cast<size_t>(line) * stride;
    }
  }
}

CANOPY_INLINE bool DcScan::DecodeMcu(BitReader* reader, size_t stride) {
  for (int c = 0; c < layout_.component_count; c++) {
    Component* component = &components_[c];
    for (int y = 0; y < component->rows; y++) {
      for (int x = 0; x < component->columns; x++) {
        if (!DecodeBlock(component, reader, stride, component->next[y])) return false;
        component->next[y] += component->split_x;
      }
    }
  }
  return true;
}

// The samples of one block; false if its data are malformed, or only libjpeg knows what they are.
CANOPY_INLINE bool DcScan::DecodeBlock(Component* component, BitReader* reader, size_t stride, uint8_t* samples) {
  reader->Refill();
  int difference;
  if (!TakeDifference(*component->dc, reader, &difference)) return false;
  component->previous += difference;
  if (component->previous < -kMaxCoefficient || component->previous > kMaxCoefficient) return false;
  if (component->split_x + component->split_y > 2) return DecodeHalves(*component, reader, stride, samples);
  const int64_t mean = int64_t{component->previous} * component->quantum;
  if (Wraps(mean)) return false;
  *samples = MeanToSample(mean);
  return SkipCoefficients(*component->skips, reader);
}

// The means of a block's halves or quarters, from all of its coefficients; false as above.
CANOPY_INLINE bool DcScan::DecodeHalves(const Component& component, BitReader* reader, size_t stride,
                                        uint8_t* samples) {
  int64_t sums[4] = {};
  const bool good = ReadCoefficients(*component.values, reader, [&](int k, int value) {
    const HalfWeight& weight = component.weights[k];
    sums[weight.kind] += value * weight.weight;
  });
  if (!good) return false;
  const int64_t mean = int64_t{component.previous} * component.quantum;
  for (int y = 0; y < component.split_y; y++) {
    for (int x = 0; x < component.split_x; x++) {
      int64_t detail = 0;
      if (component.split_x == 2) detail += x == 0 ? sums[HalfWeight::kX] : -sums[HalfWeight::kX];
      if (component.split_y == 2) detail += y == 0 ? sums[HalfWeight::kY] : -sums[HalfWeight::kY];
      if (component.split_x + component.split_y == 4)
        detail += x == y ? sums[HalfWeight::kBoth] : -sums[HalfWeight::kBoth];
      const int64_t part = mean + detail / kWeightUnit;
      if (Wraps(part)) return false;
      samples[static_cast<size_t>(y) * stride + static_cast<size_t>(x)] = MeanToSample(part);
    }
  }
  return true;
}

}  // namespace canopy
