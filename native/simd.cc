#include "simd.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace canopy {
namespace {

constexpr Simd kAll[] = {Simd::kScalar, Simd::k128, Simd::kAvx2, Simd::kAvx512};

#ifdef CANOPY_X86
// The compiler's runtime also asks whether the operating system keeps the registers.
bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool HasAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
         __builtin_cpu_supports("avx512vnni");
}
#endif

Simd BestOfCpu() {
#ifdef CANOPY_X86
  __builtin_cpu_init();
  if (HasAvx2()) return HasAvx512() ? Simd::kAvx512 : Simd::kAvx2;
  if (__builtin_cpu_supports("sse4.1")) return Simd::k128;
#elif defined(CANOPY_NEON)
  return Simd::k128;  // every ARM processor of 64 bits has it
#endif
  return Simd::kScalar;
}

Simd Choose() {
  const Simd best = BestOfCpu();
  const char* wanted = std::getenv("CANOPY_SIMD");
  for (Simd simd : kAll) {
    if (wanted != nullptr && std::strcmp(wanted, SimdName(simd)) == 0) return std::min(simd, best);
  }
  return best;
}

}  // namespace

Simd ActiveSimd() {
  static const Simd simd = Choose();
  return simd;
}

const char* SimdName(Simd simd) {
  switch (simd) {
    case Simd::kAvx512:
      return "avx512";
    case Simd::kAvx2:
      return "avx2";
    case Simd::k128:
#ifdef CANOPY_NEON
      return "neon";
#else
      return "sse4";
#endif
    case Simd::kScalar:
      break;
  }
  return "scalar";
}

}  // namespace canopy
