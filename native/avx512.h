// The compiler's intrinsics, for files with AVX-512 in them.
#ifndef CANOPY_NATIVE_AVX512_H_
#define CANOPY_NATIVE_AVX512_H_

#include "simd.h"

#ifdef CANOPY_X86
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the intrinsics' undefined operands, which no lane uses, for a mistake.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

#endif  // CANOPY_NATIVE_AVX512_H_
