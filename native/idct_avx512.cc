// The inverse DCT of four blocks at once, one in each 128-bit lane. Products are summed in 32 bits; between the passes
// values are cut to 16, which only coefficients that no picture has would need.
#include "idct_avx512.h"

#include "avx512.h"
#include "idct_factors.h"

#ifdef CANOPY_X86

namespace canopy {
namespace {

// Input of one dimension for half of the lanes of its eight results: pairs of 16 bits, one in each of four lanes per
// block.
struct Pairs {
  __m512i p04;
  __m512i p26;
  __m512i p71;
  __m512i p35;
};

// sums + a * fa + b * fb in 32 bits.
CANOPY_AVX512 inline __m512i MultiplyAdd(__m512i sums, __m512i pairs, int fa, int fb) {
  return _mm512_dpwssd_epi32(sums, pairs, _mm512_set1_epi32(FactorPair(fa, fb)));
}

CANOPY_AVX512 inline __m512i Multiply(__m512i pairs, int fa, int fb) {
  return _mm512_madd_epi16(pairs, _mm512_set1_epi32(FactorPair(fa, fb)));
}

// One dimension, along the registers: eight sums, not divided yet.
CANOPY_AVX512 inline void Transform(const Pairs& in, int rounding, __m512i* sums) {
  const __m512i round = _mm512_set1_epi32(rounding);
  const __m512i c0 = MultiplyAdd(round, in.p04, 8192, 8192);
  const __m512i c1 = MultiplyAdd(round, in.p04, 8192, -8192);
  const __m512i c2 = Multiply(in.p26, k0541, k0541 - k1847);
  const __m512i c3 = Multiply(in.p26, k0541 + k0765, k0541);
  const __m512i e0 = _mm512_add_epi32(c0, c3);
  const __m512i e3 = _mm512_sub_epi32(c0, c3);
  const __m512i e1 = _mm512_add_epi32(c1, c2);
  const __m512i e2 = _mm512_sub_epi32(c1, c2);

  const __m512i p7315 = _mm512_add_epi16(in.p71, in.p35);  // v7 + v3 and v1 + v5
  const __m512i z3 = Multiply(p7315, k1175 - k1961, k1175);
  const __m512i z4 = Multiply(p7315, k1175, k1175 - k0390);
  const __m512i o0 = MultiplyAdd(z4, in.p71, -k0899, k1501 - k0899);
  const __m512i o1 = MultiplyAdd(z3, in.p35, k3072 - k2562, -k2562);
  const __m512i o2 = MultiplyAdd(z4, in.p35, -k2562, k2053 - k2562);
  const __m512i o3 = MultiplyAdd(z3, in.p71, k0298 - k0899, -k0899);

  sums[0] = _mm512_add_epi32(e0, o0);
  sums[7] = _mm512_sub_epi32(e0, o0);
  sums[1] = _mm512_add_epi32(e1, o1);
  sums[6] = _mm512_sub_epi32(e1, o1);
  sums[2] = _mm512_add_epi32(e2, o2);
  sums[5] = _mm512_sub_epi32(e2, o2);
  sums[3] = _mm512_add_epi32(e3, o3);
  sums[4] = _mm512_sub_epi32(e3, o3);
}

CANOPY_AVX512 inline __m512i NarrowFirst(__m512i a, __m512i b) {
  return _mm512_packs_epi32(_mm512_srai_epi32(a, kShiftFirst), _mm512_srai_epi32(b, kShiftFirst));
}

template <int kPick>
CANOPY_AVX512 inline __m512i Pick(__m512i a, __m512i b) {
  return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), kPick));
}

// The first pass for four columns of each block, to two kinds of pairs for rows 0 to 3 and 4 to 7.
CANOPY_AVX512 inline void TransformColumns(const Pairs& in, __m512i* top_first, __m512i* top_second,
                                           __m512i* bottom_first, __m512i* bottom_second) {
  __m512i sums[8];
  Transform(in, kRoundFirst, sums);
  const __m512i r01 = NarrowFirst(sums[0], sums[1]);
  const __m512i r23 = NarrowFirst(sums[2], sums[3]);
  const __m512i r45 = NarrowFirst(sums[4], sums[5]);
  const __m512i r67 = NarrowFirst(sums[6], sums[7]);
  *top_first = Pick<0x88>(r01, r23);
  *top_second = Pick<0xDD>(r01, r23);
  *bottom_first = Pick<0x88>(r45, r67);
  *bottom_second = Pick<0xDD>(r45, r67);
}

