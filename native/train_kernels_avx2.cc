#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "simd.h"
#include "train_kernel_sets.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace canopy {
namespace {

constexpr int kLanes = 8;
constexpr int kTileRows = 6;
constexpr int kTileVecs = 2;

typedef float Vec __attribute__((vector_size(4 * kLanes)));

inline Vec Sqrt(Vec v) { return reinterpret_cast<Vec>(_mm256_sqrt_ps(reinterpret_cast<__m256>(v))); }

#include "train_kernels_vector.h"
// It builds on the file above.
#include "train_depthwise_vector.h"

constexpr TrainKernels kKernels = {"avx2",    kTileVecs* kLanes, Multiply, SumProducts, SumRows,
                                   Depthwise, DepthwiseBack,     Activate, Add,         Scale,
                                   SumPixels, Gradient,          Adamw};

}  // namespace

}  // namespace canopy

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace canopy {

const TrainKernels* Avx2TrainKernels() {
  static const bool kHasAll = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return kHasAll ? &kKernels : nullptr;
}

}  // namespace canopy

#else

namespace canopy {

const TrainKernels* Avx2TrainKernels() { return nullptr; }

}  // namespace canopy

#endif
