// libjpeg-turbo as an ordinary program calls it: the ceiling that benchmarks compare with. Not part of the decoder.
#ifndef CANOPY_NATIVE_BARE_LOOP_H_
#define CANOPY_NATIVE_BARE_LOOP_H_

#include <vector>

#include "image.h"

namespace canopy {

// Decodes each file row by row in libjpeg's default settings (RGB, or CMYK for four components) and drops the rows.
// Returns seconds.
double BareDecodeLoop(const std::vector<ByteSpan>& files);

}  // namespace canopy

#endif  // CANOPY_NATIVE_BARE_LOOP_H_
