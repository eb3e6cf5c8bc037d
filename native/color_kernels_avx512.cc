// YCbCr to RGB for AVX-512, 64 samples at a time. Not color_kernel.h: one permutation of two registers looks up what 64
// chroma samples add, where narrower registers have to multiply.
#include "avx512.h"
#include "color_factors.h"
#include "color_kernels.h"

#ifdef CANOPY_X86

namespace canopy {

namespace {

// What a chroma sample below 128 subtracts from R or B, and what one from 128 on adds: both fit a byte.
struct ShiftTable {
  alignas(64) uint8_t below[128];
  alignas(64) uint8_t from[128];
  explicit constexpr ShiftTable(int factor) : below{}, from{} {
    for (int i = 0; i < 128; i++) {
      below[i] = static_cast<uint8_t>(-((factor * (i - 128) + kHalf) >> 16));
      from[i] = static_cast<uint8_t>((factor * i + kHalf) >> 16);
    }
  }
};
constexpr ShiftTable kRed(kCrToR);
constexpr ShiftTable kBlue(kCbToB);

struct Shift {
  __m512i below[2];
  __m512i from[2];

  explicit CANOPY_AVX512 Shift(const ShiftTable& table)
      : below{_mm512_load_si512(table.below), _mm512_load_si512(table.below + 64)},
        from{_mm512_load_si512(table.from), _mm512_load_si512(table.from + 64)} {}

  CANOPY_AVX512 __m512i Apply(__m512i light, __m512i chroma) const {
    const __m512i less = _mm512_subs_epu8(light, _mm512_permutex2var_epi8(below[0], chroma, below[1]));
    const __m512i more = _mm512_permutex2var_epi8(from[0], chroma, from[1]);
    return _mm512_mask_adds_epu8(less, _mm512_movepi8_mask(chroma), light, more);
  }
};

// Factors of G, halved to fit, and their bytes.
static_assert(kCbToG % 2 == 0 && kCrToG % 2 == 0, "");
constexpr int kHalfCbToG = kCbToG / 2;
constexpr int kHalfCrToG = kCrToG / 2;

constexpr int16_t BytePair(int first, int second) { return static_cast<int16_t>(second << 8 | first); }

// What to add to Y for G, for 32 interleaved pairs of blue and red: (2^14 - factors * pair) >> 15, in 16 bits. Of the
// products with the factors' lower bytes only the carry is used.
CANOPY_AVX512 inline __m512i GreenShift(__m512i pairs) {
  const __m512i upper = _mm512_maddubs_epi16(_mm512_set1_epi16(BytePair(kHalfCbToG >> 8, kHalfCrToG >> 8)), pairs);
  const __m512i lower = _mm512_maddubs_epi16(_mm512_set1_epi16(BytePair(kHalfCbToG & 255, kHalfCrToG & 255)), pairs);
  const __m512i carry = _mm512_srai_epi16(_mm512_sub_epi16(_mm512_set1_epi16(1 << 14), lower), 8);
  return _mm512_srai_epi16(_mm512_sub_epi16(carry, upper), 7);
}

CANOPY_AVX512 inline __m512i Green(__m512i light, __m512i cb, __m512i cr) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i center = _mm512_set1_epi8(-128);
  const __m512i blue = _mm512_xor_si512(cb, center);
  const __m512i red = _mm512_xor_si512(cr, center);
  const __m512i low = GreenShift(_mm512_unpacklo_epi8(blue, red));
  const __m512i high = GreenShift(_mm512_unpackhi_epi8(blue, red));
  return _mm512_packus_epi16(_mm512_add_epi16(low, _mm512_unpacklo_epi8(light, zero)),
                             _mm512_add_epi16(high, _mm512_unpackhi_epi8(light, zero)));
}

}  // namespace

CANOPY_AVX512 void YccToRgbAvx512(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int width, uint8_t* r,
                                  uint8_t* g, uint8_t* b) {
  const Shift shift_r(kRed);
  const Shift shift_b(kBlue);
  for (int x = 0; x < width; x += 64) {
    const __mmask64 there = width - x >= 64 ? ~uint64_t{0} : (uint64_t{1} << (width - x)) - 1;
    const __m512i light = _mm512_maskz_loadu_epi8(there, y + x);
    const __m512i blue = _mm512_maskz_loadu_epi8(there, cb + x);
    const __m512i red = _mm512_maskz_loadu_epi8(there, cr + x);
    _mm512_mask_storeu_epi8(r + x, there, shift_r.Apply(light, red));
    _mm512_mask_storeu_epi8(g + x, there, Green(light, blue, red));
    _mm512_mask_storeu_epi8(b + x, there, shift_b.Apply(light, blue));
  }
}

}  // namespace canopy

#endif  // CANOPY_X86
