#include "dihedral.h"

#include <cstddef>
#include <cstring>

namespace canopy {

void Dihedral(const uint8_t* source, uint8_t* target, int size, int k) {
  // Source position of target (y, x) is origin + y * down + x * right, in pixels.
  const ptrdiff_t n = size;
  ptrdiff_t origin = 0;
  ptrdiff_t down = n;
  ptrdiff_t right = 1;
  switch (k & 3) {
    case 1:
      origin = n - 1, down = -1, right = n;
      break;
    case 2:
      origin = n * n - 1, down = -n, right = -1;
      break;
    case 3:
      origin = n * (n - 1), down = 1, right = -n;
      break;
    default:
      break;
  }
  if ((k & 4) != 0) {
    // Mirroring the source turns column x into n - 1 - x: steps along a row change sign.
    const ptrdiff_t row = origin / n;
    const ptrdiff_t column = origin % n;
    origin = row * n + (n - 1 - column);
    if (down == 1 || down == -1) down = -down;
    if (right == 1 || right == -1) right = -right;
  }
  for (ptrdiff_t y = 0; y < n; y++) {
    const uint8_t* from = source + (origin + y * down) * 3;
    if (right == 1) {
      std::memcpy(target, from, static_cast<size_t>(n) * 3);
      target += n * 3;
      continue;
    }
    for (ptrdiff_t x = 0; x < n; x++, target += 3, from += right * 3) {
      target[0] = from[0], target[1] = from[1], target[2] = from[2];
    }
  }
}

}  // namespace canopy
