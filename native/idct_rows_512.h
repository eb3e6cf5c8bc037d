// idct_rows.h for registers of 512 bits: one permutation of two of them gathers two rows of four blocks, and a shift
// under a mask brings two columns together, which no narrower registers can.

// Samples of two columns, interleaved: those of `a` in the low, of `b` in the high 16 bits.
CANOPY_TARGET inline Vec NarrowSecond(Vec a, Vec b) {
  static_assert(kShiftSecond >= 16, "b's high 16 bits hold all of its sample");
  return _mm512_mask_srai_epi16(ShiftRightSigned32<kShiftSecond>(a), 0xAAAAAAAA, b, kShiftSecond - 16);
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

CANOPY_TARGET inline void StoreTwoRows(Vec left, Vec right, const uint8_t* places, uint8_t* samples, size_t stride) {
  const Vec rows = _mm512_permutex2var_epi8(left, Load(places), right);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(samples), _mm512_castsi512_si256(rows));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(samples + stride), _mm512_extracti64x4_epi64(rows, 1));
}

CANOPY_TARGET inline void StoreRows(const Vec* sums, uint8_t* samples, size_t stride) {
  const Vec left = Narrow16(NarrowSecond(sums[0], sums[1]), NarrowSecond(sums[2], sums[3]));
  const Vec right = Narrow16(NarrowSecond(sums[4], sums[5]), NarrowSecond(sums[6], sums[7]));
  StoreTwoRows(left, right, kRowPlaces.of[0], samples, stride);
  StoreTwoRows(left, right, kRowPlaces.of[1], samples + 2 * stride, stride);
}
