#include "arena.h"

#include <algorithm>
#include <cstdlib>

namespace canopy {
namespace {

constexpr size_t kMinBlock = size_t{64} << 10;

size_t RoundUp(size_t size) { return (size + Arena::kAlignment - 1) / Arena::kAlignment * Arena::kAlignment; }

}  // namespace

void* Arena::Allocate(size_t size) {
  const size_t rounded = RoundUp(size);
  if (rounded > left_ && !AddBlock(rounded)) return nullptr;
  void* result = at_;
  at_ += rounded;
  left_ -= rounded;
  return result;
}

// The rest of the block before is not used any more.
bool Arena::AddBlock(size_t size) {
  const size_t usable = std::max({size, next_size_, kMinBlock});
  void* memory = std::aligned_alloc(kAlignment, kAlignment + usable);
  if (memory == nullptr) return false;
  next_size_ = 0;
  Block* block = static_cast<Block*>(memory);
  *block = {blocks_, usable};
  blocks_ = block;
  at_ = static_cast<unsigned char*>(memory) + kAlignment;
  left_ = usable;
  return true;
}

void Arena::Reset(size_t keep) {
  if (blocks_ == nullptr) return;
  if (blocks_->next == nullptr && blocks_->size <= keep) {
    at_ = reinterpret_cast<unsigned char*>(blocks_) + kAlignment;
    left_ = blocks_->size;
    return;
  }
  size_t total = 0;
  while (blocks_ != nullptr) {
    Block* block = blocks_;
    blocks_ = block->next;
    total += block->size;
    std::free(block);
  }
  at_ = nullptr;
  left_ = 0;
  next_size_ = RoundUp(std::min(total, keep));
}

}  // namespace canopy
