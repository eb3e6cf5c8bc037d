#include "ycc.h"

#include <cstring>

#include "color_kernels.h"

namespace canopy {
namespace {

// A strip of 16 rows and the one held back.
constexpr size_t kMaxRows = 17;
// If chroma is at most two samples wide, libjpeg replicates instead of filtering; such images are left to it.
constexpr int kMinWidth = 8;

}  // namespace

bool YccConverter::Covers(const JpegHeader& header) {
  const auto& sampling = header.sampling;
  if (header.components != 3 || header.width < kMinWidth) return false;
  for (int c = 1; c < 3; c++) {
    if (sampling[c].horizontal != 1 || sampling[c].vertical != 1) return false;
  }
  const int horizontal = sampling[0].horizontal;
  const int vertical = sampling[0].vertical;
  return (horizontal == 1 && vertical == 1) || (horizontal == 2 && vertical <= 2);
}

void YccConverter::Start(const JpegHeader& header, int width) {
  width_ = width;
  const bool is_scaled = width < header.width;
  wide_ = !is_scaled && header.sampling[0].horizontal == 2;
  tall_ = !is_scaled && header.sampling[0].vertical == 2;
  chroma_width_ = wide_ ? (width_ + 1) / 2 : width_;
  holds_row_ = false;
  stride_ = PaddedStride(static_cast<size_t>(width_) + 1);
  if (rgb_.size() < 3 * kMaxRows * stride_) rgb_.resize(3 * kMaxRows * stride_);
  if (chroma_.size() < 2 * stride_) chroma_.resize(2 * stride_);
  if (held_.size() < 3 * stride_) held_.resize(3 * stride_);
  if (sums_.size() < stride_ + 64) sums_.resize(stride_ + 64);
}

PlanarRows YccConverter::Convert(const Strip& strip, bool last) {
  rows_out_ = 0;
  if (tall_) {
    ConvertTall(strip, last);
  } else {
    for (int y = 0; y < strip.rows; y++) {
      const ChromaRows chroma{strip.Row(1, y), strip.Row(2, y)};
      ConvertRow(strip.Row(0, y), chroma, chroma);
    }
  }
  const size_t plane = kMaxRows * stride_;
  return {{rgb_.data(), rgb_.data() + plane, rgb_.data() + 2 * plane}, stride_, width_, rows_out_};
}

// A luma row takes three quarters of the chroma row it lies in and one of its nearer neighbour: above for even rows,
// below for odd ones. At the image's edge the row itself is used instead.
void YccConverter::ConvertTall(const Strip& strip, bool last) {
  const ChromaRows held{held_.data() + stride_, held_.data() + 2 * stride_};
  const auto chroma = [&](int y) { return ChromaRows{strip.Row(1, y), strip.Row(2, y)}; };
  if (holds_row_) ConvertRow(held_.data(), held, chroma(0));
  const int chroma_rows = (strip.rows + 1) / 2;
  for (int y = 0; y < strip.rows; y++) {
    const int at = y / 2;
    ChromaRows far = chroma(at);
    if (y % 2 == 0) {
      if (at > 0)
        far = chroma(at - 1);
      else if (holds_row_)
        far = held;
    } else if (at + 1 < chroma_rows) {
      far = chroma(at + 1);
    } else if (!last) {
      break;
    }
    ConvertRow(strip.Row(0, y), chroma(at), far);
  }
  if (!last) HoldLastRow(strip);
}

void YccConverter::ConvertRow(const uint8_t* luma, ChromaRows near, ChromaRows far) {
  const ColorKernels& kernels = ActiveColorKernels();
  const uint8_t* cb = near.cb;
  const uint8_t* cr = near.cr;
  if (wide_) {
    uint8_t* wide_cb = chroma_.data();
    uint8_t* wide_cr = chroma_.data() + stride_;
    if (tall_) {
      kernels.upsample_h2v2(near.cb, far.cb, chroma_width_, sums_.data(), wide_cb);
      kernels.upsample_h2v2(near.cr, far.cr, chroma_width_, sums_.data(), wide_cr);
    } else {
      kernels.upsample_h2v1(near.cb, chroma_width_, sums_.data(), wide_cb);
      kernels.upsample_h2v1(near.cr, chroma_width_, sums_.data(), wide_cr);
    }
    cb = wide_cb;
    cr = wide_cr;
  }
  uint8_t* r = rgb_.data() + static_cast<size_t>(rows_out_++) * stride_;
  const size_t plane = kMaxRows * stride_;
  kernels.ycc_to_rgb(luma, cb, cr, width_, r, r + plane, r + 2 * plane);
}

void YccConverter::HoldLastRow(const Strip& strip) {
  const size_t luma_length = static_cast<size_t>(width_);
  const size_t chroma_length = static_cast<size_t>(chroma_width_);
  std::memcpy(held_.data(), strip.Row(0, strip.rows - 1), luma_length);
  std::memcpy(held_.data() + stride_, strip.Row(1, strip.rows / 2 - 1), chroma_length);
  std::memcpy(held_.data() + 2 * stride_, strip.Row(2, strip.rows / 2 - 1), chroma_length);
  holds_row_ = true;
}

}  // namespace canopy
