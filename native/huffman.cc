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

namespace {

constexpr int kStepBits = BlockStep::kBits;
constexpr size_t kStepCount = size_t{1} << kStepBits;
constexpr BlockStep kHardStep{0, BlockStep::kHard, 0, 0, {0, 0}};

uint64_t WordOf(const BlockStep& step) {
  uint64_t word;
  std::memcpy(&word, &step, sizeof(word));
  return word;
}

inline int BitsOf(uint64_t word) {
  BlockStep step;
  std::memcpy(&step, &word, sizeof(step));
  return step.bits;
}

// A coefficient `advance` places on, or the end of the block, as the only one of a step.
BlockStep SingleStep(int bits, int advance, int16_t value) {
  if (advance == kEndOfBlock) return {static_cast<uint8_t>(bits), BlockStep::kEnd, 0, 0, {0, 0}};
  return {static_cast<uint8_t>(bits),
          static_cast<int8_t>(advance),
          static_cast<uint8_t>(advance - 1),
          static_cast<uint8_t>(advance),
          {value, 0}};
}

// The same as what follows another coefficient.
uint64_t TailOf(const BlockStep& single) {
  if (single.advance == BlockStep::kEnd) return WordOf(single);
  return WordOf({single.bits, single.advance, 0, single.first, {0, single.values[0]}});
}

// Fills in the steps that begin with `code` of `length` bits and one of the values that may follow it.
void FillSteps(BlockStep* steps, const uint64_t* tails, int code, int length, int value_length, int advance) {
  const int bits = length + value_length;
  const size_t spread = kStepCount >> bits;
  for (int value = 0; value < 1 << value_length; value++) {
    const int16_t coefficient = value_length == 0 ? int16_t{0} : ValueOf(value, value_length);
    const uint64_t head = WordOf(SingleStep(bits, advance, coefficient));
    BlockStep* to = steps + static_cast<size_t>((code << value_length) | value) * spread;
    for (size_t i = 0; i < spread; i++) {
      const uint64_t step = head + tails[spread + i];
      std::memcpy(to + i, &step, sizeof(step));
    }
  }
}

// What windows of kStepBits bits hold: their first symbol, and the end of the block if that follows. As words; kUnfit,
// which has more bits than there are, if the first symbol does not fit.
struct Windows {
  static constexpr uint8_t kUnfit = 255;
  uint64_t first[kStepCount];
  uint64_t with_end[kStepCount];

  explicit Windows(const HuffmanCodes& codes) {
    const uint64_t unfit = WordOf({kUnfit, 0, 0, 0, {0, 0}});
    std::fill(first, first + kStepCount, unfit);
    std::fill(with_end, with_end + kStepCount, unfit);
    int end_code = 0;
    int end_length = kStepBits + 1;
    codes.ForEach([&](int code, int length, int symbol) {
      if (symbol != 0) return;
      end_code = code;
      end_length = length;
    });
    codes.ForEach([&](int code, int length, int symbol) {
      const int value_length = symbol & 15;
      const int bits = length + value_length;
      const int advance = AdvanceOf(symbol);
      if (advance == 0 || bits > kStepBits) return;
      for (int value = 0; value < 1 << value_length; value++) {
        const int16_t coefficient = value_length == 0 ? int16_t{0} : ValueOf(value, value_length);
        const uint64_t word = TailOf(SingleStep(bits, advance, coefficient));
        const int prefix = (code << value_length) | value;
        FillEntries(first, kStepBits, prefix, bits, word);
        FillEntries(with_end, kStepBits, prefix, bits, word);
        if (advance == kEndOfBlock || bits + end_length > kStepBits) continue;
        const uint64_t end = WordOf(SingleStep(end_length, kEndOfBlock, 0));
        FillEntries(with_end, kStepBits, (prefix << end_length) | end_code, bits + end_length, word + end);
      }
    });
  }
};

}  // namespace

bool AcTable::Build(const JHUFF_TBL* table) {
  if (table == nullptr) return false;
  if (codes.IsOf(table)) return true;
  if (!codes.Build(table)) return false;
  version_++;
  Windows windows(codes);
  for (int left = kStepBits - 1; left >= 0; left--) {
    const size_t count = size_t{1} << left;
    for (size_t i = 0; i < count; i++) {
      const uint64_t first = windows.first[i] = windows.first[2 * i];
      const uint64_t with_end = windows.with_end[i] = windows.with_end[2 * i];
      tails_[count + i] = BitsOf(with_end) <= left ? with_end : BitsOf(first) <= left ? first : 0;
    }
  }
  std::fill(steps, steps + kStepCount, kHardStep);
  codes.ForEach([&](int code, int length, int symbol) {
    const int advance = AdvanceOf(symbol);
    if (advance == 0 || length + (symbol & 15) > kStepBits) return;
    if (advance == kEndOfBlock) return FillEntries(steps, kStepBits, code, length, SingleStep(length, advance, 0));
    FillSteps(steps, tails_, code, length, symbol & 15, advance);
  });
  return true;
}

bool FirstTable::Build(const JHUFF_TBL* table, const AcTable& ac) {
  if (table == nullptr) return false;
  if (codes.IsOf(table) && ac_ == &ac && ac_version_ == ac.version_) return true;
  if (!codes.Build(table)) return false;
  ac_ = &ac;
  ac_version_ = ac.version_;
  bool valid = true;
  std::fill(steps, steps + kStepCount, kHardStep);
  codes.ForEach([&](int code, int length, int category) {
    if (category > 15) valid = false;
    if (category > kMaxDcCategory || length + category > kStepBits) return;
    FillSteps(steps, ac.tails_, code, length, category, 1);
  });
  codes.built = valid;
  return valid;
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
