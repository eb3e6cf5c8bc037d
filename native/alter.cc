#include "alter.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "dihedral.h"

namespace canopy {
namespace {

// The mean of all samples in 1 / 256, rounded.
int64_t MeanOf(const uint8_t* samples, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; i++) sum += samples[i];
  return static_cast<int64_t>((sum * 256 + count / 2) / count);
}

// sample * gain + offset, rounded, where gain = brightness * contrast and offset = brightness * (1 - contrast) * mean.
void Light(uint8_t* samples, size_t count, const Look& look) {
  const int64_t brightness = look.brightness;
  const int32_t gain = static_cast<int32_t>((brightness * look.contrast + kOne / 2) >> 16);
  const int64_t rest = (brightness * (kOne - look.contrast)) >> 16;
  const int32_t offset = static_cast<int32_t>((MeanOf(samples, count) * rest) >> 8) + kOne / 2;
  for (size_t i = 0; i < count; i++) {
    samples[i] = static_cast<uint8_t>(std::clamp((samples[i] * gain + offset) >> 16, 0, 255));
  }
}

}  // namespace

void AlterTile(uint8_t* tile, uint8_t* scratch, int size, const Look& look) {
  const size_t count = static_cast<size_t>(size) * static_cast<size_t>(size) * 3;
  if (look.turn != 0) {
    std::memcpy(scratch, tile, count);
    Dihedral(scratch, tile, size, look.turn);
  }
  if (look.brightness != kOne || look.contrast != kOne) Light(tile, count, look);
}

}  // namespace canopy
