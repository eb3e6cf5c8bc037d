// Reads the coefficients of a block from entropy-coded data.
#ifndef CANOPY_NATIVE_COEFFICIENTS_H_
#define CANOPY_NATIVE_COEFFICIENTS_H_

#include "bit_reader.h"
#include "huffman.h"

namespace canopy {

struct Coefficient {
  int k;  // in file order; kEndOfBlock: none, the block has ended; negative: the data are malformed
  int value;
};

// The symbol after the `k`-th coefficient, code by code.
CANOPY_INLINE Coefficient ReadLongSymbol(const HuffmanCodes& codes, BitReader* reader, int k) {
  reader->Refill();
  const int symbol = TakeSymbol(codes, reader);
  const int advance = symbol < 0 ? 0 : AdvanceOf(symbol);
  if (advance == kEndOfBlock) return {kEndOfBlock, 0};
  if (advance == 0 || k + advance >= kEndOfBlock) return {-1, 0};
  const int length = symbol & 15;
  return {k + advance, length > 0 ? reader->TakeValue(length) : 0};
}

// Calls put(k, value) for the 63 coefficients after the first; zeros may be among them. False if they are malformed.
template <typename Put>
CANOPY_INLINE bool ReadCoefficients(const AcTable& table, BitReader* reader, Put put) {
  for (int k = 1; k < kEndOfBlock;) {
    reader->Refill();
    for (int i = 0; i < BlockStep::kPerRefill; i++) {
      const BlockStep step = table.steps[reader->Peek(BlockStep::kBits)];
      const int next = k + step.coefficients();
      if (__builtin_expect((next & BlockStep::kHard) != 0, 0)) {
        BitReader copy = *reader;  // so that the reader itself stays in registers
        const Coefficient one = ReadLongSymbol(table.codes, &copy, k - 1);
        *reader = copy;
        if (one.k < 0 || one.k == kEndOfBlock) return one.k == kEndOfBlock;
        put(one.k, one.value);
        k = one.k + 1;
        break;
      }
      reader->Skip(step.bits);
      put(k + step.second, step.values[1]);
      put(k + step.first, step.values[0]);
      if (step.ends()) return true;
      k = next;
    }
  }
  return true;
}

// Skips the 63 coefficients after the first. False if they are malformed.
CANOPY_INLINE bool SkipCoefficients(const SkipTable& table, BitReader* reader) {
  for (int k = 0; k < kEndOfBlock - 1;) {
    reader->Refill();
    for (int i = 0; i < SkipTable::kLookups; i++) {
      const SkipTable::Entry entry = table.entries[reader->Peek(SkipTable::kBits)];
      const int next = k + entry.advance;
      if (__builtin_expect(next < kEndOfBlock - 1, 1)) {
        reader->Skip(entry.bits);
        k = next;
        continue;
      }
      if (__builtin_expect(entry.advance >= kEndOfBlock && next < SkipTable::kTooLong - 1, 1)) {
        reader->Skip(entry.bits);
        return true;
      }
      if (entry.advance > SkipTable::kTooLong) {
        reader->Refill();
        reader->Skip(entry.bits);
        k += entry.advance - SkipTable::kTooLong;
        if (k >= kEndOfBlock - 1) return k == kEndOfBlock - 1;
        break;
      }
      // A long code, or the block's last symbols. These must be taken one by one: what follows them belongs to the next
      // block.
      BitReader copy = *reader;
      k = ReadLongSymbol(table.codes, &copy, k).k;
      *reader = copy;
      if (k < 0 || k == kEndOfBlock) return k == kEndOfBlock;
      break;
    }
  }
  return true;
}

}  // namespace canopy

#endif  // CANOPY_NATIVE_COEFFICIENTS_H_
