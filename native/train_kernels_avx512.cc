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
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace canopy {
namespace {

constexpr int kLanes = 16;
constexpr int kTileRows = 12;
constexpr int kTileVecs = 2;

typedef float Vec __attribute__((vector_size(4 * kLanes)));

inline Vec Sqrt(Vec v) { return reinterpret_cast<Vec>(_mm512_maskz_sqrt_ps(0xFFFF, reinterpret_cast<__m512>(v))); }

#include "train_kernels_vector.h"
// It builds on the file above.
#include "train_depthwise_vector.h"

constexpr TrainKernels kKernels = {"avx512",  kTileVecs* kLanes, Multiply, SumProducts, SumRows,
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

const TrainKernels* Avx512TrainKernels() {
  static const bool kHasAll = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                              __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return kHasAll ? &kKernels : nullptr;
}

}  // namespace canopy

#else

namespace canopy {

const TrainKernels* Avx512TrainKernels() { return nullptr; }

}  // namespace canopy

#endif
