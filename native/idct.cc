#include "idct.h"

#include "idct_avx512.h"
#include "idct_factors.h"
#include "vector128.h"
#include "vector256.h"

namespace canopy {
namespace {

#ifdef CANOPY_128
#define CANOPY_TARGET CANOPY_128
namespace narrow {
using namespace vector128;
#include "idct_kernel.h"
}  // namespace narrow
#undef CANOPY_TARGET
#endif

#ifdef CANOPY_X86
#define CANOPY_TARGET CANOPY_AVX2
namespace wide {
using namespace vector256;
#include "idct_kernel.h"
}  // namespace wide
#undef CANOPY_TARGET
#endif

}  // namespace

InverseDct InverseDctFor(Simd simd) {
#ifdef CANOPY_X86
  if (simd >= Simd::kAvx512) return InverseDctAvx512;
  if (simd >= Simd::kAvx2) return wide::InverseDctOfQuad;
#endif
#ifdef CANOPY_128
  if (simd >= Simd::k128) return narrow::InverseDctOfQuad;
#endif
  return nullptr;
}

}  // namespace canopy
