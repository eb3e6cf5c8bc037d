// YCbCr to RGB and upsampling. color_kernels.cc includes this file once for each width of registers, inside a namespace
// with its operations: hence no include guard.

constexpr int kLanes = kBytes / 2;

// round(factor * value / 65536), for a factor that fits 16 bits.
CANOPY_TARGET inline Vec MultiplyRounded(Vec value, int factor) {
  return ShiftRightSigned16<1>(Add16(MultiplyTwiceUpper16(value, Set16(factor)), Set16(1)));
}

// round((a * factors.low + b * factors.high) / 65536)
CANOPY_TARGET inline Vec MultiplyPairsRounded(Vec a, Vec b, Vec factors) {
  const Vec half = Set32(kHalf);
  const Vec low = MultiplyPairs(InterleaveLow16(a, b), factors);
  const Vec high = MultiplyPairs(InterleaveHigh16(a, b), factors);
  return Narrow32(ShiftRightSigned32<16>(Add32(low, half)), ShiftRightSigned32<16>(Add32(high, half)));
}

// The factors beyond 16 bits are split: 1.402 = 1 + 0.402, 1.772 = 2 - 0.228, -0.714 = 0.286 - 1.
CANOPY_TARGET void YccToRgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int width, uint8_t* r, uint8_t* g,
                            uint8_t* b) {
  const Vec center = Set16(128);
  const Vec green =
      Set32(static_cast<int>((static_cast<uint32_t>(65536 - kCrToG) << 16) | static_cast<uint16_t>(-kCbToG)));
  for (int x = 0; x < width; x += kLanes) {
    const Vec light = LoadBytesAs16(y + x);
    const Vec blue = Sub16(LoadBytesAs16(cb + x), center);
    const Vec red = Sub16(LoadBytesAs16(cr + x), center);
    const Vec to_r = Add16(red, MultiplyRounded(red, kCrToR - 65536));
    const Vec to_b = Add16(Add16(blue, blue), MultiplyRounded(blue, kCbToB - 131072));
    const Vec to_g = Sub16(MultiplyPairsRounded(blue, red, green), red);
    Store16AsBytes(Add16(light, to_r), r + x);
    Store16AsBytes(Add16(light, to_g), g + x);
    Store16AsBytes(Add16(light, to_b), b + x);
  }
}

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
  static constexpr uint16_t kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
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

constexpr ColorKernels kKernels = {YccToRgb, UpsampleH2v1, UpsampleH2v2};
