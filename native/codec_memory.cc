#include "codec_memory.h"

#include <cstdlib>
#include <cstring>
// jerror.h needs jpeglib.h before it.
#include <jerror.h>

// jpeglib.h leaves these to the memory manager.
struct jvirt_sarray_control : canopy::VirtualArray<JSAMPLE> {};
struct jvirt_barray_control : canopy::VirtualArray<JBLOCK> {};

namespace canopy {
namespace {

// What libjpeg's own manager says; used by compressors only.
constexpr long kMaxChunk = 1'000'000'000;

constexpr int kMallocFailed = 0;

[[noreturn]] void FailOutOfMemory(j_common_ptr info, int reason) {
  ERREXIT1(info, JERR_OUT_OF_MEMORY, reason);
  std::abort();  // error_exit does not return
}

template <typename Element>
void Realize(j_common_ptr info, VirtualArray<Element>* list,
             Element** (*allocate)(j_common_ptr, int, JDIMENSION, JDIMENSION)) {
  for (VirtualArray<Element>* array = list; array != nullptr; array = array->next) {
    if (array->rows == nullptr) array->rows = allocate(info, JPOOL_IMAGE, array->row_length, array->row_count);
  }
}

}  // namespace

CodecMemory::CodecMemory(uint64_t limit, size_t keep) : manager_{}, limit_(limit), keep_(keep) {
  manager_.memory = this;
  jpeg_memory_mgr& base = manager_.base;
  base.alloc_small = OnAllocate;
  base.alloc_large = OnAllocate;
  base.alloc_sarray = OnRows<JSAMPLE>;
  base.alloc_barray = OnRows<JBLOCK>;
  base.request_virt_sarray = OnRequest<jvirt_sarray_control, JSAMPLE>;
  base.request_virt_barray = OnRequest<jvirt_barray_control, JBLOCK>;
  base.realize_virt_arrays = OnRealize;
  base.access_virt_sarray = OnAccess<jvirt_sarray_control, JSAMPLE>;
  base.access_virt_barray = OnAccess<jvirt_barray_control, JBLOCK>;
  base.free_pool = OnFreePool;
  base.self_destruct = OnSelfDestruct;
  base.max_memory_to_use = static_cast<long>(limit);
  base.max_alloc_chunk = kMaxChunk;
}

void CodecMemory::Reset() {
  for (int pool = 0; pool < JPOOL_NUMPOOLS; pool++) ResetPool(pool);
}

// Virtual arrays live in the pool of the image, as in libjpeg.
void CodecMemory::ResetPool(int pool) {
  pools_[pool].Reset(keep_);
  used_[pool] = 0;
  if (pool != JPOOL_IMAGE) return;
  sample_arrays_ = nullptr;
  block_arrays_ = nullptr;
}

void* CodecMemory::OnAllocate(j_common_ptr info, int pool, size_t size) {
  CodecMemory& memory = Of(info);
  if (pool < 0 || pool >= JPOOL_NUMPOOLS) ERREXIT1(info, JERR_BAD_POOL_ID, pool);
  uint64_t used = size;
  for (uint64_t other : memory.used_) used += other;
  if (size > memory.limit_ || used > memory.limit_) FailOutOfMemory(info, kBeyondLimit);
  void* result = memory.pools_[pool].Allocate(size);
  if (result == nullptr) FailOutOfMemory(info, kMallocFailed);
  memory.used_[pool] += size;
  return result;
}

void CodecMemory::OnFreePool(j_common_ptr info, int pool) {
  // ERREXIT1 does not return, which the compiler cannot know.
  if (pool < 0 || pool >= JPOOL_NUMPOOLS) {
    ERREXIT1(info, JERR_BAD_POOL_ID, pool);
    return;
  }
  Of(info).ResetPool(pool);
}

void CodecMemory::OnSelfDestruct(j_common_ptr info) { Of(info).Reset(); }

void CodecMemory::OnRealize(j_common_ptr info) {
  Realize(info, Of(info).sample_arrays_, OnRows<JSAMPLE>);
  Realize(info, Of(info).block_arrays_, OnRows<JBLOCK>);
}

// libjpeg's SIMD code writes whole registers: rows begin aligned and end with a multiple of twice the widest register.
template <typename Element>
Element** CodecMemory::OnRows(j_common_ptr info, int pool, JDIMENSION row_length, JDIMENSION row_count) {
  const uint64_t length = uint64_t{row_length} * sizeof(Element);
  const uint64_t stride = (length + Arena::kAlignment - 1) / Arena::kAlignment * Arena::kAlignment;
  const uint64_t limit = Of(info).limit_;
  if (stride > limit || (row_count > 0 && stride > limit / row_count)) FailOutOfMemory(info, kBeyondLimit);
  Element** rows = static_cast<Element**>(OnAllocate(info, pool, row_count * sizeof(Element*)));
  unsigned char* samples = static_cast<unsigned char*>(OnAllocate(info, pool, static_cast<size_t>(stride * row_count)));
  for (JDIMENSION y = 0; y < row_count; y++) rows[y] = reinterpret_cast<Element*>(samples + size_t{y} * stride);
  return rows;
}

// Arrays begin as zeros, whether `pre_zero` asks for it or not.
template <typename Array, typename Element>
Array* CodecMemory::OnRequest(j_common_ptr info, int, boolean, JDIMENSION row_length, JDIMENSION row_count,
                              JDIMENSION) {
  Array* array = static_cast<Array*>(OnAllocate(info, JPOOL_IMAGE, sizeof(Array)));
  VirtualArray<Element>** list = Of(info).ListOf(array);
  array->rows = nullptr;
  array->row_count = row_count;
  array->row_length = row_length;
  array->defined_rows = 0;
  array->next = *list;
  *list = array;
  return array;
}

template <typename Array, typename Element>
Element** CodecMemory::OnAccess(j_common_ptr info, Array* array, JDIMENSION start, JDIMENSION count, boolean) {
  if (array->rows == nullptr || start > array->row_count || count > array->row_count - start) {
    ERREXIT(info, JERR_BAD_VIRTUAL_ACCESS);
  }
  for (; array->defined_rows < start + count; array->defined_rows++) {
    std::memset(array->rows[array->defined_rows], 0, size_t{array->row_length} * sizeof(Element));
  }
  return array->rows + start;
}

}  // namespace canopy
