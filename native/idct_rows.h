// For idct_kernel.h: four rows of each block to memory, from the sums of the second pass. idct.cc includes this file
// for registers of 128 and 256 bits.

CANOPY_TARGET inline Vec NarrowSecond(Vec a, Vec b) {
  return Narrow32(ShiftRightSigned32<kShiftSecond>(a), ShiftRightSigned32<kShiftSecond>(b));
}

CANOPY_TARGET inline void StoreRows(const Vec* sums, uint8_t* samples, size_t stride) {
  alignas(16) static constexpr uint8_t kTurn[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  const Vec turn = LoadRepeated(kTurn);
  const Vec left = Shuffle(Narrow16(NarrowSecond(sums[0], sums[1]), NarrowSecond(sums[2], sums[3])), turn);
  const Vec right = Shuffle(Narrow16(NarrowSecond(sums[4], sums[5]), NarrowSecond(sums[6], sums[7])), turn);
  const Vec first_two = InterleaveLow32(left, right);
  const Vec last_two = InterleaveHigh32(left, right);
  StoreHalves(first_two, samples, samples + stride);
  StoreHalves(last_two, samples + 2 * stride, samples + 3 * stride);
}
