// Versions of the resize kernels for registers of 128 bits. More than kShortTaps taps are left to the plain ones.
#include "resize_kernels.h"
#include "vector128.h"

#ifdef CANOPY_128

namespace canopy {

extern const ResizeKernels k128Kernels;

namespace {

using namespace vector128;

CANOPY_128 void Horizontal(const FilterTable& table, const uint8_t* row, uint16_t* out) {
  if (table.windows == 0) return ScalarHorizontal(table, row, out);
  const int* window = table.window_start.data();
  const int halves = (table.size + 15) / 16 * 2;
  for (int half = 0; half < halves; half++, window += table.windows) {
    Vec sum = Set16(table.taps / 2);
    for (int k = 0; k < table.taps; k++) {
      const size_t block_row = static_cast<size_t>(half / 2 * table.taps + k);
      Vec samples = Zero();
      for (int part = 0; part < table.windows; part++) {
        const size_t at = (block_row * static_cast<size_t>(table.windows) + static_cast<size_t>(part)) * 2 + half % 2;
        samples = Or(samples, Shuffle(Load(row + window[part]), Load(table.shuffle.data() + at * 16)));
      }
      const Vec weights = Load(table.lane_weights.data() + block_row * 16 + half % 2 * 8);
      sum = Add16(sum, MultiplyUpper16(samples, weights));
    }
    Store(sum, out + half * 8);
  }
}

constexpr int kPixels = 16;

// A block of results as bytes.
template <typename Sum>
CANOPY_128 inline Vec Results(Sum sum, size_t at) {
  return Narrow16(ShiftRight16<8>(sum(at)), ShiftRight16<8>(sum(at + 8)));
}

#define CANOPY_TARGET CANOPY_128
#include "resize_vertical.h"
#undef CANOPY_TARGET

}  // namespace

CANOPY_128 void Split128(const uint8_t* rgb, int width, uint8_t* r, uint8_t* g, uint8_t* b) {
  int x = 0;
  for (; x + 16 <= width; x += 16) {
    Vec planes[3];
    LoadRgb(rgb + 3 * x, &planes[0], &planes[1], &planes[2]);
    Store(planes[0], r + x);
    Store(planes[1], g + x);
    Store(planes[2], b + x);
  }
  kScalarKernels.split(rgb + 3 * x, width - x, r + x, g + x, b + x);
}

CANOPY_128 void Merge128(const uint8_t* r, const uint8_t* g, const uint8_t* b, int width, uint8_t* rgb) {
  int x = 0;
  for (; x + 16 <= width; x += 16) StoreRgb(Load(r + x), Load(g + x), Load(b + x), rgb + 3 * x);
  kScalarKernels.merge(r + x, g + x, b + x, width - x, rgb + 3 * x);
}

const ResizeKernels k128Kernels = {
    EachPlane<Horizontal>, EachPlane<ScalarLongHorizontal>, Vertical, ScalarLongVertical, Split128, Merge128};

}  // namespace canopy

#endif  // CANOPY_128
