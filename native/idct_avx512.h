// The inverse DCT for CPUs with AVX-512; see idct.h.
#ifndef CANOPY_NATIVE_IDCT_AVX512_H_
#define CANOPY_NATIVE_IDCT_AVX512_H_

#include "idct.h"

#ifdef CANOPY_X86

namespace canopy {

CANOPY_AVX512 bool InverseDctAvx512(BlockQuad* blocks, const BlockQuanta& quanta, uint8_t* samples, size_t stride);

}  // namespace canopy

#endif  // CANOPY_X86

#endif  // CANOPY_NATIVE_IDCT_AVX512_H_
