// The reference: each kernel as its definition says, one float after the other.
#include <algorithm>
#include <cmath>

#include "train_kernel_sets.h"

namespace canopy {
namespace {

constexpr size_t kPanel = 16;

// `at` is the place of the result in its layout.
float Finished(const Finish& finish, float value, size_t column, size_t at, float before) {
  if (finish.adds) value += before;
  if (finish.bias != nullptr) value += finish.bias[column];
  value = ApplyActivation(finish.activation, value);
  if (finish.outputs != nullptr) value *= DerivativeOf(finish.derivative, finish.outputs[at]);
  return value;
}

void Store(const Finish& finish, float value, size_t column, size_t at, float* out) {
  out[at] = Finished(finish, value, column, at, finish.adds ? out[at] : 0);
}

void Multiply(Matrix a, const float* packed, size_t rows, size_t depth, size_t columns, const Finish& finish,
              float* c) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t i = 0; i < columns; i++) {
      const size_t first = i / kPanel * kPanel;
      const size_t width = std::min(kPanel, columns - first);
      const float* const panel = packed + first * depth + i % kPanel;
      float sum = 0;
      for (size_t d = 0; d < depth; d++) sum += a.data[r * a.stride + d] * panel[d * width];
      Store(finish, sum, i, r * columns + i, c);
    }
  }
}

void SumProducts(Matrix a, size_t a_columns, Matrix b, size_t b_columns, size_t rows, bool adds, float* c) {
  for (size_t i = 0; i < a_columns; i++) {
    for (size_t j = 0; j < b_columns; j++) {
      float sum = 0;
      for (size_t r = 0; r < rows; r++) sum += a.data[r * a.stride + i] * b.data[r * b.stride + j];
      c[i * b_columns + j] = adds ? c[i * b_columns + j] + sum : sum;
    }
  }
}

void SumRows(Matrix a, size_t rows, size_t columns, bool adds, float* sums) {
  for (size_t c = 0; c < columns; c++) {
    float sum = 0;
    for (size_t r = 0; r < rows; r++) sum += a.data[r * a.stride + c];
    sums[c] = adds ? sums[c] + sum : sum;
  }
}

// Calls visit(place in the input, place in the output, tap) for each pair of pixels that a window joins.
template <typename Visit>
void ForPairs(const DepthwiseShape& shape, const Visit& visit) {
  const KernelWindow& window = shape.window;
  for (size_t y = 0; y < shape.output.height; y++) {
    for (size_t x = 0; x < shape.output.width; x++) {
      for (size_t tap = 0; tap < window.kernel_height * window.kernel_width; tap++) {
        const size_t from_y = y * window.stride_y + tap / window.kernel_width - window.pad_top;
        const size_t from_x = x * window.stride_x + tap % window.kernel_width - window.pad_left;
        // Before the first row or column, a place wraps to a huge one.
        if (from_y >= shape.input.height || from_x >= shape.input.width) continue;
        visit(from_y * shape.input.width + from_x, y * shape.output.width + x, tap);
      }
    }
  }
}

void Depthwise(const DepthwiseShape& shape, const float* x, const float* weight, const float*, const Finish& finish,
               float* y) {
  const size_t channels = shape.input.stride();
  std::fill_n(y, shape.output.floats(), 0.0f);
  ForPairs(shape, [&](size_t in, size_t out, size_t tap) {
    for (size_t c = 0; c < channels; c++) y[out * channels + c] += x[in * channels + c] * weight[tap * channels + c];
  });
  for (size_t i = 0; i < shape.output.floats(); i++) y[i] = Finished(finish, y[i], i % channels, i, 0);
}

void DepthwiseBack(const DepthwiseShape& shape, const float* x, const float* dy, const float* weight, const float*,
                   const Finish& finish, float* dx, float* weight_gradient) {
  const size_t channels = shape.input.stride();
  if (dx != nullptr && !finish.adds) std::fill_n(dx, shape.input.floats(), 0.0f);
  ForPairs(shape, [&](size_t in, size_t out, size_t tap) {
    for (size_t c = 0; c < channels; c++) {
      const float gradient = dy[out * channels + c];
      weight_gradient[tap * channels + c] += gradient * x[in * channels + c];
      if (dx != nullptr) dx[in * channels + c] += gradient * weight[tap * channels + c];
    }
  });
  if (dx == nullptr || finish.outputs == nullptr) return;
  for (size_t i = 0; i < shape.input.floats(); i++) dx[i] *= DerivativeOf(finish.derivative, finish.outputs[i]);
}

void Activate(const float* x, size_t floats, const Activation& activation, float* y) {
  for (size_t i = 0; i < floats; i++) y[i] = ApplyActivation(activation, x[i]);
}

void Add(const float* a, const float* b, size_t floats, float* y) {
  for (size_t i = 0; i < floats; i++) y[i] = a[i] + b[i];
}

void Scale(const float* a, Matrix factor, size_t pixels, size_t channels, float* y) {
  for (size_t i = 0; i < pixels * channels; i++) {
    y[i] = a[i] * factor.data[i / channels * factor.stride + i % channels];
  }
}

void SumPixels(const float* a, const float* b, size_t pixels, size_t channels, float scale, const Finish& finish,
               float* y) {
  for (size_t c = 0; c < channels; c++) {
    float sum = 0;
    for (size_t p = 0; p < pixels; p++) sum += a[p * channels + c] * (b == nullptr ? 1 : b[p * channels + c]);
    Store(finish, sum * scale, c, c, y);
  }
}

void Gradient(const GradientProduct& product, size_t pixels, size_t channels, const Finish& finish, float* dx) {
  for (size_t i = 0; i < pixels * channels; i++) {
    const size_t p = i / channels;
    const size_t c = i % channels;
    float value = product.gradient.data[p * product.gradient.stride + c] * product.scale;
    if (product.factor.data != nullptr) {
      const float factor = product.factor.data[p * product.factor.stride + c];
      value *= product.is_derivative ? DerivativeOf(product.of, factor) : factor;
    }
    Store(finish, value, c, i, dx);
  }
}

void Adamw(const AdamwStep& step, const float* gradient, size_t parts, size_t part_stride, size_t floats, float* weight,
           float* first, float* second) {
  for (size_t i = 0; i < floats; i++) {
    float g = gradient[i];
    for (size_t part = 1; part < parts; part++) g += gradient[part * part_stride + i];
    first[i] = step.beta1 * first[i] + (1 - step.beta1) * g;
    second[i] = step.beta2 * second[i] + (1 - step.beta2) * (g * g);
    const float root = std::sqrt(second[i]) * step.correction + step.epsilon;
    weight[i] = weight[i] * step.decay - step.step_size * first[i] / root;
  }
}

}  // namespace

const TrainKernels* PlainTrainKernels() {
  static constexpr TrainKernels kKernels = {"plain",  kPanel, Multiply, SumProducts, SumRows,  Depthwise, DepthwiseBack,
                                            Activate, Add,    Scale,    SumPixels,   Gradient, Adamw};
  return &kKernels;
}

}  // namespace canopy
