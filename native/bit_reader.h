// Bits of a segment of entropy-coded data.
#ifndef CANOPY_NATIVE_BIT_READER_H_
#define CANOPY_NATIVE_BIT_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "image.h"

// Always inlined, so that the bit reader stays in registers.
#define CANOPY_INLINE inline __attribute__((always_inline))

namespace canopy {

// The bits of one segment of EntropyData. It does not check where the segment ends: the caller must call Overran often
// enough to stay within EntropyData::kPadding.
class BitReader {
 public:
  static constexpr int kRefillBits = 56;

  explicit BitReader(ByteSpan segment) : next_(segment.data), end_(segment.data + segment.size) {}

  // At least kRefillBits are there afterwards.
  CANOPY_INLINE void Refill() {
    uint64_t word;
    std::memcpy(&word, next_, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    // A byte that does not fit whole is read again by the next refill, which sets the same bits.
    bits_ |= word >> count_;
    next_ += (63 - count_) >> 3;
    count_ |= kRefillBits;
  }
  CANOPY_INLINE uint32_t Peek(int length) const { return static_cast<uint32_t>(bits_ >> (64 - length)); }
  CANOPY_INLINE void Skip(int length) {
    bits_ <<= length;
    count_ -= length;
  }
  // The next `length` bits, at least 1, as a signed coefficient.
  CANOPY_INLINE int TakeValue(int length) {
    const int value = static_cast<int>(Peek(length));
    Skip(length);
    return value < (1 << (length - 1)) ? value - (1 << length) + 1 : value;
  }
  bool Overran() const { return BitsLeft() < 0; }
  // Whether nothing is left but the padding of the last byte.
  bool AtEnd() const { return BitsLeft() >= 0 && BitsLeft() < 8; }

 private:
  ptrdiff_t BitsLeft() const { return (end_ - next_) * 8 + count_; }

  const uint8_t* next_;
  const uint8_t* end_;
  uint64_t bits_ = 0;
  int count_ = 0;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_BIT_READER_H_
