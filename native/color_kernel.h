// YCbCr to RGB. color_kernels.cc includes this file for registers of 128 and 256 bits, inside a namespace with their
// operations and kLanes: hence no include guard.

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
