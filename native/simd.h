// Which instruction set the kernels use: decided once per process.
#ifndef CANOPY_NATIVE_SIMD_H_
#define CANOPY_NATIVE_SIMD_H_

#if defined(__x86_64__) || defined(__i386__)
#define CANOPY_X86 1
#define CANOPY_SSE4 __attribute__((target("sse4.1")))
#define CANOPY_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#else
#define CANOPY_AVX2
#endif

namespace canopy {

enum class Simd { kScalar, kSse4, kAvx2 };

// The best this CPU has, or a lesser one where the environment variable CANOPY_SIMD names it.
Simd ActiveSimd();
const char* SimdName(Simd simd);

}  // namespace canopy

#endif  // CANOPY_NATIVE_SIMD_H_
