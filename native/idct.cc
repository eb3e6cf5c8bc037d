// The inverse DCT for CPUs with AVX2: two blocks at once, one in each 128-bit lane. Products are summed in 32 bits;
// between the passes values are cut to 16, which only coefficients that no picture has would need.
#include "idct.h"

#include "idct_avx512.h"

#ifdef CANOPY_X86
#include <immintrin.h>

#include "idct_factors.h"

namespace canopy {
namespace {

// Input of one dimension for half of the lanes of its eight results: pairs of 16 bits, one in each of four lanes per
// block.
struct Pairs {
  __m256i p04;
  __m256i p26;
  __m256i p71;
  __m256i p35;
};

// a * fa + b * fb in 32 bits.
CANOPY_AVX2 inline __m256i Multiply(__m256i pairs, int fa, int fb) {
  return _mm256_madd_epi16(pairs, _mm256_set1_epi32(FactorPair(fa, fb)));
}

// One dimension, along the registers: eight sums, not divided yet.
CANOPY_AVX2 inline void Transform(const Pairs& in, int rounding, __m256i* sums) {
  const __m256i round = _mm256_set1_epi32(rounding);
  const __m256i c0 = _mm256_add_epi32(Multiply(in.p04, 8192, 8192), round);
  const __m256i c1 = _mm256_add_epi32(Multiply(in.p04, 8192, -8192), round);
  const __m256i c2 = Multiply(in.p26, k0541, k0541 - k1847);
  const __m256i c3 = Multiply(in.p26, k0541 + k0765, k0541);
  const __m256i e0 = _mm256_add_epi32(c0, c3);
  const __m256i e3 = _mm256_sub_epi32(c0, c3);
  const __m256i e1 = _mm256_add_epi32(c1, c2);
  const __m256i e2 = _mm256_sub_epi32(c1, c2);

  const __m256i p7315 = _mm256_add_epi16(in.p71, in.p35);  // v7 + v3 and v1 + v5
  const __m256i z3 = Multiply(p7315, k1175 - k1961, k1175);
  const __m256i z4 = Multiply(p7315, k1175, k1175 - k0390);
  const __m256i o0 = _mm256_add_epi32(z4, Multiply(in.p71, -k0899, k1501 - k0899));
  const __m256i o1 = _mm256_add_epi32(z3, Multiply(in.p35, k3072 - k2562, -k2562));
  const __m256i o2 = _mm256_add_epi32(z4, Multiply(in.p35, -k2562, k2053 - k2562));
  const __m256i o3 = _mm256_add_epi32(z3, Multiply(in.p71, k0298 - k0899, -k0899));

  sums[0] = _mm256_add_epi32(e0, o0);
  sums[7] = _mm256_sub_epi32(e0, o0);
  sums[1] = _mm256_add_epi32(e1, o1);
  sums[6] = _mm256_sub_epi32(e1, o1);
  sums[2] = _mm256_add_epi32(e2, o2);
  sums[5] = _mm256_sub_epi32(e2, o2);
  sums[3] = _mm256_add_epi32(e3, o3);
  sums[4] = _mm256_sub_epi32(e3, o3);
}

template <int kShift>
CANOPY_AVX2 inline __m256i Narrow(__m256i a, __m256i b) {
  return _mm256_packs_epi32(_mm256_srai_epi32(a, kShift), _mm256_srai_epi32(b, kShift));
}

template <int kPick>
CANOPY_AVX2 inline __m256i Pick(__m256i a, __m256i b) {
  return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), kPick));
}

// The first pass for four columns of each block, to two kinds of pairs for rows 0 to 3 and 4 to 7.
CANOPY_AVX2 inline void TransformColumns(const Pairs& in, __m256i* top_first, __m256i* top_second,
                                         __m256i* bottom_first, __m256i* bottom_second) {
  __m256i sums[8];
  Transform(in, kRoundFirst, sums);
  const __m256i r01 = Narrow<kShiftFirst>(sums[0], sums[1]);
  const __m256i r23 = Narrow<kShiftFirst>(sums[2], sums[3]);
  const __m256i r45 = Narrow<kShiftFirst>(sums[4], sums[5]);
  const __m256i r67 = Narrow<kShiftFirst>(sums[6], sums[7]);
  *top_first = Pick<0x88>(r01, r23);
  *top_second = Pick<0xDD>(r01, r23);
  *bottom_first = Pick<0x88>(r45, r67);
  *bottom_second = Pick<0xDD>(r45, r67);
}

