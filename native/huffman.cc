#include "huffman.h"

#include <algorithm>

namespace canopy {

bool HuffmanTable::Build(const JHUFF_TBL* table) {
  if (table == nullptr) return false;
  std::fill(entries, entries + (1 << kLookupBits), Entry{0, 0});
  symbols = table->huffval;
  int code = 0;
  int index = 0;
  for (int length = 1; length <= 16; length++) {
    const int count = table->bits[length];
    if (index + count > 256 || code + count > (1 << length)) return false;
    first_index[length] = index - code;
    last_code[length] = count > 0 ? code + count - 1 : -1;
    for (int i = 0; i < count; i++, code++, index++) {
      if (length > kLookupBits) continue;
      const int spread = kLookupBits - length;
      std::fill_n(entries + (code << spread), 1 << spread, Entry{static_cast<uint8_t>(length), symbols[index]});
    }
    code <<= 1;
  }
  return true;
}

bool SkipTable::Build(const JHUFF_TBL* table) {
  if (!codes.Build(table)) return false;
  for (int window = 0; window < 1 << kLookupBits; window++) entries[window] = Combine(window);
  return true;
}

SkipTable::Entry SkipTable::Combine(int window) const {
  Entry entry{0, 0, 0, 0};
  int bits = 0;
  int advance = 0;
  while (bits < kLookupBits) {
    const HuffmanTable::Entry code = codes.entries[(window << bits) & ((1 << kLookupBits) - 1)];
    const int needed = code.length + (code.symbol & 15);
    const int step = AdvanceOf(code.symbol);
    if (code.length == 0 || code.length > kLookupBits - bits || step == 0) break;
    if (bits == 0) entry.first_bits = static_cast<uint8_t>(needed), entry.first_advance = static_cast<uint8_t>(step);
    if (bits > 0 && (bits + needed > kLookupBits || (advance + step) % kEndOfBlock < advance % kEndOfBlock)) break;
    bits += needed;
    advance += step;
    if (step == kEndOfBlock) break;
  }
  entry.all_bits = static_cast<uint8_t>(bits);
  entry.all_advance = static_cast<uint8_t>(advance);
  return entry;
}

}  // namespace canopy
