// The eight flips and quarter turns of a square tile.
#ifndef CANOPY_NATIVE_DIHEDRAL_H_
#define CANOPY_NATIVE_DIHEDRAL_H_

#include <cstdint>

namespace canopy {

// Writes element `k` (0..7) of `source` [size, size, 3] into `target`, which must not overlap it: `k & 4` mirrors left
// and right first, then `k & 3` quarter turns counter-clockwise follow.
void Dihedral(const uint8_t* source, uint8_t* target, int size, int k);

}  // namespace canopy

#endif  // CANOPY_NATIVE_DIHEDRAL_H_
