// The compiler's intrinsics, for files with AVX-512 in them.
#ifndef CANOPY_NATIVE_AVX512_H_
#define CANOPY_NATIVE_AVX512_H_

#include "simd.h"

#ifdef CANOPY_X86
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns of undefined operands inside the intrinsics, though no lane uses them.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

#endif  // CANOPY_NATIVE_AVX512_H_
