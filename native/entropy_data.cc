#include "entropy_data.h"

#include <algorithm>
#include <cstring>

namespace canopy {
namespace {

constexpr uint8_t kMarker = 0xFF;
constexpr uint8_t kRestart = 0xD0;  // the first of eight
// A buffer that a huge file has blown up is given back.
constexpr size_t kKeptBytes = size_t{8} << 20;

}  // namespace

bool EntropyData::Load(ByteSpan bytes, size_t max_bytes, uint8_t end_marker) {
  ends_.clear();
  const size_t size = std::min(bytes.size, max_bytes);
  const size_t needed = size + kPadding;
  if (buffer_.size() < needed || (buffer_.size() > kKeptBytes && needed <= kKeptBytes)) {
    std::vector<uint8_t>().swap(buffer_);
    buffer_.resize(std::max(needed, kKeptBytes / 64));
  }
  const uint8_t* from = bytes.data;
  const uint8_t* const end = bytes.data + size;
  uint8_t* to = buffer_.data();
  for (;;) {
    const uint8_t* marker = static_cast<const uint8_t*>(std::memchr(from, kMarker, static_cast<size_t>(end - from)));
    if (marker == nullptr || end - marker < 2) return false;
    const size_t length = static_cast<size_t>(marker - from);
    std::memcpy(to, from, length);
    to += length;
    from = marker + 2;
    const uint8_t code = marker[1];
    if (code == 0) {
      *to++ = kMarker;
      continue;
    }
    const bool in_order = code == kRestart + ends_.size() % 8;
    if (!in_order && code != end_marker) return false;
    ends_.push_back(static_cast<size_t>(to - buffer_.data()));
    if (code == end_marker) return true;
  }
}

ByteSpan EntropyData::Segment(size_t i) const {
  const size_t begin = i == 0 ? 0 : ends_[i - 1];
  return {buffer_.data() + begin, ends_[i] - begin};
}

}  // namespace canopy
