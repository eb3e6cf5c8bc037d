// Bits of a JPEG's entropy-coded data.
#ifndef CANOPY_NATIVE_BIT_READER_H_
#define CANOPY_NATIVE_BIT_READER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

// Inlined throughout, the bit reader lives in registers.
#define CANOPY_INLINE inline __attribute__((always_inline))

namespace canopy {

constexpr int kRefillBits = 56;

// The bits of entropy-coded data, without stuffed zeros. At a marker it gives zeros and counts them.
class BitReader {
 public:
  BitReader(const uint8_t* data, size_t size) : next_(data), end_(data + size) {}

  // At least kRefillBits are there afterwards.
  CANOPY_INLINE void Refill() {
    if (end_ - next_ >= 8) {
      uint64_t word;
      std::memcpy(&word, next_, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
      word = __builtin_bswap64(word);
#endif
      constexpr uint64_t kOnes = 0x0101010101010101;
      // No byte is 0xFF: none becomes 0 when inverted.
      if (((~word - kOnes) & word & (kOnes << 7)) == 0) {
        // Bits of a byte that does not fit whole are set already when it comes again: they are the same.
        bits_ |= word >> count_;
        next_ += (63 - count_) >> 3;
        count_ |= 56;
        return;
      }
    }
    RefillByBytes();
  }
  CANOPY_INLINE uint32_t Peek(int length) const { return static_cast<uint32_t>(bits_ >> (64 - length)); }
  CANOPY_INLINE void Skip(int length) {
    bits_ <<= length;
    count_ -= length;
  }
  // Drops what fills up the last byte and takes the marker that must follow. 0 where something else does.
  int TakeMarker() {
    const int left = count_ - padding_;
    if (left < 0 || left >= 8 || end_ - next_ < 2 || next_[0] != 0xFF) return 0;
    const int marker = next_[1];
    next_ += 2;
    bits_ = 0;
    count_ = padding_ = 0;
    return marker;
  }

 private:
  CANOPY_INLINE void RefillByBytes() {
    while (count_ <= 56) {
      uint64_t byte = 0;
      if (next_ < end_ && *next_ != 0xFF) {
        byte = *next_++;
      } else if (end_ - next_ >= 2 && next_[1] == 0) {
        byte = 0xFF;
        next_ += 2;
      } else {
        padding_ += 8;
      }
      bits_ |= byte << (56 - count_);
      count_ += 8;
    }
  }
  const uint8_t* next_;
  const uint8_t* end_;
  uint64_t bits_ = 0;
  int count_ = 0;
  int padding_ = 0;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_BIT_READER_H_
