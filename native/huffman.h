// Huffman tables of JPEG entropy coding, laid out for passing over coefficients quickly.
#ifndef CANOPY_NATIVE_HUFFMAN_H_
#define CANOPY_NATIVE_HUFFMAN_H_

#include <cstdint>
#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include "bit_reader.h"

namespace canopy {

constexpr int kLookupBits = 12;
constexpr int kEndOfBlock = 64;

// A Huffman table, looked up by the next bits. Codes longer than kLookupBits are found by their length.
struct HuffmanTable {
  struct Entry {
    uint8_t length;  // 0: longer than kLookupBits, or no code
    uint8_t symbol;
  };
  Entry entries[1 << kLookupBits];
  int32_t last_code[17];    // largest code of each length, -1 where there is none
  int32_t first_index[17];  // index in `symbols` minus the first code of that length
  uint8_t counts[17];       // of codes of each length
  uint8_t symbols[256];
  bool built = false;

  // False where `table` is missing or no Huffman table.
  bool Build(const JHUFF_TBL* table);
  // Also false where a symbol is no DC category.
  bool BuildDc(const JHUFF_TBL* table);
  // Whether it was built from the same table.
  bool IsOf(const JHUFF_TBL* table) const;
};

// How many coefficients an AC symbol stands for: kEndOfBlock ends the block, 0 is no symbol of baseline files.
inline int AdvanceOf(int symbol) {
  if (symbol == 0) return kEndOfBlock;
  return (symbol & 15) == 0 && symbol != 0xF0 ? 0 : (symbol >> 4) + 1;
}

// An AC table with what can be skipped at once: as many symbols, with their value bits, as the next bits hold whole.
struct SkipTable {
  struct Entry {
    uint8_t bits;
    // Coefficients; plus kEndOfBlock where the last symbol ends the block. kTooLong: the first symbol needs more bits.
    uint8_t advance;
  };
  static constexpr int kTooLong = 2 * kEndOfBlock;

  HuffmanTable codes;
  Entry entries[1 << kLookupBits];

  bool Build(const JHUFF_TBL* table);
  Entry Combine(int window) const;
};

// The next symbol, -1 where no code fits. Needs 16 bits.
CANOPY_INLINE int TakeSymbol(const HuffmanTable& table, BitReader* reader) {
  const HuffmanTable::Entry entry = table.entries[reader->Peek(kLookupBits)];
  if (entry.length != 0) {
    reader->Skip(entry.length);
    return entry.symbol;
  }
  for (int length = kLookupBits + 1; length <= 16; length++) {
    const int code = static_cast<int>(reader->Peek(length));
    if (code > table.last_code[length]) continue;
    reader->Skip(length);
    return table.symbols[table.first_index[length] + code];
  }
  return -1;
}

}  // namespace canopy

#endif  // CANOPY_NATIVE_HUFFMAN_H_
