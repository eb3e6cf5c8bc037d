// The trainer's kernels, once for each instruction set: train_kernels_vector.h for vectors of kLanes floats. Matrix
// products keep kTileRows by kTileVecs vectors of sums in registers.
#include "train_kernel_sets.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Functions between these two are compiled for the CPUs of `names`, with all that they instantiate.
#define CANOPY_PRAGMA(words) _Pragma(#words)
#if defined(__clang__)
#define CANOPY_BEGIN(names) CANOPY_PRAGMA(clang attribute push(__attribute__((target(names))), apply_to = function))
#define CANOPY_END CANOPY_PRAGMA(clang attribute pop)
#else
#pragma GCC diagnostic ignored "-Wpsabi"
#define CANOPY_BEGIN(names) CANOPY_PRAGMA(GCC push_options) CANOPY_PRAGMA(GCC target(names))
#define CANOPY_END CANOPY_PRAGMA(GCC pop_options)
#endif

namespace canopy {
namespace {

// For CPUs without AVX2: every compiler maps four floats to what there is.
namespace portable {
constexpr char kName[] = "portable";
constexpr int kLanes = 4;
constexpr int kTileRows = 6;
constexpr int kTileVecs = 2;
typedef float Vec __attribute__((vector_size(4 * kLanes)));
inline Vec Sqrt(Vec v) {
  for (int i = 0; i < kLanes; i++) v[i] = std::sqrt(v[i]);
  return v;
}
#include "train_kernels_vector.h"
}  // namespace portable

#if defined(__x86_64__)

CANOPY_BEGIN("avx2,fma")
namespace avx2 {
constexpr char kName[] = "avx2";
constexpr int kLanes = 8;
constexpr int kTileRows = 6;
constexpr int kTileVecs = 2;
typedef float Vec __attribute__((vector_size(4 * kLanes)));
inline Vec Sqrt(Vec v) { return reinterpret_cast<Vec>(_mm256_sqrt_ps(reinterpret_cast<__m256>(v))); }
#include "train_kernels_vector.h"
}  // namespace avx2
CANOPY_END

CANOPY_BEGIN("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
namespace avx512 {
constexpr char kName[] = "avx512";
constexpr int kLanes = 16;
constexpr int kTileRows = 12;
constexpr int kTileVecs = 2;
typedef float Vec __attribute__((vector_size(4 * kLanes)));
inline Vec Sqrt(Vec v) { return reinterpret_cast<Vec>(_mm512_maskz_sqrt_ps(0xFFFF, reinterpret_cast<__m512>(v))); }
#include "train_kernels_vector.h"
}  // namespace avx512
CANOPY_END

#endif

}  // namespace

const TrainKernels* PortableTrainKernels() { return &portable::kKernels; }

const TrainKernels* Avx2TrainKernels() {
#if defined(__x86_64__)
  static const bool kHasAll = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (kHasAll) return &avx2::kKernels;
#endif
  return nullptr;
}

const TrainKernels* Avx512TrainKernels() {
#if defined(__x86_64__)
  static const bool kHasAll = Avx2TrainKernels() != nullptr && __builtin_cpu_supports("avx512f") &&
                              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                              __builtin_cpu_supports("avx512vl");
  if (kHasAll) return &avx512::kKernels;
#endif
  return nullptr;
}

}  // namespace canopy