// Samples of two columns, interleaved: those of `a` in the low, of `b` in the high 16 bits.
CANOPY_AVX512 inline __m512i NarrowSecond(__m512i a, __m512i b) {
  static_assert(kShiftSecond >= 16, "b's high 16 bits hold all of its sample");
  return _mm512_mask_srai_epi16(_mm512_srai_epi32(a, kShiftSecond), 0xAAAAAAAA, b, kShiftSecond - 16);
}

// For each of the 64 bytes of two rows its place among those of columns 0 to 3 and, 64 further on, 4 to 7.
struct RowPlaces {
  alignas(64) uint8_t of[2][64];
  constexpr RowPlaces() : of{} {
    for (int i = 0; i < 128; i++) {
      const int row = i / 32;
      const int block = i / 8 % 4;
      const int x = i % 8;
      of[i / 64][i % 64] = static_cast<uint8_t>(x / 4 * 64 + block * 16 + x / 2 % 2 * 8 + row * 2 + x % 2);
    }
  }
};
constexpr RowPlaces kRowPlaces;

CANOPY_AVX512 inline void StoreRows(__m512i left, __m512i right, const uint8_t* places, uint8_t* samples,
                                    size_t stride) {
  const __m512i rows = _mm512_permutex2var_epi8(left, _mm512_load_si512(places), right);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(samples), _mm512_castsi512_si256(rows));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(samples + stride), _mm512_extracti64x4_epi64(rows, 1));
}

// The second pass for four rows of each block, to memory.
CANOPY_AVX512 inline void TransformRows(const Pairs& in, uint8_t* samples, size_t stride) {
  __m512i sums[8];
  Transform(in, kRoundSecond, sums);
  const __m512i left = _mm512_packus_epi16(NarrowSecond(sums[0], sums[1]), NarrowSecond(sums[2], sums[3]));
  const __m512i right = _mm512_packus_epi16(NarrowSecond(sums[4], sums[5]), NarrowSecond(sums[6], sums[7]));
  StoreRows(left, right, kRowPlaces.of[0], samples, stride);
  StoreRows(left, right, kRowPlaces.of[1], samples + 2 * stride, stride);
}

CANOPY_AVX512 inline __m512i LoadFactors(const uint16_t* factors) {
  return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(factors)));
}

CANOPY_AVX512 inline __m512i Or(__m512i a, __m512i b, __m512i c) { return _mm512_ternarylogic_epi64(a, b, c, 0xFE); }

}  // namespace

CANOPY_AVX512 bool InverseDctAvx512(BlockQuad* blocks, const BlockQuanta& quanta, uint8_t* samples, size_t stride) {
  __m512i v[8];
  __m512i wild[8];  // zero if all products are within the limit
  for (int i = 0; i < 8; i++) {
    int16_t* const at = blocks->coefficients + 32 * i;
    const __m512i quantised = _mm512_load_si512(at);
    _mm512_store_si512(at, _mm512_setzero_si512());
    v[i] = _mm512_mullo_epi16(quantised, LoadFactors(quanta.factors + 8 * i));
    static_assert(kCoefficientLimit == 4096, "(4 * product) >> 15, rounded");
    wild[i] = _mm512_mulhrs_epi16(quantised, LoadFactors(quanta.quadruples + 8 * i));
  }
  Pairs top;
  Pairs bottom;
  TransformColumns({v[0], v[2], v[4], v[6]}, &top.p04, &top.p26, &bottom.p04, &bottom.p26);
  TransformColumns({v[1], v[3], v[5], v[7]}, &top.p71, &top.p35, &bottom.p71, &bottom.p35);
  TransformRows(top, samples, stride);
  TransformRows(bottom, samples + 4 * stride, stride);
  const __m512i any =
      Or(Or(wild[0], wild[1], wild[2]), Or(wild[3], wild[4], wild[5]), _mm512_or_si512(wild[6], wild[7]));
  return _mm512_test_epi32_mask(any, any) == 0;
}

}  // namespace canopy

#endif  // CANOPY_X86
