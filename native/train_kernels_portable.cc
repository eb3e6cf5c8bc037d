// For CPUs without AVX2: vectors of four floats, which every compiler maps to what there is.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "train_kernel_sets.h"

namespace canopy {
namespace {

constexpr int kLanes = 4;
constexpr int kTileRows = 6;
constexpr int kTileVecs = 2;

typedef float Vec __attribute__((vector_size(4 * kLanes)));

inline Vec Sqrt(Vec v) {
  for (int i = 0; i < kLanes; i++) v[i] = std::sqrt(v[i]);
  return v;
}

#include "train_kernels_vector.h"
// It builds on the file above.
#include "train_depthwise_vector.h"

constexpr TrainKernels kKernels = {"portable", kTileVecs* kLanes, Multiply, SumProducts, SumRows,
                                   Depthwise,  DepthwiseBack,     Activate, Add,         Scale,
                                   SumPixels,  Gradient,          Adamw};

}  // namespace

const TrainKernels* PortableTrainKernels() { return &kKernels; }

}  // namespace canopy
