// Registers of 128 bits, in the operations that kernels need: SSE4.1 on x86, NEON on ARM. A kernel that is written with
// them is included once for each width: see idct.cc.
#ifndef CANOPY_NATIVE_VECTOR128_H_
#define CANOPY_NATIVE_VECTOR128_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simd.h"

#ifdef CANOPY_X86
#include <immintrin.h>
#elif defined(CANOPY_NEON)
#include <arm_neon.h>
#endif

#if defined(CANOPY_X86) || defined(CANOPY_NEON)

namespace canopy {
namespace vector128 {

// Numbers in names are the bits of the lanes they work on. What pairs, interleaves or shuffles does so within each 128
// bits.
constexpr int kBytes = 16;

#ifdef CANOPY_X86

using Vec = __m128i;
using Masks = __m128i;

CANOPY_128 inline Vec Zero() { return _mm_setzero_si128(); }
CANOPY_128 inline Vec Set16(int value) { return _mm_set1_epi16(static_cast<int16_t>(value)); }
CANOPY_128 inline Vec Set32(int value) { return _mm_set1_epi32(value); }
CANOPY_128 inline Vec Load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
// 128 bits, at an address that is a multiple of 16, again and again.
CANOPY_128 inline Vec LoadRepeated(const void* from) { return _mm_load_si128(static_cast<const __m128i*>(from)); }
CANOPY_128 inline void Store(Vec v, void* to) { _mm_storeu_si128(static_cast<__m128i*>(to), v); }
CANOPY_128 inline Vec LoadBytesAs16(const uint8_t* from) {
  return _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
}
// Lanes of 16 bits, held within 0 to 255.
CANOPY_128 inline void Store16AsBytes(Vec v, uint8_t* to) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(v, v));
}
// The low half of each 128 bits to `low`, the high half to `high`.
CANOPY_128 inline void StoreHalves(Vec v, uint8_t* low, uint8_t* high) {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(low), v);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(high), _mm_unpackhi_epi64(v, v));
}
CANOPY_128 inline bool IsZero(Vec v) { return _mm_testz_si128(v, v) != 0; }

CANOPY_128 inline Vec Or(Vec a, Vec b) { return _mm_or_si128(a, b); }
CANOPY_128 inline Vec Add16(Vec a, Vec b) { return _mm_add_epi16(a, b); }
CANOPY_128 inline Vec Sub16(Vec a, Vec b) { return _mm_sub_epi16(a, b); }
CANOPY_128 inline Vec Add32(Vec a, Vec b) { return _mm_add_epi32(a, b); }
CANOPY_128 inline Vec Sub32(Vec a, Vec b) { return _mm_sub_epi32(a, b); }
CANOPY_128 inline Vec Multiply16(Vec a, Vec b) { return _mm_mullo_epi16(a, b); }
// Of the product: its upper half, unsigned.
CANOPY_128 inline Vec MultiplyUpper16(Vec a, Vec b) { return _mm_mulhi_epu16(a, b); }
// (2 * a * b) >> 16, where 2 * a fits
CANOPY_128 inline Vec MultiplyTwiceUpper16(Vec a, Vec b) { return _mm_mulhi_epi16(_mm_add_epi16(a, a), b); }
// (a * b + 2^14) >> 15
CANOPY_128 inline Vec MultiplyRounded15(Vec a, Vec b) { return _mm_mulhrs_epi16(a, b); }
// The products of 16 bits, summed in pairs to 32.
CANOPY_128 inline Vec MultiplyPairs(Vec a, Vec b) { return _mm_madd_epi16(a, b); }
CANOPY_128 inline Vec AddPairs(Vec sums, Vec a, Vec b) { return Add32(sums, MultiplyPairs(a, b)); }
template <int kBits>
CANOPY_128 inline Vec ShiftLeft16(Vec v) {
  return _mm_slli_epi16(v, kBits);
}
template <int kBits>
CANOPY_128 inline Vec ShiftRight16(Vec v) {
  return _mm_srli_epi16(v, kBits);
}
template <int kBits>
CANOPY_128 inline Vec ShiftRightSigned16(Vec v) {
  return _mm_srai_epi16(v, kBits);
}
template <int kBits>
CANOPY_128 inline Vec ShiftRightSigned32(Vec v) {
  return _mm_srai_epi32(v, kBits);
}
// Lanes of `a`, then of `b`, saturated to half their bits: 32 to signed 16, 16 to unsigned 8.
CANOPY_128 inline Vec Narrow32(Vec a, Vec b) { return _mm_packs_epi32(a, b); }
CANOPY_128 inline Vec Narrow16(Vec a, Vec b) { return _mm_packus_epi16(a, b); }
CANOPY_128 inline Vec InterleaveLow16(Vec a, Vec b) { return _mm_unpacklo_epi16(a, b); }
CANOPY_128 inline Vec InterleaveHigh16(Vec a, Vec b) { return _mm_unpackhi_epi16(a, b); }
CANOPY_128 inline Vec InterleaveLow32(Vec a, Vec b) { return _mm_unpacklo_epi32(a, b); }
CANOPY_128 inline Vec InterleaveHigh32(Vec a, Vec b) { return _mm_unpackhi_epi32(a, b); }
// The lanes with even numbers, of `a`, then of `b`; and the others.
CANOPY_128 inline Vec Even32(Vec a, Vec b) {
  return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), 0x88));
}
CANOPY_128 inline Vec Odd32(Vec a, Vec b) {
  return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), 0xDD));
}
// The bytes at `places`; 0 where a place has its highest bit set.
CANOPY_128 inline Vec Shuffle(Vec bytes, Vec places) { return _mm_shuffle_epi8(bytes, places); }

