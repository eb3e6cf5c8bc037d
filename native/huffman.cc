#include "huffman.h"

#include <algorithm>
#include <cstring>

namespace canopy {
namespace {

// A value's bits as a coefficient.
inline int16_t ValueOf(int bits, int length) {
  return static_cast<int16_t>(bits < (1 << (length - 1)) ? bits - (1 << length) + 1 : bits);
}

// Sets, in a table looked up by `table_bits` bits, all entries that begin with `code` of `length` bits.
template <typename Entry>
void FillEntries(Entry* entries, int table_bits, int code, int length, Entry entry) {
  const int spread = table_bits - length;
  std::fill_n(entries + (static_cast<size_t>(code) << spread), size_t{1} << spread, entry);
}

// The same for a code and each value that can follow it.
template <typename Entry, typename MakeEntry>
void FillValues(Entry* entries, int table_bits, int code, int length, int value_length, MakeEntry make) {
  if (value_length == 0) return FillEntries(entries, table_bits, code, length, make(int16_t{0}));
  for (int value = 0; value < 1 << value_length; value++) {
    FillEntries(entries, table_bits, (code << value_length) | value, length + value_length,
                make(ValueOf(value, value_length)));
  }
}

}  // namespace

bool HuffmanCodes::IsOf(const JHUFF_TBL* table) const {
  return built && std::memcmp(counts, table->bits, sizeof(counts)) == 0 &&
         std::memcmp(symbols, table->huffval, sizeof(symbols)) == 0;
}

template <typename Visit>
void HuffmanCodes::ForEach(Visit visit) const {
  for (int length = 1; length <= kMaxCodeBits; length++) {
    for (int code = last_code[length] - counts[length] + 1; code <= last_code[length]; code++) {
      visit(code, length, symbols[first_index[length] + code]);
    }
  }
}

bool HuffmanCodes::Build(const JHUFF_TBL* table) {
  built = false;
  std::memcpy(counts, table->bits, sizeof(counts));
  std::memcpy(symbols, table->huffval, sizeof(symbols));
  int code = 0;
  int index = 0;
  for (int length = 1; length <= kMaxCodeBits; length++) {
    const int count = counts[length];
    // No code is all ones.
    if (index + count > 256 || code + count >= (1 << length)) return false;
    first_index[length] = index - code;
    last_code[length] = count > 0 ? code + count - 1 : -1;
    index += count;
    code = (code + count) << 1;
  }
  std::fill(shorts, shorts + (1 << kShortBits), Short{0, 0});
  ForEach([&](int code, int length, int symbol) {
    if (length > kShortBits) return;
    FillEntries(shorts, kShortBits, code, length, Short{static_cast<uint8_t>(length), static_cast<uint8_t>(symbol)});
  });
  built = true;
  return true;
}
bool DcTable::Build(const JHUFF_TBL* table) {
  if (table == nullptr) return false;
  if (codes.IsOf(table)) return true;
  if (!codes.Build(table)) return false;
  bool valid = true;
  std::fill(entries, entries + (1 << kBits), Entry{0, 0});
  codes.ForEach([&](int code, int length, int category) {
    if (category > 15) valid = false;
    const int bits = length + category;
    if (category > kMaxDcCategory || bits > kBits) return;
    FillValues(entries, kBits, code, length, category,
               [bits](int16_t difference) { return Entry{difference, static_cast<uint8_t>(bits)}; });
  });
  codes.built = valid;
  return valid;
}

bool AcTable::Build(const JHUFF_TBL* table) {
  if (table == nullptr) return false;
  if (codes.IsOf(table)) return true;
  if (!codes.Build(table)) return false;
  std::fill(singles_, singles_ + (1 << kBits), Single{0, kTooLong, 0});
  codes.ForEach([&](int code, int length, int symbol) {
    const int bits = length + (symbol & 15);
    const int advance = AdvanceOf(symbol);
    if (advance == 0 || bits > kBits) return;
    FillValues(singles_, kBits, code, length, symbol & 15, [advance, bits](int16_t value) {
      return Single{value, static_cast<uint8_t>(advance), static_cast<uint8_t>(bits)};
    });
  });
  for (int window = 0; window < 1 << kBits; window++) entries[window] = Combine(window);
  return true;
}

AcTable::Entry AcTable::Combine(int window) const {
  constexpr int kMask = (1 << kBits) - 1;
  Entry entry{{0, 0}, kEndOfBlock, kEndOfBlock, 0, 0};
  for (int i = 0; i < 3; i++) {
    const Single next = singles_[(window << entry.bits) & kMask];
    const bool ends = next.advance == kEndOfBlock;
    if (next.advance == kTooLong || entry.bits + next.bits > kBits || (i == 2 && !ends)) break;
    // Never so far that the end of the block could not be told any more.
    if (!ends && entry.advance + next.advance >= kEndOfBlock) break;
    entry.bits = static_cast<uint8_t>(entry.bits + next.bits);
    entry.advance = static_cast<uint8_t>(entry.advance + next.advance);
    if (ends) break;
    entry.values[i] = next.value;
    (i == 0 ? entry.first : entry.second) = entry.advance;
  }
  if (entry.bits == 0) entry.advance = kTooLong;
  return entry;
}

bool SkipTable::Build(const JHUFF_TBL* table) {
  if (table == nullptr) return false;
  if (codes.IsOf(table)) return true;
  if (!codes.Build(table)) return false;
  std::fill(singles_, singles_ + (1 << kBits), Entry{0, kTooLong});
  codes.ForEach([&](int code, int length, int symbol) {
    const int bits = length + (symbol & 15);
    const int advance = AdvanceOf(symbol);
    if (advance == 0 || length > kBits) return;
    const Entry entry{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits > kBits ? kTooLong + advance : advance)};
    FillEntries(singles_, kBits, code, length, entry);
  });
  for (int window = 0; window < 1 << kBits; window++) entries[window] = Combine(window);
  return true;
}

SkipTable::Entry SkipTable::Combine(int window) const {
  Entry entry = singles_[window];
  while (entry.bits < kBits && entry.advance < kEndOfBlock) {
    const Entry next = singles_[(window << entry.bits) & ((1 << kBits) - 1)];
    if (next.advance >= kTooLong || entry.bits + next.bits > kBits) break;
    if (next.advance < kEndOfBlock && entry.advance + next.advance >= kEndOfBlock) break;
    entry.bits = static_cast<uint8_t>(entry.bits + next.bits);
    entry.advance = static_cast<uint8_t>(entry.advance + next.advance);
  }
  return entry;
}

}  // namespace canopy
