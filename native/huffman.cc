#include "huffman.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace canopy {

bool HuffmanTable::IsOf(const JHUFF_TBL* table) const {
  return built && std::memcmp(counts, table->bits, sizeof(counts)) == 0 &&
         std::memcmp(symbols, table->huffval, sizeof(symbols)) == 0;
}

bool HuffmanTable::Build(const JHUFF_TBL* table) {
  if (table == nullptr) return false;
  if (IsOf(table)) return true;
  built = false;
  std::fill(entries, entries + (1 << kLookupBits), Entry{0, 0});
  std::memcpy(counts, table->bits, sizeof(counts));
  std::memcpy(symbols, table->huffval, sizeof(symbols));
  int code = 0;
  int index = 0;
  for (int length = 1; length <= 16; length++) {
    const int count = counts[length];
    // No code is all ones.
    if (index + count > 256 || code + count >= (1 << length)) return false;
    first_index[length] = index - code;
    last_code[length] = count > 0 ? code + count - 1 : -1;
    for (int i = 0; i < count; i++, code++, index++) {
      if (length > kLookupBits) continue;
      const int spread = kLookupBits - length;
      std::fill_n(entries + (code << spread), 1 << spread, Entry{static_cast<uint8_t>(length), symbols[index]});
    }
    code <<= 1;
  }
  built = true;
  return true;
}

bool HuffmanTable::BuildDc(const JHUFF_TBL* table) {
  if (!Build(table)) return false;
  const int count = std::accumulate(counts + 1, counts + 17, 0);
  return std::all_of(symbols, symbols + count, [](uint8_t symbol) { return symbol < 16; });
}

bool SkipTable::Build(const JHUFF_TBL* table) {
  if (table == nullptr) return false;
  if (codes.IsOf(table)) return true;
  if (!codes.Build(table)) return false;
  for (int window = 0; window < 1 << kLookupBits; window++) entries[window] = Combine(window);
  return true;
}

SkipTable::Entry SkipTable::Combine(int window) const {
  int bits = 0;
  int advance = 0;
  while (bits < kLookupBits && advance < kEndOfBlock) {
    const HuffmanTable::Entry code = codes.entries[(window << bits) & ((1 << kLookupBits) - 1)];
    const int needed = code.length + (code.symbol & 15);
    const int step = AdvanceOf(code.symbol);
    if (code.length == 0 || step == 0 || bits + needed > kLookupBits) break;
    if (step < kEndOfBlock && advance + step >= kEndOfBlock) break;
    bits += needed;
    advance += step;
  }
  if (bits == 0) advance = kTooLong;
  return {static_cast<uint8_t>(bits), static_cast<uint8_t>(advance)};
}

}  // namespace canopy
