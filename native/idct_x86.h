// The AVX2 version of the inverse DCT.
#ifndef CANOPY_NATIVE_IDCT_X86_H_
#define CANOPY_NATIVE_IDCT_X86_H_

#include "idct.h"

namespace canopy {

void InverseDctAvx2(BlockPair* blocks, BlockFill fill, uint8_t* samples, size_t stride);

}  // namespace canopy

#endif  // CANOPY_NATIVE_IDCT_X86_H_
