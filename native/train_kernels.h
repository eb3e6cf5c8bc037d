// The trainer's inner loops, once per instruction set. All pixels have a stride that is a multiple of kChannelPad.
#ifndef CANOPY_NATIVE_TRAIN_KERNELS_H_
#define CANOPY_NATIVE_TRAIN_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "train_plan.h"

namespace canopy {

// What happens to a result before it is stored: bias and activation going forward. Going back, the gradient of a value
// is the sum over its users, the last of which multiplies it by the derivative of the activation that made the value.
struct Finish {
  const float* bias = nullptr;     // [columns]
  Activation activation;           // going forward
  bool adds = false;               // to what is there
  const float* outputs = nullptr;  // in the layout of the result: what `derivative` is taken at
  Activation derivative;
};

struct Matrix {
  const float* data;
  size_t stride;
};

// result[p, c] = gradient[p, c] * scale * (derivative of `of` at, or just) factor[p, c]; a stride of 0 repeats one
// pixel.
struct GradientProduct {
  Matrix gradient;
  Matrix factor{nullptr, 0};
  bool is_derivative = false;
  Activation of{};
  float scale = 1;
};

struct DepthwiseShape {
  MapShape input, output;
  KernelWindow window;
};

// Factors of one AdamW step, as PyTorch defines it.
struct AdamwStep {
  float decay;      // 1 - rate * weight decay
  float step_size;  // rate / (1 - beta1^t)
  float beta1, beta2;
  float correction;  // 1 / sqrt(1 - beta2^t)
  float epsilon;
};

struct TrainKernels {
  const char* name;
  // Columns of a panel; see PackPanels.
  size_t panel;

  // c[rows, columns] = a[rows, depth] * packed[depth, columns], finished.
  void (*multiply)(Matrix a, const float* packed, size_t rows, size_t depth, size_t columns, const Finish& finish,
                   float* c);
  // c[a_columns, b_columns] = a^T b, summed over rows, or with `adds` that more. b_columns is padded, and the stride of
  // c.
  void (*sum_products)(Matrix a, size_t a_columns, Matrix b, size_t b_columns, size_t rows, bool adds, float* c);
  // sums[columns] = the sum of a's rows, or with `adds` that more.
  void (*sum_rows)(Matrix a, size_t rows, size_t columns, bool adds, float* sums);
  // One map; of the Finish, bias and activation. `zeros` is a row of the input or the output, whichever is longer.
  void (*depthwise)(const DepthwiseShape& shape, const float* x, const float* weight, const float* zeros,
                    const Finish& finish, float* y);
  // dx may be null. Adds to weight_gradient [taps, channels].
  void (*depthwise_back)(const DepthwiseShape& shape, const float* x, const float* dy, const float* weight,
                         const float* zeros, const Finish& finish, float* dx, float* weight_gradient);

  void (*activate)(const float* x, size_t floats, const Activation& activation, float* y);
  void (*add)(const float* a, const float* b, size_t floats, float* y);
  void (*scale)(const float* a, Matrix factor, size_t pixels, size_t channels, float* y);
  // y[c] = scale * sum over pixels of a * b; without b, of a.
  void (*sum_pixels)(const float* a, const float* b, size_t pixels, size_t channels, float scale, const Finish& finish,
                     float* y);
  void (*gradient)(const GradientProduct& product, size_t pixels, size_t channels, const Finish& finish, float* dx);
  // The gradient is the sum of `parts` arrays that lie `part_stride` floats apart.
  void (*adamw)(const AdamwStep& step, const float* gradient, size_t parts, size_t part_stride, size_t floats,
                float* weight, float* first, float* second);
};

// "plain" (a reference, slow), "portable", "avx2" or "avx512"; null if this CPU or build lacks it.
const TrainKernels* FindTrainKernels(const char* name);
// The fastest that CANOPY_SIMD allows; with "scalar" those are the plain ones.
const TrainKernels& ChosenTrainKernels();

// Lays out [depth, columns] for `multiply`: panel after panel, row after row. Element (d, c) is w[d * stride + c], or
// with `is_transposed` w[c * stride + d], and zero from column `used` on.
void PackPanels(Matrix w, size_t depth, size_t columns, size_t used, bool is_transposed, size_t panel, float* packed);

// For the few places that handle single floats.
float ApplyActivation(const Activation& activation, float x);
// At the result, except for kHardSwish: at its argument.
float DerivativeOf(const Activation& activation, float y);

}  // namespace canopy

#endif  // CANOPY_NATIVE_TRAIN_KERNELS_H_