// [the first block's row, its next row, the same of the second]
CANOPY_AVX2 inline void StoreRows(__m256i pair, uint8_t* samples, size_t stride) {
  const __m256i rows = _mm256_permute4x64_epi64(pair, 0xD8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(samples), _mm256_castsi256_si128(rows));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(samples + stride), _mm256_extracti128_si256(rows, 1));
}

// The second pass for four rows of each block, to memory.
CANOPY_AVX2 inline void TransformRows(const Pairs& in, uint8_t* samples, size_t stride) {
  const __m256i turn = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9, 13,
                                        2, 6, 10, 14, 3, 7, 11, 15);
  __m256i s[8];
  Transform(in, kRoundSecond, s);
  const __m256i left = _mm256_packus_epi16(Narrow<kShiftSecond>(s[0], s[1]), Narrow<kShiftSecond>(s[2], s[3]));
  const __m256i right = _mm256_packus_epi16(Narrow<kShiftSecond>(s[4], s[5]), Narrow<kShiftSecond>(s[6], s[7]));
  const __m256i left_rows = _mm256_shuffle_epi8(left, turn);
  const __m256i right_rows = _mm256_shuffle_epi8(right, turn);
  StoreRows(_mm256_unpacklo_epi32(left_rows, right_rows), samples, stride);
  StoreRows(_mm256_unpackhi_epi32(left_rows, right_rows), samples + 2 * stride, stride);
}

CANOPY_AVX2 inline __m256i LoadFactors(const uint16_t* factors) {
  return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(factors)));
}

// Two blocks. The result is zero if all products are within the limit.
CANOPY_AVX2 inline __m256i TransformTwo(int16_t* coefficients, const BlockQuanta& quanta, uint8_t* samples,
                                        size_t stride) {
  __m256i v[8];
  __m256i wild = _mm256_setzero_si256();
  for (int i = 0; i < 8; i++) {
    __m256i* const at = reinterpret_cast<__m256i*>(coefficients + 32 * i);
    const __m256i quantised = _mm256_load_si256(at);
    _mm256_store_si256(at, _mm256_setzero_si256());
    v[i] = _mm256_mullo_epi16(quantised, LoadFactors(quanta.factors + 8 * i));
    static_assert(kCoefficientLimit == 4096, "(4 * product) >> 15, rounded");
    wild = _mm256_or_si256(wild, _mm256_mulhrs_epi16(quantised, LoadFactors(quanta.quadruples + 8 * i)));
  }
  Pairs top;
  Pairs bottom;
  TransformColumns({v[0], v[2], v[4], v[6]}, &top.p04, &top.p26, &bottom.p04, &bottom.p26);
  TransformColumns({v[1], v[3], v[5], v[7]}, &top.p71, &top.p35, &bottom.p71, &bottom.p35);
  TransformRows(top, samples, stride);
  TransformRows(bottom, samples + 4 * stride, stride);
  return wild;
}

CANOPY_AVX2 bool InverseDctAvx2(BlockQuad* blocks, const BlockQuanta& quanta, uint8_t* samples, size_t stride) {
  const __m256i left = TransformTwo(blocks->coefficients, quanta, samples, stride);
  const __m256i right = TransformTwo(blocks->coefficients + 16, quanta, samples + 16, stride);
  const __m256i wild = _mm256_or_si256(left, right);
  return _mm256_testz_si256(wild, wild) != 0;
}

}  // namespace

InverseDct InverseDctFor(Simd simd) {
  if (simd >= Simd::kAvx512) return InverseDctAvx512;
  return simd >= Simd::kAvx2 ? InverseDctAvx2 : nullptr;
}

}  // namespace canopy

#else

namespace canopy {

InverseDct InverseDctFor(Simd) { return nullptr; }

}  // namespace canopy

#endif  // CANOPY_X86
