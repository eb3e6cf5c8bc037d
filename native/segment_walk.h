// SegmentWalk: from one segment of a scan's data to the next, at each restart interval.
#ifndef CANOPY_NATIVE_SEGMENT_WALK_H_
#define CANOPY_NATIVE_SEGMENT_WALK_H_

#include <climits>

#include "bit_reader.h"
#include "entropy_data.h"

namespace canopy {

class SegmentWalk {
 public:
  SegmentWalk() = default;
  // `data` must stay as it is during the walk. `interval` is in MCUs; 0: there is but one segment.
  SegmentWalk(const EntropyData& data, unsigned interval)
      : data_(&data), interval_(interval != 0 ? interval : UINT_MAX), left_(interval_) {}

  BitReader First() const { return BitReader(data_->Segment(0)); }
  // MCUs that are left of this segment. At 0 Take must go to the next one.
  unsigned left() const { return left_; }
  // `count` MCUs were read, at most left().
  CANOPY_INLINE void Pass(unsigned count) { left_ -= count; }
  // False if the segment does not end here, or was the last one. Predictions of DC coefficients begin anew.
  bool Take(BitReader* reader) {
    if (!reader->AtEnd() || ++segment_ >= data_->segment_count()) return false;
    *reader = BitReader(data_->Segment(segment_));
    left_ = interval_;
    return true;
  }
  // Whether the scan ends here.
  bool IsDone(const BitReader& reader) const { return segment_ + 1 == data_->segment_count() && reader.AtEnd(); }

 private:
  const EntropyData* data_ = nullptr;
  unsigned interval_ = 0;
  unsigned left_ = 0;
  size_t segment_ = 0;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_SEGMENT_WALK_H_
