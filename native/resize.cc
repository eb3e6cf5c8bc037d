#include "resize.h"

#include <algorithm>
#include <cmath>

#include "filter_table.h"

namespace canopy {

Extent Window::ExtentOf(int whole, double place, double share) {
  const int length = std::clamp(static_cast<int>(std::lround(share * whole)), 1, whole);
  const int from = std::clamp(static_cast<int>(std::floor(place * (whole - length + 1))), 0, whole - length);
  return {whole, from, length};
}

void Resizer::Start(Extent across, Extent down, int fold, int size, bool antialias, uint8_t* target) {
  const AxisKey horizontal{across, fold, size, antialias};
  const AxisKey vertical{down, fold, size, antialias};
  if (!(horizontal == horizontal_key_)) {
    horizontal_key_ = {};
    BuildFilterTable(horizontal, &horizontal_);
    horizontal_key_ = horizontal;
  }
  if (!(vertical == vertical_key_)) {
    vertical_key_ = {};
    BuildFilterTable(vertical, &vertical_);
    vertical_key_ = vertical;
  }
  row_length_ = (static_cast<size_t>(size) + 31) / 32 * 32;
  for (ring_rows_ = 1; ring_rows_ < vertical_.taps;) ring_rows_ *= 2;
  const size_t needed = static_cast<size_t>(ring_rows_) * 3 * row_length_ / 32;
  if (ring_.size() < needed) ring_.resize(needed);
  if (taps_.size() < static_cast<size_t>(vertical_.taps)) taps_.resize(static_cast<size_t>(vertical_.taps));
  if (!vertical_.is_short && sums_.size() < 3 * row_length_) sums_.resize(3 * row_length_);
  rows_in_ = rows_out_ = 0;
  target_ = target;
}

void Resizer::Push(const PlanarRows& rows) {
  const auto horizontal = horizontal_.is_short ? ActiveKernels().horizontal : ActiveKernels().long_horizontal;
  for (int y = 0; y < rows.rows && rows_out_ < vertical_.size; y++) {
    if (rows_in_ < vertical_.start[0]) {
      rows_in_++;
      continue;
    }
    const size_t at = static_cast<size_t>(y) * rows.stride;
    const uint8_t* const row[3] = {rows.planes[0] + at, rows.planes[1] + at, rows.planes[2] + at};
    horizontal(horizontal_, row, RingRow(rows_in_), row_length_);
    rows_in_++;
    EmitFinishedRows();
  }
}

// A result row is written as soon as its last source row is there, before the next one overwrites its first.
void Resizer::EmitFinishedRows() {
  while (rows_out_ < vertical_.size && vertical_.start[static_cast<size_t>(rows_out_)] + vertical_.taps <= rows_in_) {
    EmitRow(rows_out_++);
  }
}

void Resizer::EmitRow(int y) {
  const int start = vertical_.start[static_cast<size_t>(y)];
  for (int k = 0; k < vertical_.taps; k++) taps_[static_cast<size_t>(k)] = RingRow(start + k);
  const uint16_t* weights = vertical_.weights.data() + y * vertical_.taps;
  uint8_t* out = target_ + static_cast<size_t>(y) * static_cast<size_t>(vertical_.size) * 3;
  if (vertical_.is_short) {
    ActiveKernels().vertical(taps_.data(), weights, vertical_.taps, row_length_, vertical_.size, out);
  } else {
    ActiveKernels().long_vertical(taps_.data(), weights, vertical_.taps, row_length_, vertical_.size, sums_.data(),
                                  out);
  }
}

}  // namespace canopy
