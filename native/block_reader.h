// Reading the blocks of a baseline scan: from entropy-coded data to quantised coefficients.
#ifndef CANOPY_NATIVE_BLOCK_READER_H_
#define CANOPY_NATIVE_BLOCK_READER_H_

#include <cstdint>

#include "bit_reader.h"
#include "huffman.h"

namespace canopy {

// Where a block goes, and the tables that read it.
struct BlockPlace {
  int16_t* coefficients;  // within a BlockQuad
  const FirstTable* first;
  const AcTable* ac;
  uintptr_t to_next;  // see Link

  // `next` is where the block after this one goes.
  void Link(const BlockPlace& next) {
    to_next = reinterpret_cast<uintptr_t>(next.first->steps) - reinterpret_cast<uintptr_t>(ac->steps);
  }
};

// Reads one block for each place from `places` up to `end`, in the order of the file; all of them are linked. First
// coefficients are differences. False if the data are malformed.
bool ReadBlocks(const BlockPlace* places, const BlockPlace* end, BitReader* reader);

}  // namespace canopy

#endif  // CANOPY_NATIVE_BLOCK_READER_H_