CANOPY_128 inline Vec RepeatFirst16(Vec v) { return _mm_shuffle_epi8(v, _mm_set1_epi16(0x0100)); }
// Each lane's neighbour on the left, and on the right, across the register.
CANOPY_128 inline Vec Before16(Vec previous, Vec here) { return _mm_alignr_epi8(here, previous, 14); }
CANOPY_128 inline Vec After16(Vec here, Vec next) { return _mm_alignr_epi8(next, here, 2); }
CANOPY_128 inline Masks IsEqual16(Vec a, Vec b) { return _mm_cmpeq_epi16(a, b); }
CANOPY_128 inline Vec Select(Masks where, Vec a, Vec b) { return _mm_blendv_epi8(b, a, where); }

// 16 pixels, r0 g0 b0 r1 ...
CANOPY_128 inline void StoreRgb(Vec r, Vec g, Vec b, uint8_t* out) {
  const __m128i r0 = _mm_setr_epi8(0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5);
  const __m128i g0 = _mm_setr_epi8(-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1);
  const __m128i b0 = _mm_setr_epi8(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1);
  const __m128i r1 = _mm_setr_epi8(-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1);
  const __m128i g1 = _mm_setr_epi8(5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10);
  const __m128i b1 = _mm_setr_epi8(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1);
  const __m128i r2 = _mm_setr_epi8(-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1);
  const __m128i g2 = _mm_setr_epi8(-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1);
  const __m128i b2 = _mm_setr_epi8(10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15);
  Store(Or(Or(Shuffle(r, r0), Shuffle(g, g0)), Shuffle(b, b0)), out);
  Store(Or(Or(Shuffle(r, r1), Shuffle(g, g1)), Shuffle(b, b1)), out + 16);
  Store(Or(Or(Shuffle(r, r2), Shuffle(g, g2)), Shuffle(b, b2)), out + 32);
}
// The same read.
CANOPY_128 inline void LoadRgb(const uint8_t* from, Vec* r, Vec* g, Vec* b) {
  const __m128i ra = _mm_setr_epi8(0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i rb = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14, -1, -1, -1, -1, -1);
  const __m128i rc = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 4, 7, 10, 13);
  const __m128i ga = _mm_setr_epi8(1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i gb = _mm_setr_epi8(-1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15, -1, -1, -1, -1, -1);
  const __m128i gc = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 2, 5, 8, 11, 14);
  const __m128i ba = _mm_setr_epi8(2, 5, 8, 11, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i bb = _mm_setr_epi8(-1, -1, -1, -1, -1, 1, 4, 7, 10, 13, -1, -1, -1, -1, -1, -1);
  const __m128i bc = _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 3, 6, 9, 12, 15);
  const Vec first = Load(from);
  const Vec second = Load(from + 16);
  const Vec third = Load(from + 32);
  *r = Or(Or(Shuffle(first, ra), Shuffle(second, rb)), Shuffle(third, rc));
  *g = Or(Or(Shuffle(first, ga), Shuffle(second, gb)), Shuffle(third, gc));
  *b = Or(Or(Shuffle(first, ba), Shuffle(second, bb)), Shuffle(third, bc));
}

