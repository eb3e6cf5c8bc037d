// Registers of 256 bits (AVX2), in the operations of vector128.h; what they do is written there.
#ifndef CANOPY_NATIVE_VECTOR256_H_
#define CANOPY_NATIVE_VECTOR256_H_

#include <cstddef>
#include <cstdint>

#include "simd.h"

#ifdef CANOPY_X86
#include <immintrin.h>

namespace canopy {
namespace vector256 {

constexpr int kBytes = 32;

using Vec = __m256i;
using Masks = __m256i;

CANOPY_AVX2 inline Vec Zero() { return _mm256_setzero_si256(); }
CANOPY_AVX2 inline Vec Set16(int value) { return _mm256_set1_epi16(static_cast<int16_t>(value)); }
CANOPY_AVX2 inline Vec Set32(int value) { return _mm256_set1_epi32(value); }
CANOPY_AVX2 inline Vec Load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }
CANOPY_AVX2 inline Vec LoadRepeated(const void* from) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(static_cast<const __m128i*>(from)));
}
CANOPY_AVX2 inline void Store(Vec v, void* to) { _mm256_storeu_si256(static_cast<__m256i*>(to), v); }
CANOPY_AVX2 inline Vec LoadBytesAs16(const uint8_t* from) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
CANOPY_AVX2 inline void Store16AsBytes(Vec v, uint8_t* to) {
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
}
CANOPY_AVX2 inline void StoreHalves(Vec v, uint8_t* low, uint8_t* high) {
  const __m256i halves = _mm256_permute4x64_epi64(v, 0xD8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(low), _mm256_castsi256_si128(halves));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(high), _mm256_extracti128_si256(halves, 1));
}
CANOPY_AVX2 inline bool IsZero(Vec v) { return _mm256_testz_si256(v, v) != 0; }

CANOPY_AVX2 inline Vec Or(Vec a, Vec b) { return _mm256_or_si256(a, b); }
CANOPY_AVX2 inline Vec Add16(Vec a, Vec b) { return _mm256_add_epi16(a, b); }
CANOPY_AVX2 inline Vec Sub16(Vec a, Vec b) { return _mm256_sub_epi16(a, b); }
CANOPY_AVX2 inline Vec Add32(Vec a, Vec b) { return _mm256_add_epi32(a, b); }
CANOPY_AVX2 inline Vec Sub32(Vec a, Vec b) { return _mm256_sub_epi32(a, b); }
CANOPY_AVX2 inline Vec Multiply16(Vec a, Vec b) { return _mm256_mullo_epi16(a, b); }
CANOPY_AVX2 inline Vec MultiplyUpper16(Vec a, Vec b) { return _mm256_mulhi_epu16(a, b); }
CANOPY_AVX2 inline Vec MultiplyTwiceUpper16(Vec a, Vec b) { return _mm256_mulhi_epi16(_mm256_add_epi16(a, a), b); }
CANOPY_AVX2 inline Vec MultiplyRounded15(Vec a, Vec b) { return _mm256_mulhrs_epi16(a, b); }
CANOPY_AVX2 inline Vec MultiplyPairs(Vec a, Vec b) { return _mm256_madd_epi16(a, b); }
CANOPY_AVX2 inline Vec AddPairs(Vec sums, Vec a, Vec b) { return Add32(sums, MultiplyPairs(a, b)); }
template <int kBits>
CANOPY_AVX2 inline Vec ShiftLeft16(Vec v) {
  return _mm256_slli_epi16(v, kBits);
}
template <int kBits>
CANOPY_AVX2 inline Vec ShiftRight16(Vec v) {
  return _mm256_srli_epi16(v, kBits);
}
template <int kBits>
CANOPY_AVX2 inline Vec ShiftRightSigned16(Vec v) {
  return _mm256_srai_epi16(v, kBits);
}
template <int kBits>
CANOPY_AVX2 inline Vec ShiftRightSigned32(Vec v) {
  return _mm256_srai_epi32(v, kBits);
}
CANOPY_AVX2 inline Vec Narrow32(Vec a, Vec b) { return _mm256_packs_epi32(a, b); }
CANOPY_AVX2 inline Vec Narrow16(Vec a, Vec b) { return _mm256_packus_epi16(a, b); }
CANOPY_AVX2 inline Vec InterleaveLow16(Vec a, Vec b) { return _mm256_unpacklo_epi16(a, b); }
CANOPY_AVX2 inline Vec InterleaveHigh16(Vec a, Vec b) { return _mm256_unpackhi_epi16(a, b); }
CANOPY_AVX2 inline Vec InterleaveLow32(Vec a, Vec b) { return _mm256_unpacklo_epi32(a, b); }
CANOPY_AVX2 inline Vec InterleaveHigh32(Vec a, Vec b) { return _mm256_unpackhi_epi32(a, b); }
CANOPY_AVX2 inline Vec Even32(Vec a, Vec b) {
  return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88));
}
CANOPY_AVX2 inline Vec Odd32(Vec a, Vec b) {
  return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0xDD));
}
CANOPY_AVX2 inline Vec Shuffle(Vec bytes, Vec places) { return _mm256_shuffle_epi8(bytes, places); }

CANOPY_AVX2 inline Vec RepeatFirst16(Vec v) { return _mm256_broadcastw_epi16(_mm256_castsi256_si128(v)); }
CANOPY_AVX2 inline Vec Before16(Vec previous, Vec here) {
  return _mm256_alignr_epi8(here, _mm256_permute2x128_si256(previous, here, 0x21), 14);
}
CANOPY_AVX2 inline Vec After16(Vec here, Vec next) {
  return _mm256_alignr_epi8(_mm256_permute2x128_si256(here, next, 0x21), here, 2);
}
CANOPY_AVX2 inline Masks IsEqual16(Vec a, Vec b) { return _mm256_cmpeq_epi16(a, b); }
CANOPY_AVX2 inline Vec Select(Masks where, Vec a, Vec b) { return _mm256_blendv_epi8(b, a, where); }

}  // namespace vector256
}  // namespace canopy

#endif  // CANOPY_X86

#endif  // CANOPY_NATIVE_VECTOR256_H_
