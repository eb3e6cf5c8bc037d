#include "idct.h"

#include "idct_factors.h"
#include "vector128.h"
#include "vector256.h"
#include "vector512.h"

namespace canopy {
namespace {

#ifdef CANOPY_128
#define CANOPY_TARGET CANOPY_128
namespace narrow {
using namespace vector128;
#include "idct_rows.h"
// It builds on the file above.
#include "idct_kernel.h"
}  // namespace narrow
#undef CANOPY_TARGET
#endif

#ifdef CANOPY_X86
#define CANOPY_TARGET CANOPY_AVX2
namespace wide {
using namespace vector256;
#include "idct_rows.h"
// It builds on the file above.
#include "idct_kernel.h"
}  // namespace wide
#undef CANOPY_TARGET

#define CANOPY_TARGET CANOPY_AVX512
namespace widest {
using namespace vector512;
#include "idct_rows_512.h"
// It builds on the file above.
#include "idct_kernel.h"
}  // namespace widest
#undef CANOPY_TARGET
#endif

}  // namespace

InverseDct InverseDctFor(Simd simd) {
#ifdef CANOPY_X86
  if (simd >= Simd::kAvx512) return widest::InverseDctOfQuad;
  if (simd >= Simd::kAvx2) return wide::InverseDctOfQuad;
#endif
#ifdef CANOPY_128
  if (simd >= Simd::k128) return narrow::InverseDctOfQuad;
#endif
  return nullptr;
}

}  // namespace canopy
