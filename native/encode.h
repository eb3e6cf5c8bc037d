// Writes JPEGs in exactly the form of Planet's tiles.
#ifndef CANOPY_NATIVE_ENCODE_H_
#define CANOPY_NATIVE_ENCODE_H_

#include <cstdint>
#include <vector>

namespace canopy {

// `rgba` is [height, width, 4]. Baseline, optimised Huffman tables, four 1x1-sampled components with ids 0..3, one
// quantisation table, no colour transform and no marker that says what the components are.
std::vector<uint8_t> EncodePlanetJpeg(const uint8_t* rgba, int width, int height, int quality);

}  // namespace canopy

#endif  // CANOPY_NATIVE_ENCODE_H_
