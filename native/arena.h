// Arena: memory that is handed out piece by piece and freed all at once.
#ifndef CANOPY_NATIVE_ARENA_H_
#define CANOPY_NATIVE_ARENA_H_

#include <cstddef>

namespace canopy {

// After a few rounds of the same requests everything lies in one block, and neither Allocate nor Reset calls malloc or
// free any more.
class Arena {
 public:
  // Sizes are rounded up to it, and addresses aligned at it: a cache line, twice the widest register.
  static constexpr size_t kAlignment = 64;

  Arena() = default;
  ~Arena() { Reset(0); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // nullptr if there is no memory. `size` is at most SIZE_MAX / 2.
  void* Allocate(size_t size);
  // Frees all that was allocated; keeps at most `keep` bytes for later.
  void Reset(size_t keep);

 private:
  struct Block {
    Block* next;
    size_t size;  // usable, behind the header of kAlignment bytes
  };
  bool AddBlock(size_t size);

  Block* blocks_ = nullptr;  // the newest first
  unsigned char* at_ = nullptr;
  size_t left_ = 0;
  size_t next_size_ = 0;  // the next block's at least
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_ARENA_H_