#else  // NEON

using Vec = int32x4_t;
using Masks = uint16x8_t;

inline int16x8_t Signed16(Vec v) { return vreinterpretq_s16_s32(v); }
inline uint16x8_t Unsigned16(Vec v) { return vreinterpretq_u16_s32(v); }
inline uint8x16_t BytesOf(Vec v) { return vreinterpretq_u8_s32(v); }
inline Vec From(int16x8_t v) { return vreinterpretq_s32_s16(v); }
inline Vec From(uint16x8_t v) { return vreinterpretq_s32_u16(v); }
inline Vec From(uint8x16_t v) { return vreinterpretq_s32_u8(v); }

inline Vec Zero() { return vdupq_n_s32(0); }
inline Vec Set16(int value) { return From(vdupq_n_s16(static_cast<int16_t>(value))); }
inline Vec Set32(int value) { return vdupq_n_s32(value); }
inline Vec Load(const void* from) { return From(vld1q_u8(static_cast<const uint8_t*>(from))); }
inline Vec LoadRepeated(const void* from) { return Load(from); }
inline void Store(Vec v, void* to) { vst1q_u8(static_cast<uint8_t*>(to), BytesOf(v)); }
inline Vec LoadBytesAs16(const uint8_t* from) { return From(vmovl_u8(vld1_u8(from))); }
inline void Store16AsBytes(Vec v, uint8_t* to) { vst1_u8(to, vqmovun_s16(Signed16(v))); }
inline void StoreHalves(Vec v, uint8_t* low, uint8_t* high) {
  vst1_u8(low, vget_low_u8(BytesOf(v)));
  vst1_u8(high, vget_high_u8(BytesOf(v)));
}
inline bool IsZero(Vec v) { return vmaxvq_u32(vreinterpretq_u32_s32(v)) == 0; }

