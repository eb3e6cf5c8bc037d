// Registers of 512 bits (AVX-512), in the operations of vector128.h; what they do is written there. Those that no
// kernel of this width needs are left out.
#ifndef CANOPY_NATIVE_VECTOR512_H_
#define CANOPY_NATIVE_VECTOR512_H_

#include <cstddef>
#include <cstdint>

#include "avx512.h"

#ifdef CANOPY_X86

namespace canopy {
namespace vector512 {

constexpr int kBytes = 64;

using Vec = __m512i;
using Masks = __mmask32;

CANOPY_AVX512 inline Vec Zero() { return _mm512_setzero_si512(); }
CANOPY_AVX512 inline Vec Set16(int value) { return _mm512_set1_epi16(static_cast<int16_t>(value)); }
CANOPY_AVX512 inline Vec Set32(int value) { return _mm512_set1_epi32(value); }
CANOPY_AVX512 inline Vec Load(const void* from) { return _mm512_loadu_si512(from); }
CANOPY_AVX512 inline Vec LoadRepeated(const void* from) {
  return _mm512_broadcast_i32x4(_mm_load_si128(static_cast<const __m128i*>(from)));
}
CANOPY_AVX512 inline void Store(Vec v, void* to) { _mm512_storeu_si512(to, v); }
CANOPY_AVX512 inline Vec LoadBytesAs16(const uint8_t* from) {
  return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
CANOPY_AVX512 inline bool IsZero(Vec v) { return _mm512_test_epi32_mask(v, v) == 0; }

CANOPY_AVX512 inline Vec Or(Vec a, Vec b) { return _mm512_or_si512(a, b); }
CANOPY_AVX512 inline Vec Add16(Vec a, Vec b) { return _mm512_add_epi16(a, b); }
CANOPY_AVX512 inline Vec Add32(Vec a, Vec b) { return _mm512_add_epi32(a, b); }
CANOPY_AVX512 inline Vec Sub32(Vec a, Vec b) { return _mm512_sub_epi32(a, b); }
CANOPY_AVX512 inline Vec Multiply16(Vec a, Vec b) { return _mm512_mullo_epi16(a, b); }
CANOPY_AVX512 inline Vec MultiplyUpper16(Vec a, Vec b) { return _mm512_mulhi_epu16(a, b); }
CANOPY_AVX512 inline Vec MultiplyRounded15(Vec a, Vec b) { return _mm512_mulhrs_epi16(a, b); }
CANOPY_AVX512 inline Vec MultiplyPairs(Vec a, Vec b) { return _mm512_madd_epi16(a, b); }
CANOPY_AVX512 inline Vec AddPairs(Vec sums, Vec a, Vec b) { return _mm512_dpwssd_epi32(sums, a, b); }
template <int kBits>
CANOPY_AVX512 inline Vec ShiftLeft16(Vec v) {
  return _mm512_slli_epi16(v, kBits);
}
template <int kBits>
CANOPY_AVX512 inline Vec ShiftRight16(Vec v) {
  return _mm512_srli_epi16(v, kBits);
}
template <int kBits>
CANOPY_AVX512 inline Vec ShiftRightSigned32(Vec v) {
  return _mm512_srai_epi32(v, kBits);
}
CANOPY_AVX512 inline Vec Narrow32(Vec a, Vec b) { return _mm512_packs_epi32(a, b); }
CANOPY_AVX512 inline Vec Narrow16(Vec a, Vec b) { return _mm512_packus_epi16(a, b); }
CANOPY_AVX512 inline Vec Even32(Vec a, Vec b) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), 0x88));
}
CANOPY_AVX512 inline Vec Odd32(Vec a, Vec b) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), 0xDD));
}

CANOPY_AVX512 inline Vec RepeatFirst16(Vec v) { return _mm512_broadcastw_epi16(_mm512_castsi512_si128(v)); }
CANOPY_AVX512 inline Vec Before16(Vec previous, Vec here) {
  return _mm512_alignr_epi8(here, _mm512_alignr_epi64(here, previous, 6), 14);
}
CANOPY_AVX512 inline Vec After16(Vec here, Vec next) {
  return _mm512_alignr_epi8(_mm512_alignr_epi64(next, here, 2), here, 2);
}
CANOPY_AVX512 inline Masks IsEqual16(Vec a, Vec b) { return _mm512_cmpeq_epi16_mask(a, b); }
CANOPY_AVX512 inline Vec Select(Masks where, Vec a, Vec b) { return _mm512_mask_blend_epi16(where, b, a); }

}  // namespace vector512
}  // namespace canopy

#endif  // CANOPY_X86

#endif  // CANOPY_NATIVE_VECTOR512_H_
