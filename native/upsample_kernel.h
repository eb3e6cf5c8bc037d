// Upsampling of chroma. color_kernels.cc includes this file once for each width of registers, inside a namespace with
// its operations: hence no include guard.

constexpr int kLanes = kBytes / 2;

// Two results for each sum.
template <int kLeft, int kRight, int kShift>
CANOPY_TARGET inline void StoreSpread(Vec before, Vec here, Vec after, uint8_t* out) {
  const Vec thrice = Add16(here, Add16(here, here));
  const Vec left = Add16(Add16(thrice, before), Set16(kLeft));
  const Vec right = Add16(Add16(thrice, after), Set16(kRight));
  Store(Or(ShiftRight16<kShift>(left), ShiftLeft16<8>(ShiftRight16<kShift>(right))), out);
}

// The sums stay in registers: reading them from memory right after they were written, shifted by one, would stall.
template <int kLeft, int kRight, int kShift, typename Sums>
CANOPY_TARGET inline void Upsample(int width, uint8_t* out, Sums sums) {
  static constexpr uint16_t kNumbers[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                            16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
  Vec here = sums(0);
  Vec previous = RepeatFirst16(here);
  int x = 0;
  for (; x + kLanes < width; x += kLanes) {
    const Vec next = sums(x + kLanes);
    StoreSpread<kLeft, kRight, kShift>(Before16(previous, here), here, After16(here, next), out + 2 * x);
    previous = here;
    here = next;
  }
  // The last sum is its own right neighbour.
  const Masks is_last = IsEqual16(Load(kNumbers), Set16(width - 1 - x));
  const Vec after = Select(is_last, here, After16(here, here));
  StoreSpread<kLeft, kRight, kShift>(Before16(previous, here), here, after, out + 2 * x);
}

CANOPY_TARGET void UpsampleH2v1(const uint8_t* in, int width, uint16_t*, uint8_t* out) {
  Upsample<kH2v1.left, kH2v1.right, kH2v1.shift>(width, out,
                                                 [&](int x) CANOPY_TARGET { return LoadBytesAs16(in + x); });
}

CANOPY_TARGET void UpsampleH2v2(const uint8_t* near, const uint8_t* far, int width, uint16_t*, uint8_t* out) {
  Upsample<kH2v2.left, kH2v2.right, kH2v2.shift>(width, out, [&](int x) CANOPY_TARGET {
    const Vec once = LoadBytesAs16(near + x);
    return Add16(Add16(once, Add16(once, once)), LoadBytesAs16(far + x));
  });
}