inline Vec Or(Vec a, Vec b) { return vorrq_s32(a, b); }
inline Vec Add16(Vec a, Vec b) { return From(vaddq_s16(Signed16(a), Signed16(b))); }
inline Vec Sub16(Vec a, Vec b) { return From(vsubq_s16(Signed16(a), Signed16(b))); }
inline Vec Add32(Vec a, Vec b) { return vaddq_s32(a, b); }
inline Vec Sub32(Vec a, Vec b) { return vsubq_s32(a, b); }
inline Vec Multiply16(Vec a, Vec b) { return From(vmulq_s16(Signed16(a), Signed16(b))); }
inline Vec MultiplyUpper16(Vec a, Vec b) {
  const uint32x4_t low = vmull_u16(vget_low_u16(Unsigned16(a)), vget_low_u16(Unsigned16(b)));
  const uint32x4_t high = vmull_high_u16(Unsigned16(a), Unsigned16(b));
  return From(vuzp2q_u16(vreinterpretq_u16_u32(low), vreinterpretq_u16_u32(high)));
}
inline Vec MultiplyTwiceUpper16(Vec a, Vec b) { return From(vqdmulhq_s16(Signed16(a), Signed16(b))); }
inline Vec MultiplyRounded15(Vec a, Vec b) { return From(vqrdmulhq_s16(Signed16(a), Signed16(b))); }
inline Vec MultiplyPairs(Vec a, Vec b) {
  const int32x4_t low = vmull_s16(vget_low_s16(Signed16(a)), vget_low_s16(Signed16(b)));
  return vpaddq_s32(low, vmull_high_s16(Signed16(a), Signed16(b)));
}
inline Vec AddPairs(Vec sums, Vec a, Vec b) { return Add32(sums, MultiplyPairs(a, b)); }
template <int kBits>
inline Vec ShiftLeft16(Vec v) {
  return From(vshlq_n_s16(Signed16(v), kBits));
}
template <int kBits>
inline Vec ShiftRight16(Vec v) {
  return From(vshrq_n_u16(Unsigned16(v), kBits));
}
template <int kBits>
inline Vec ShiftRightSigned16(Vec v) {
  return From(vshrq_n_s16(Signed16(v), kBits));
}
template <int kBits>
inline Vec ShiftRightSigned32(Vec v) {
  return vshrq_n_s32(v, kBits);
}
inline Vec Narrow32(Vec a, Vec b) { return From(vqmovn_high_s32(vqmovn_s32(a), b)); }
inline Vec Narrow16(Vec a, Vec b) { return From(vqmovun_high_s16(vqmovun_s16(Signed16(a)), Signed16(b))); }
inline Vec InterleaveLow16(Vec a, Vec b) { return From(vzip1q_s16(Signed16(a), Signed16(b))); }
inline Vec InterleaveHigh16(Vec a, Vec b) { return From(vzip2q_s16(Signed16(a), Signed16(b))); }
inline Vec InterleaveLow32(Vec a, Vec b) { return vzip1q_s32(a, b); }
inline Vec InterleaveHigh32(Vec a, Vec b) { return vzip2q_s32(a, b); }
inline Vec Even32(Vec a, Vec b) { return vuzp1q_s32(a, b); }
inline Vec Odd32(Vec a, Vec b) { return vuzp2q_s32(a, b); }
inline Vec Shuffle(Vec bytes, Vec places) { return From(vqtbl1q_u8(BytesOf(bytes), BytesOf(places))); }

inline Vec RepeatFirst16(Vec v) { return From(vdupq_laneq_s16(Signed16(v), 0)); }
inline Vec Before16(Vec previous, Vec here) { return From(vextq_u8(BytesOf(previous), BytesOf(here), 14)); }
inline Vec After16(Vec here, Vec next) { return From(vextq_u8(BytesOf(here), BytesOf(next), 2)); }
inline Masks IsEqual16(Vec a, Vec b) { return vceqq_s16(Signed16(a), Signed16(b)); }
inline Vec Select(Masks where, Vec a, Vec b) { return From(vbslq_s16(where, Signed16(a), Signed16(b))); }

inline void StoreRgb(Vec r, Vec g, Vec b, uint8_t* out) { vst3q_u8(out, {{BytesOf(r), BytesOf(g), BytesOf(b)}}); }
inline void LoadRgb(const uint8_t* from, Vec* r, Vec* g, Vec* b) {
  const uint8x16x3_t rgb = vld3q_u8(from);
  *r = From(rgb.val[0]);
  *g = From(rgb.val[1]);
  *b = From(rgb.val[2]);
}

#endif

// Of the 16 pixels only the first ones, if there are less.
CANOPY_128 inline void StoreRgb(Vec r, Vec g, Vec b, int pixels, uint8_t* out) {
  if (pixels >= 16) return StoreRgb(r, g, b, out);
  uint8_t last[48];
  StoreRgb(r, g, b, last);
  std::memcpy(out, last, static_cast<size_t>(pixels) * 3);
}

}  // namespace vector128
}  // namespace canopy

#endif  // CANOPY_X86 || CANOPY_NEON

#endif  // CANOPY_NATIVE_VECTOR128_H_
