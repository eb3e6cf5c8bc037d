// The entropy-coded data of one scan of a JPEG, without stuffed zeros and restart markers.
#ifndef CANOPY_NATIVE_ENTROPY_DATA_H_
#define CANOPY_NATIVE_ENTROPY_DATA_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image.h"

namespace canopy {

// One per thread; keeps its memory between files.
class EntropyData {
 public:
  // Readers may look this far beyond the end of a segment before they check whether they have passed it.
  static constexpr size_t kPadding = size_t{40} << 10;

  static constexpr uint8_t kEndOfImage = 0xD9;

  // `bytes` begins right after the scan's header. False unless the data are followed by `end_marker` within
  // `max_bytes`, with only restart markers in their order before it.
  bool Load(ByteSpan bytes, size_t max_bytes, uint8_t end_marker = kEndOfImage);

  // Segments lie between restart markers; there is always one.
  size_t segment_count() const { return ends_.size(); }
  ByteSpan Segment(size_t i) const;

 private:
  std::vector<uint8_t> buffer_;  // all segments and kPadding bytes
  std::vector<size_t> ends_;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_ENTROPY_DATA_H_
