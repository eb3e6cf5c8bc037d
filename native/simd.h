// Which instruction set the kernels use: decided once per process.
#ifndef CANOPY_NATIVE_SIMD_H_
#define CANOPY_NATIVE_SIMD_H_

#if defined(__x86_64__) || defined(__i386__)
#define CANOPY_X86 1
#define CANOPY_128 __attribute__((target("sse4.1")))
#define CANOPY_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define CANOPY_AVX512 \
  __attribute__((target("avx2,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vnni")))
#elif defined(__aarch64__)
#define CANOPY_NEON 1
#define CANOPY_128
#define CANOPY_AVX2
#else
#define CANOPY_AVX2
#endif

namespace canopy {

// Each includes those before it. k128 is SSE4.1 on x86, NEON on ARM. kAvx512 is that of Intel's Ice Lake and AMD's Zen
// 4: F, BW, DQ, VL, VBMI, VBMI2, VNNI.
enum class Simd { kScalar, k128, kAvx2, kAvx512 };

// The best this CPU has, or a lower one if the environment variable CANOPY_SIMD names it.
Simd ActiveSimd();
const char* SimdName(Simd simd);

}  // namespace canopy

#endif  // CANOPY_NATIVE_SIMD_H_
