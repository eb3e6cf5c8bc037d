// The resize from rows to one row, for up to kShortTaps taps. The resize kernels of each width include this file inside
// a namespace with its operations, kPixels, StoreRgb and Results: hence no include guard.

// kBytes / 2 results in 8.8. `kTaps` is the number of taps if it is known at compile time, so that the loop unrolls; 0
// otherwise.
template <int kTaps>
CANOPY_TARGET inline Vec VerticalSum(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t at) {
  if (kTaps > 0) taps = kTaps;
  Vec sum = Set16(128 + taps / 2);
  for (int k = 0; k < taps; k++) sum = Add16(sum, MultiplyUpper16(Load(rows[k] + at), Set16(weights[k])));
  return sum;
}

template <int kTaps>
CANOPY_TARGET void VerticalBlocks(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length,
                                  int size, uint8_t* out) {
  const auto sum = [&](size_t at) CANOPY_TARGET { return VerticalSum<kTaps>(rows, weights, taps, at); };
  for (int x = 0; x < size; x += kPixels, out += 3 * kPixels) {
    const size_t at = static_cast<size_t>(x);
    const auto r = Results(sum, at);
    const auto g = Results(sum, at + plane_length);
    const auto b = Results(sum, at + 2 * plane_length);
    StoreRgb(r, g, b, size - x, out);
  }
}

CANOPY_TARGET void Vertical(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length,
                            int size, uint8_t* out) {
  switch (taps) {
    case 2:
      return VerticalBlocks<2>(rows, weights, taps, plane_length, size, out);
    case 3:
      return VerticalBlocks<3>(rows, weights, taps, plane_length, size, out);
    case 4:
      return VerticalBlocks<4>(rows, weights, taps, plane_length, size, out);
    default:
      return VerticalBlocks<0>(rows, weights, taps, plane_length, size, out);
  }
}
