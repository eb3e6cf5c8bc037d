// The inverse DCT of two blocks at once, one in each 128-bit lane. Products are summed in 32 bits; between the passes
// values are cut to 16, which only coefficients that no picture has would need.
#include "idct.h"

#include "simd.h"

#ifdef CANOPY_X86
#include <immintrin.h>

namespace canopy {
namespace {

// Factors of the transform in Q13, as pairs for multiply-and-add.
constexpr int Q13(double factor) { return static_cast<int>(factor * 8192 + (factor < 0 ? -0.5 : 0.5)); }
constexpr int k0298 = Q13(0.298631336), k0390 = Q13(0.390180644), k0541 = Q13(0.541196100), k0765 = Q13(0.765366865),
              k0899 = Q13(0.899976223), k1175 = Q13(1.175875602), k1501 = Q13(1.501321110), k1847 = Q13(1.847759065),
              k1961 = Q13(1.961570560), k2053 = Q13(2.053119869), k2562 = Q13(2.562915447), k3072 = Q13(3.072711026);

constexpr int kCenter = 128;

// 16 sums of products a * fa + b * fb in 32 bits.
struct Wide {
  __m256i low;
  __m256i high;
};

CANOPY_AVX2 inline Wide MultiplyAdd(Wide pairs, int fa, int fb) {
  const __m256i factors = _mm256_set1_epi32(static_cast<int>((static_cast<uint32_t>(fb) << 16) | (fa & 0xFFFF)));
  return {_mm256_madd_epi16(pairs.low, factors), _mm256_madd_epi16(pairs.high, factors)};
}

CANOPY_AVX2 inline Wide Pairs(__m256i a, __m256i b) {
  return {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

CANOPY_AVX2 inline Wide Add(Wide a, Wide b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

CANOPY_AVX2 inline Wide Subtract(Wide a, Wide b) {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

template <int kShift>
CANOPY_AVX2 inline __m256i Narrow(Wide sums) {
  return _mm256_packs_epi32(_mm256_srai_epi32(sums.low, kShift), _mm256_srai_epi32(sums.high, kShift));
}

template <int kShift>
CANOPY_AVX2 inline void Butterfly(Wide even, Wide odd, __m256i* plus, __m256i* minus) {
  *plus = Narrow<kShift>(Add(even, odd));
  *minus = Narrow<kShift>(Subtract(even, odd));
}

// One dimension, along the registers, with kOffset added. With kHalf the last four are zero, and not read.
template <int kShift, int kOffset, bool kHalf>
CANOPY_AVX2 inline void Transform(__m256i* v) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i rounding = _mm256_set1_epi32((1 << (kShift - 1)) + (kOffset << kShift));
  const __m256i v4 = kHalf ? zero : v[4];
  const __m256i v5 = kHalf ? zero : v[5];
  const __m256i v6 = kHalf ? zero : v[6];
  const __m256i v7 = kHalf ? zero : v[7];

  const Wide p26 = Pairs(v[2], v6);
  const Wide c2 = MultiplyAdd(p26, k0541, k0541 - k1847);
  const Wide c3 = MultiplyAdd(p26, k0541 + k0765, k0541);
  const Wide p04 = Pairs(v[0], v4);
  const Wide round{rounding, rounding};
  const Wide c0 = Add(MultiplyAdd(p04, 8192, 8192), round);
  const Wide c1 = kHalf ? c0 : Add(MultiplyAdd(p04, 8192, -8192), round);

  const Wide p34 = Pairs(_mm256_add_epi16(v7, v[3]), _mm256_add_epi16(v5, v[1]));
  const Wide z3 = MultiplyAdd(p34, k1175 - k1961, k1175);
  const Wide z4 = MultiplyAdd(p34, k1175, k1175 - k0390);
  const Wide p71 = Pairs(v7, v[1]);
  const Wide p53 = Pairs(v5, v[3]);
  const Wide o0 = Add(MultiplyAdd(p71, -k0899, k1501 - k0899), z4);
  const Wide o1 = Add(MultiplyAdd(p53, -k2562, k3072 - k2562), z3);
  const Wide o2 = Add(MultiplyAdd(p53, k2053 - k2562, -k2562), z4);
  const Wide o3 = Add(MultiplyAdd(p71, k0298 - k0899, -k0899), z3);

  Butterfly<kShift>(Add(c0, c3), o0, &v[0], &v[7]);
  Butterfly<kShift>(Add(c1, c2), o1, &v[1], &v[6]);
  Butterfly<kShift>(Subtract(c1, c2), o2, &v[2], &v[5]);
  Butterfly<kShift>(Subtract(c0, c3), o3, &v[3], &v[4]);
}

// Each lane's 8x8.
CANOPY_AVX2 inline void Transpose(__m256i* v) {
  const __m256i a0 = _mm256_unpacklo_epi16(v[0], v[1]);
  const __m256i a1 = _mm256_unpackhi_epi16(v[0], v[1]);
  const __m256i a2 = _mm256_unpacklo_epi16(v[2], v[3]);
  const __m256i a3 = _mm256_unpackhi_epi16(v[2], v[3]);
  const __m256i a4 = _mm256_unpacklo_epi16(v[4], v[5]);
  const __m256i a5 = _mm256_unpackhi_epi16(v[4], v[5]);
  const __m256i a6 = _mm256_unpacklo_epi16(v[6], v[7]);
  const __m256i a7 = _mm256_unpackhi_epi16(v[6], v[7]);
  const __m256i b0 = _mm256_unpacklo_epi32(a0, a2);
  const __m256i b1 = _mm256_unpackhi_epi32(a0, a2);
  const __m256i b2 = _mm256_unpacklo_epi32(a1, a3);
  const __m256i b3 = _mm256_unpackhi_epi32(a1, a3);
  const __m256i b4 = _mm256_unpacklo_epi32(a4, a6);
  const __m256i b5 = _mm256_unpackhi_epi32(a4, a6);
  const __m256i b6 = _mm256_unpacklo_epi32(a5, a7);
  const __m256i b7 = _mm256_unpackhi_epi32(a5, a7);
  v[0] = _mm256_unpacklo_epi64(b0, b4);
  v[1] = _mm256_unpackhi_epi64(b0, b4);
  v[2] = _mm256_unpacklo_epi64(b1, b5);
  v[3] = _mm256_unpackhi_epi64(b1, b5);
  v[4] = _mm256_unpacklo_epi64(b2, b6);
  v[5] = _mm256_unpackhi_epi64(b2, b6);
  v[6] = _mm256_unpacklo_epi64(b3, b7);
  v[7] = _mm256_unpackhi_epi64(b3, b7);
}

// [the first block's row, its next row, the same of the second]
CANOPY_AVX2 inline void StoreRows(__m256i pair, uint8_t* samples, size_t stride) {
  const __m256i rows = _mm256_permute4x64_epi64(pair, 0xD8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(samples), _mm256_castsi256_si128(rows));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(samples + stride), _mm256_extracti128_si256(rows, 1));
}

// `v` are the columns, with kCenter added: to bytes, in rows, to memory.
CANOPY_AVX2 inline void StoreSamples(const __m256i* v, uint8_t* samples, size_t stride) {
  const __m256i interleave = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0, 8, 1, 9, 2, 10,
                                              3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  const __m256i c01 = _mm256_shuffle_epi8(_mm256_packus_epi16(v[0], v[1]), interleave);
  const __m256i c23 = _mm256_shuffle_epi8(_mm256_packus_epi16(v[2], v[3]), interleave);
  const __m256i c45 = _mm256_shuffle_epi8(_mm256_packus_epi16(v[4], v[5]), interleave);
  const __m256i c67 = _mm256_shuffle_epi8(_mm256_packus_epi16(v[6], v[7]), interleave);
  const __m256i top_left = _mm256_unpacklo_epi16(c01, c23);
  const __m256i bottom_left = _mm256_unpackhi_epi16(c01, c23);
  const __m256i top_right = _mm256_unpacklo_epi16(c45, c67);
  const __m256i bottom_right = _mm256_unpackhi_epi16(c45, c67);
  StoreRows(_mm256_unpacklo_epi32(top_left, top_right), samples, stride);
  StoreRows(_mm256_unpackhi_epi32(top_left, top_right), samples + 2 * stride, stride);
  StoreRows(_mm256_unpacklo_epi32(bottom_left, bottom_right), samples + 4 * stride, stride);
  StoreRows(_mm256_unpackhi_epi32(bottom_left, bottom_right), samples + 6 * stride, stride);
}

template <bool kHalf>
CANOPY_AVX2 inline void TransformPair(BlockPair* blocks, uint8_t* samples, size_t stride) {
  constexpr int kRows = kHalf ? 4 : 8;
  __m256i* const rows = reinterpret_cast<__m256i*>(blocks->coefficients);
  __m256i v[8];
  for (int y = 0; y < kRows; y++) {
    v[y] = _mm256_load_si256(rows + y);
    _mm256_store_si256(rows + y, _mm256_setzero_si256());
  }
  Transform<11, 0, kHalf>(v);
  Transpose(v);
  Transform<18, kCenter, kHalf>(v);
  StoreSamples(v, samples, stride);
}

CANOPY_AVX2 inline void FillPair(BlockPair* blocks, uint8_t* samples, size_t stride) {
  const uint64_t ones = 0x0101010101010101;
  const __m128i row = _mm_set_epi64x(static_cast<long long>(ones * FlatSample(blocks->coefficients[8])),
                                     static_cast<long long>(ones * FlatSample(blocks->coefficients[0])));
  for (size_t y = 0; y < 8; y++) _mm_storeu_si128(reinterpret_cast<__m128i*>(samples + y * stride), row);
  blocks->coefficients[0] = blocks->coefficients[8] = 0;
}

CANOPY_AVX2 void InverseDctAvx2(BlockPair* blocks, BlockFill fill, uint8_t* samples, size_t stride) {
  switch (fill) {
    case BlockFill::kDc:
      return FillPair(blocks, samples, stride);
    case BlockFill::kLowQuarter:
      return TransformPair<true>(blocks, samples, stride);
    case BlockFill::kAll:
      return TransformPair<false>(blocks, samples, stride);
  }
}

}  // namespace

InverseDct ActiveInverseDct() { return ActiveSimd() == Simd::kAvx2 ? InverseDctAvx2 : nullptr; }

}  // namespace canopy

#else

namespace canopy {

InverseDct ActiveInverseDct() { return nullptr; }

}  // namespace canopy

#endif  // CANOPY_X86
