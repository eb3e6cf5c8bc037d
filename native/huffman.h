// Huffman tables of JPEG entropy coding, laid out for reading or skipping coefficients quickly.
#ifndef CANOPY_NATIVE_HUFFMAN_H_
#define CANOPY_NATIVE_HUFFMAN_H_

#include <cstdint>
#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "bit_reader.h"

namespace canopy {

constexpr int kEndOfBlock = 64;

// The longest code of a DC category with its value, and of an AC symbol with its.
constexpr int kMaxDcCategory = 11;
constexpr int kMaxCodeBits = 16;

// How many coefficients an AC symbol stands for: kEndOfBlock ends the block, 0 is no symbol of baseline files.
inline int AdvanceOf(int symbol) {
  if (symbol == 0) return kEndOfBlock;
  return (symbol & 15) == 0 && symbol != 0xF0 ? 0 : (symbol >> 4) + 1;
}

// The codes of one table, by their lengths. The tables below are built from it.
struct HuffmanCodes {
  static constexpr int kShortBits = 9;
  struct Short {
    uint8_t length;  // 0: longer than kShortBits, or no code
    uint8_t symbol;
  };
  Short shorts[1 << kShortBits];     // by the next bits
  uint8_t counts[kMaxCodeBits + 1];  // of codes of each length
  uint8_t symbols[256];
  int32_t last_code[kMaxCodeBits + 1];    // largest code of each length, -1 if there is none
  int32_t first_index[kMaxCodeBits + 1];  // index in `symbols` minus the first code of that length
  bool built = false;

  // False if `table` is missing or no Huffman table.
  bool Build(const JHUFF_TBL* table);
  // Whether it was built from the same table.
  bool IsOf(const JHUFF_TBL* table) const;
  // Calls visit(code, length, symbol) for every code.
  template <typename Visit>
  void ForEach(Visit visit) const;
};

// The next symbol, -1 if no code fits. Needs 16 bits.
CANOPY_INLINE int TakeSymbol(const HuffmanCodes& codes, BitReader* reader) {
  const HuffmanCodes::Short entry = codes.shorts[reader->Peek(HuffmanCodes::kShortBits)];
  if (entry.length != 0) {
    reader->Skip(entry.length);
    return entry.symbol;
  }
  for (int length = HuffmanCodes::kShortBits + 1; length <= kMaxCodeBits; length++) {
    const int code = static_cast<int>(reader->Peek(length));
    if (code > codes.last_code[length]) continue;
    reader->Skip(length);
    return codes.symbols[codes.first_index[length] + code];
  }
  return -1;
}

// DC differences by the next bits.
struct DcTable {
  static constexpr int kBits = 10;
  struct Entry {
    int16_t difference;
    uint8_t bits;  // of code and value; 0: they need more than kBits, or there is no such code
  };
  HuffmanCodes codes;
  Entry entries[1 << kBits];

  // Also false if a symbol is no DC category.
  bool Build(const JHUFF_TBL* table);
};

// What the next kBits bits of a block's data hold: up to two coefficients, and the end of the block after them. `k` is
// the place, in file order, of the first of them.
struct BlockStep {
  static constexpr int kBits = 11;
  // A refill is good for this many.
  static constexpr int kPerRefill = BitReader::kRefillBits / kBits;
  // If k + coefficients() has this bit, for whatever reason, the step must not be taken: read its symbols one by one.
  // Alone it stands for a symbol that needs more than kBits, or for no symbol.
  static constexpr int kHard = kEndOfBlock;
  static constexpr int kEnd = -128;

  uint8_t bits;
  int8_t advance;  // coefficients(), and kEnd if the block ends
  uint8_t first;   // values[0] goes to k + first, values[1] to k + second. One that is not there is zero, and goes
  uint8_t second;  // where the other goes, or to the next place
  int16_t values[2];

  // The next coefficient's place is k + coefficients().
  CANOPY_INLINE int coefficients() const { return advance & ~kEnd; }
  CANOPY_INLINE bool ends() const { return advance < 0; }
};
static_assert(sizeof(BlockStep) == 8, "steps are added up as words");

// The steps within a block, after its first coefficient.
struct AcTable {
  BlockStep steps[1 << BlockStep::kBits];
  HuffmanCodes codes;

  bool Build(const JHUFF_TBL* table);

 private:
  friend struct FirstTable;
  // For each length L of a first symbol with its value: what the kBits - L bits after it hold, at index kBits - L and
  // up. These words are added to the step that is the first symbol alone.
  uint64_t tails_[1 << BlockStep::kBits];
  int version_ = 0;  // counts what was built
};

// The steps at the beginning of a block: its first coefficient, as a difference, and what follows it.
struct FirstTable {
  BlockStep steps[1 << BlockStep::kBits];
  HuffmanCodes codes;

  // `ac` is the block's table for the other coefficients. Also false if a symbol is no DC category.
  bool Build(const JHUFF_TBL* table, const AcTable& ac);

 private:
  const AcTable* ac_ = nullptr;
  int ac_version_ = 0;
};

// AC coefficients to be skipped: as many as the next bits hold whole, or one that needs more.
struct SkipTable {
  static constexpr int kBits = 14;
  // A refill is good for this many lookups.
  static constexpr int kLookups = BitReader::kRefillBits / kBits;
  // Added to the advance of one symbol that needs more than kBits; alone if its code does.
  static constexpr int kTooLong = 2 * kEndOfBlock;
  struct Entry {
    uint8_t bits;
    uint8_t advance;  // coefficients; plus kEndOfBlock if the last symbol ends the block
  };
  HuffmanCodes codes;
  Entry entries[1 << kBits];

  bool Build(const JHUFF_TBL* table);

 private:
  Entry Combine(int window) const;

  Entry singles_[1 << kBits];  // the same for the first symbol alone
};

// The next DC difference; false if it is malformed. Needs 27 bits.
CANOPY_INLINE bool TakeDifference(const DcTable& table, BitReader* reader, int* difference) {
  const DcTable::Entry entry = table.entries[reader->Peek(DcTable::kBits)];
  if (__builtin_expect(entry.bits != 0, 1)) {
    reader->Skip(entry.bits);
    *difference = entry.difference;
    return true;
  }
  const int category = TakeSymbol(table.codes, reader);
  if (category < 0 || category > kMaxDcCategory) return false;
  *difference = category == 0 ? 0 : reader->TakeValue(category);
  return true;
}

}  // namespace canopy

#endif  // CANOPY_NATIVE_HUFFMAN_H_
