// CodecMemory: the memory manager of a libjpeg object, which keeps its memory from one file to the next.
#ifndef CANOPY_NATIVE_CODEC_MEMORY_H_
#define CANOPY_NATIVE_CODEC_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "arena.h"
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace canopy {

// An array that libjpeg requests as a whole and accesses some rows at a time. Here all of it is always in memory.
template <typename Element>
struct VirtualArray {
  Element** rows;  // nullptr until realized
  JDIMENSION row_count;
  JDIMENSION row_length;
  JDIMENSION defined_rows;  // rows beyond are zeroed at their first access
  VirtualArray* next;
};

// The cause of a JERR_OUT_OF_MEMORY, as its argument: malloc failed (here or in libjpeg's own manager, whose numbers
// are smaller), or the file asks for more than the limit.
constexpr int kBeyondLimit = 100;

// libjpeg's own manager calls malloc for every file. Errors leave through the object's error_exit: JERR_OUT_OF_MEMORY
// beyond `limit` bytes or if malloc fails.
class CodecMemory {
 public:
  // Between files at most about `keep` bytes are kept.
  CodecMemory(uint64_t limit, size_t keep);
  CodecMemory(const CodecMemory&) = delete;
  CodecMemory& operator=(const CodecMemory&) = delete;

  // For the `mem` of one jpeg_decompress_struct.
  jpeg_memory_mgr* manager() { return &manager_.base; }
  // Frees all that was allocated through the manager.
  void Reset();

 private:
  struct Manager {
    jpeg_memory_mgr base;  // first, so that libjpeg's pointer to it is a pointer to this
    CodecMemory* memory;
  };

  static CodecMemory& Of(j_common_ptr info) { return *reinterpret_cast<Manager*>(info->mem)->memory; }
  static void* OnAllocate(j_common_ptr info, int pool, size_t size);
  static void OnFreePool(j_common_ptr info, int pool);
  static void OnSelfDestruct(j_common_ptr info);
  static void OnRealize(j_common_ptr info);
  template <typename Element>
  static Element** OnRows(j_common_ptr info, int pool, JDIMENSION row_length, JDIMENSION row_count);
  template <typename Array, typename Element>
  static Array* OnRequest(j_common_ptr info, int pool, boolean pre_zero, JDIMENSION row_length, JDIMENSION row_count,
                          JDIMENSION max_access);
  template <typename Array, typename Element>
  static Element** OnAccess(j_common_ptr info, Array* array, JDIMENSION start, JDIMENSION count, boolean writable);

  VirtualArray<JSAMPLE>** ListOf(VirtualArray<JSAMPLE>*) { return &sample_arrays_; }
  VirtualArray<JBLOCK>** ListOf(VirtualArray<JBLOCK>*) { return &block_arrays_; }
  void ResetPool(int pool);

  Manager manager_;
  const uint64_t limit_;
  const size_t keep_;
  Arena pools_[JPOOL_NUMPOOLS];
  uint64_t used_[JPOOL_NUMPOOLS] = {};
  VirtualArray<JSAMPLE>* sample_arrays_ = nullptr;
  VirtualArray<JBLOCK>* block_arrays_ = nullptr;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_CODEC_MEMORY_H_
