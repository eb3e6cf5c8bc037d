// The inverse DCT, one block in each 128 bits of a register. idct.cc includes this file once for each width, inside a
// namespace with its operations and StoreRows: hence no include guard. Products are summed in 32 bits; between the
// passes values are cut to 16, which only coefficients that no picture has would need.

// Input of one dimension for half of the lanes of its eight results: pairs of 16 bits, one in each of four lanes per
// block.
struct Pairs {
  Vec p04;
  Vec p26;
  Vec p71;
  Vec p35;
};

// a * fa + b * fb in 32 bits.
CANOPY_TARGET inline Vec Multiply(Vec pairs, int fa, int fb) { return MultiplyPairs(pairs, Set32(FactorPair(fa, fb))); }

CANOPY_TARGET inline Vec MultiplyAdd(Vec sums, Vec pairs, int fa, int fb) {
  return AddPairs(sums, pairs, Set32(FactorPair(fa, fb)));
}

// One dimension, along the registers: eight sums, not divided yet.
CANOPY_TARGET inline void Transform(const Pairs& in, int rounding, Vec* sums) {
  const Vec round = Set32(rounding);
  const Vec c0 = MultiplyAdd(round, in.p04, 8192, 8192);
  const Vec c1 = MultiplyAdd(round, in.p04, 8192, -8192);
  const Vec c2 = Multiply(in.p26, k0541, k0541 - k1847);
  const Vec c3 = Multiply(in.p26, k0541 + k0765, k0541);
  const Vec e0 = Add32(c0, c3);
  const Vec e3 = Sub32(c0, c3);
  const Vec e1 = Add32(c1, c2);
  const Vec e2 = Sub32(c1, c2);

  const Vec p7315 = Add16(in.p71, in.p35);  // v7 + v3 and v1 + v5
  const Vec z3 = Multiply(p7315, k1175 - k1961, k1175);
  const Vec z4 = Multiply(p7315, k1175, k1175 - k0390);
  const Vec o0 = MultiplyAdd(z4, in.p71, -k0899, k1501 - k0899);
  const Vec o1 = MultiplyAdd(z3, in.p35, k3072 - k2562, -k2562);
  const Vec o2 = MultiplyAdd(z4, in.p35, -k2562, k2053 - k2562);
  const Vec o3 = MultiplyAdd(z3, in.p71, k0298 - k0899, -k0899);

  sums[0] = Add32(e0, o0);
  sums[7] = Sub32(e0, o0);
  sums[1] = Add32(e1, o1);
  sums[6] = Sub32(e1, o1);
  sums[2] = Add32(e2, o2);
  sums[5] = Sub32(e2, o2);
  sums[3] = Add32(e3, o3);
  sums[4] = Sub32(e3, o3);
}

CANOPY_TARGET inline Vec NarrowFirst(Vec a, Vec b) {
  return Narrow32(ShiftRightSigned32<kShiftFirst>(a), ShiftRightSigned32<kShiftFirst>(b));
}

// The first pass for four columns of each block, to two kinds of pairs for rows 0 to 3 and 4 to 7.
CANOPY_TARGET inline void TransformColumns(const Pairs& in, Vec* top_first, Vec* top_second, Vec* bottom_first,
                                           Vec* bottom_second) {
  Vec sums[8];
  Transform(in, kRoundFirst, sums);
  const Vec r01 = NarrowFirst(sums[0], sums[1]);
  const Vec r23 = NarrowFirst(sums[2], sums[3]);
  const Vec r45 = NarrowFirst(sums[4], sums[5]);
  const Vec r67 = NarrowFirst(sums[6], sums[7]);
  *top_first = Even32(r01, r23);
  *top_second = Odd32(r01, r23);
  *bottom_first = Even32(r45, r67);
  *bottom_second = Odd32(r45, r67);
}

// The second pass for four rows of each block, to memory.
CANOPY_TARGET inline void TransformRows(const Pairs& in, uint8_t* samples, size_t stride) {
  Vec sums[8];
  Transform(in, kRoundSecond, sums);
  StoreRows(sums, samples, stride);
}

// As many blocks as a register holds. The result is zero if all products are within the limit.
CANOPY_TARGET inline Vec TransformBlocks(int16_t* coefficients, const BlockQuanta& quanta, uint8_t* samples,
                                         size_t stride) {
  Vec v[8];
  Vec wild = Zero();
  for (int i = 0; i < 8; i++) {
    int16_t* const at = coefficients + 32 * i;
    const Vec quantised = Load(at);
    Store(Zero(), at);
    v[i] = Multiply16(quantised, LoadRepeated(quanta.factors + 8 * i));
    static_assert(kCoefficientLimit == 4096, "(4 * product) >> 15, rounded");
    wild = Or(wild, MultiplyRounded15(quantised, LoadRepeated(quanta.quadruples + 8 * i)));
  }
  Pairs top;
  Pairs bottom;
  TransformColumns({v[0], v[2], v[4], v[6]}, &top.p04, &top.p26, &bottom.p04, &bottom.p26);
  TransformColumns({v[1], v[3], v[5], v[7]}, &top.p71, &top.p35, &bottom.p71, &bottom.p35);
  TransformRows(top, samples, stride);
  TransformRows(bottom, samples + 4 * stride, stride);
  return wild;
}

CANOPY_TARGET bool InverseDctOfQuad(BlockQuad* blocks, const BlockQuanta& quanta, uint8_t* samples, size_t stride) {
  Vec wild = Zero();
  for (int at = 0; at < 8 * BlockQuad::kBlocks; at += kBytes / 2) {
    wild = Or(wild, TransformBlocks(blocks->coefficients + at, quanta, samples + at, stride));
  }
  return IsZero(wild);
}
