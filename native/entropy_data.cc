#include "entropy_data.h"

#include <algorithm>
#include <cstring>

#include "avx512.h"

namespace canopy {
namespace {

constexpr uint8_t kMarker = 0xFF;
constexpr uint8_t kRestart = 0xD0;  // the first of eight
// A buffer that has grown beyond this for a huge file is freed.
constexpr size_t kKeptBytes = size_t{8} << 20;

#ifdef CANOPY_X86
// Moves on by whole groups of 64 bytes without a marker, which lose their stuffed zeros.
CANOPY_AVX512 void CopyPlain(const uint8_t** from, const uint8_t* end, uint8_t** to) {
  const uint8_t* in = *from;
  uint8_t* out = *to;
  uint64_t begins_stuffed = 0;  // 1 if the group's first byte is a stuffed zero
  for (; end - in > 64; in += 64) {
    const __m512i bytes = _mm512_loadu_si512(in);
    const uint64_t marked = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(-1));
    const uint64_t before_others = _mm512_test_epi8_mask(_mm512_loadu_si512(in + 1), _mm512_set1_epi8(-1));
    if ((marked & before_others) != 0) break;
    const uint64_t kept = ~(marked << 1 | begins_stuffed);
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi8(kept, bytes));
    out += __builtin_popcountll(kept);
    begins_stuffed = marked >> 63;
  }
  *from = in + begins_stuffed;
  *to = out;
}
#endif

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
#ifdef CANOPY_X86
  const bool is_wide = ActiveSimd() >= Simd::kAvx512;
#endif
  for (;;) {
#ifdef CANOPY_X86
    if (is_wide) CopyPlain(&from, end, &to);
#endif
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
