#include "train_windows.h"

#include <algorithm>

namespace canopy {
namespace {

// Calls visit(pixel of the input or kNone, place in the rows) for each tap of each output pixel.
template <typename Visit>
void ForTaps(const WindowedMap& map, const Visit& visit) {
  const KernelWindow& window = map.window;
  for (size_t p = 0; p < map.output.pixels(); p++) {
    const size_t top = p / map.output.width * window.stride_y - window.pad_top;
    const size_t left = p % map.output.width * window.stride_x - window.pad_left;
    size_t at = p * map.stride;
    for (size_t ky = 0; ky < window.kernel_height; ky++) {
      for (size_t kx = 0; kx < window.kernel_width; kx++, at += map.input.channels) {
        // Before the first row or column, a place wraps to a huge one.
        const bool is_inside = top + ky < map.input.height && left + kx < map.input.width;
        visit(is_inside ? (top + ky) * map.input.width + left + kx : kNone, at);
      }
    }
  }
}

void ClearBeyond(const WindowedMap& map, float* rows) {
  const size_t columns = map.window.kernel_height * map.window.kernel_width * map.input.channels;
  for (size_t p = 0; p < map.output.pixels(); p++) {
    std::fill(rows + p * map.stride + columns, rows + (p + 1) * map.stride, 0.0f);
  }
}

}  // namespace

bool IsPointwise(const TrainPlan& plan, const TrainOperation& op) {
  const KernelWindow& w = op.window;
  return op.inputs[0] != 0 && w.kernel_height * w.kernel_width * w.stride_y * w.stride_x == 1 &&
         plan.values[op.inputs[0]].pixels() == plan.values[op.output].pixels();
}

void ReadWindows(const WindowedMap& map, const float* x, float* rows) {
  const size_t channels = map.input.channels;
  ForTaps(map, [&](size_t pixel, size_t at) {
    if (pixel == kNone) {
      std::fill_n(rows + at, channels, 0.0f);
    } else {
      std::copy_n(x + pixel * map.input.stride(), channels, rows + at);
    }
  });
  ClearBeyond(map, rows);
}

void ReadTileWindows(const WindowedMap& map, const TrainInput& prepare, const uint8_t* pixels, float* rows) {
  float values[3][256];
  for (size_t c = 0; c < 3; c++) {
    for (size_t v = 0; v < 256; v++) values[c][v] = static_cast<float>(v) * prepare.factor[c] + prepare.offset[c];
  }
  ForTaps(map, [&](size_t pixel, size_t at) {
    for (size_t c = 0; c < 3; c++) rows[at + c] = pixel == kNone ? 0 : values[c][pixels[3 * pixel + prepare.order[c]]];
  });
  ClearBeyond(map, rows);
}

void AddWindows(const WindowedMap& map, const float* rows, float* x) {
  ForTaps(map, [&](size_t pixel, size_t at) {
    if (pixel == kNone) return;
    for (size_t c = 0; c < map.input.channels; c++) x[pixel * map.input.stride() + c] += rows[at + c];
  });
}

}  // namespace canopy
