// Altered views of a tile for training: turned, and in another light.
#ifndef CANOPY_NATIVE_ALTER_H_
#define CANOPY_NATIVE_ALTER_H_

#include <cstdint>

namespace canopy {

// Factors of light are fixed-point numbers, so that every machine and src/decode/alter.ts compute the same bits.
constexpr int32_t kOne = 1 << 16;

struct Look {
  int turn;            // element of the dihedral group, see Dihedral
  int32_t brightness;  // factor of every sample, in 1 / kOne
  int32_t contrast;    // factor of the distance to the tile's mean, in 1 / kOne
};

// Changes `tile` [size, size, 3] in place; `scratch` has room for one more.
void AlterTile(uint8_t* tile, uint8_t* scratch, int size, const Look& look);

}  // namespace canopy

#endif  // CANOPY_NATIVE_ALTER_H_
