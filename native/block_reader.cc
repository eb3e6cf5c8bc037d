#include "block_reader.h"

#include "coefficients.h"
#include "idct.h"
#include "scan_layout.h"
#include "simd.h"

namespace canopy {
namespace {

// Position within a BlockQuad of each coefficient in the order of the file.
struct QuadPositions {
  uint16_t of[DCTSIZE2];
  constexpr QuadPositions() : of{} {
    for (int k = 0; k < DCTSIZE2; k++) {
      of[k] = static_cast<uint16_t>(BlockQuad::PositionOf(TransformOrder(kZigzag[k])));
    }
  }
};
constexpr QuadPositions kPositions;

// Reads the one symbol after the first `k` coefficients of a block, however long its code. Returns the `k` of what
// comes next, kEndOfBlock at the end of the block, or -1 if the data are malformed.
CANOPY_INLINE int ReadSymbol(const BlockPlace& place, int k, BitReader* reader) {
  if (k == 0) {
    reader->Refill();
    const int category = TakeSymbol(place.first->codes, reader);
    if (category < 0 || category > kMaxDcCategory) return -1;
    place.coefficients[0] = static_cast<int16_t>(category == 0 ? 0 : reader->TakeValue(category));
    return 1;
  }
  const Coefficient next = ReadLongSymbol(place.ac->codes, reader, k - 1);
  if (next.k < 0 || next.k == kEndOfBlock) return next.k;
  place.coefficients[kPositions.of[next.k]] = static_cast<int16_t>(next.value);
  return next.k + 1;
}

// Steps by their address as a number: a pointer must not go from one table to another, nor can it be chosen without a
// branch.
CANOPY_INLINE const BlockStep& StepAt(uintptr_t steps, uint32_t window) {
  return reinterpret_cast<const BlockStep*>(steps)[window];
}

}  // namespace

// The speed is limited by the way from one step to the next: take its bits, look at what follows, load the next step.
// So all blocks are one loop. It goes from one block to the next without a branch, which would be mispredicted at most
// ends, and has the next block's tables loaded by then.
CANOPY_AVX2 bool ReadBlocks(const BlockPlace* place, const BlockPlace* end, BitReader* from) {
  BitReader reader = *from;
  uintptr_t steps = reinterpret_cast<uintptr_t>(place->first->steps);
  uintptr_t within = reinterpret_cast<uintptr_t>(place->ac->steps);
  uintptr_t to_next = place->to_next;
  int16_t* coefficients = place->coefficients;
  uintptr_t k = 0;
  for (;;) {
    reader.Refill();
    for (int i = 0; i < BlockStep::kPerRefill; i++) {
      const BlockStep& step = StepAt(steps, reader.Peek(BlockStep::kBits));
      const intptr_t advance = step.advance;
      const uintptr_t next = k + static_cast<uintptr_t>(advance & ~intptr_t{BlockStep::kEnd});
      uintptr_t ended;  // all ones if the block has ended
      if (__builtin_expect((next & BlockStep::kHard) != 0, 0)) {
        const int after = ReadSymbol(*place, static_cast<int>(k), &reader);
        if (after < 0) return false;
        ended = after == kEndOfBlock ? ~uintptr_t{0} : 0;
        k = static_cast<uintptr_t>(after) % kEndOfBlock;
        i = BlockStep::kPerRefill;
      } else {
        reader.Skip(step.bits);
        coefficients[kPositions.of[k + step.second]] = step.values[1];
        coefficients[kPositions.of[k + step.first]] = step.values[0];
        ended = static_cast<uintptr_t>(advance >> (8 * sizeof(advance) - 1));
        k = next & ~ended;
      }
      steps = within + (to_next & ended);
      place = reinterpret_cast<const BlockPlace*>(reinterpret_cast<uintptr_t>(place) + (ended & sizeof(BlockPlace)));
      if (place == end) {
        *from = reader;
        return true;
      }
      coefficients = place->coefficients;
      within = reinterpret_cast<uintptr_t>(place->ac->steps);
      to_next = place->to_next;
    }
  }
}

}  // namespace canopy
