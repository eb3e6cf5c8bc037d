// Counts what the native path allocates once it has seen every kind of tile: files of all kinds and sizes in turn, read
// by TileReader and decoded at several sizes. It must be nothing. Only with glibc, whose malloc can be replaced.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "../decode.h"
#include "../tile_reader.h"

namespace {

bool counting = false;
long allocations = 0;

#ifdef __GLIBC__

inline void Count() {
  if (counting) allocations++;
}

#endif

}  // namespace

#ifdef __GLIBC__

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) {
  Count();
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  Count();
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  Count();
  return __libc_realloc(memory, size);
}
void* memalign(size_t alignment, size_t size) {
  Count();
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  Count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  Count();
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? 12 : 0;
}
// Counted, too: memory that is freed must be allocated again.
void free(void* memory) {
  if (memory != nullptr) Count();
  __libc_free(memory);
}
}

#endif

namespace {

// The smaller ones take the way through an eighth of the size.
constexpr int kSizes[] = {16, 7, 3, 1};
constexpr int kLargest = 16;

struct Decoding {
  canopy::TileLocation tile;
  canopy::DecodeOptions options;
};

struct Worker {
  canopy::TileReader reader;
  canopy::Decoder decoder;
  uint8_t target[kLargest * kLargest * 3];

  bool Decode(const Decoding& decoding) {
    try {
      decoder.DecodeInto(reader.Read(decoding.tile), decoding.options, target);
      return true;
    } catch (const canopy::DecodeError&) {
      return false;  // its message is allocated, as a failure may be
    }
  }
};

// The seeds' first byte is not the JPEG's.
std::vector<Decoding> ListDecodings(const char* folder) {
  std::vector<Decoding> decodings;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    for (int size : kSizes) {
      canopy::DecodeOptions options;
      options.size = size;
      options.max_pixels = 1 << 20;
      options.antialias = decodings.size() % 5 != 0;
      decodings.push_back({{entry.path().string(), 1, canopy::kToEnd}, options});
    }
  }
  return decodings;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: allocations FOLDER ROUNDS\n"), 2;
#ifndef __GLIBC__
  std::printf("skipped: without glibc malloc cannot be counted\n");
  return 0;
#endif
  Worker worker;
  std::vector<Decoding> good;
  for (const Decoding& decoding : ListDecodings(argv[1])) {
    if (worker.Decode(decoding)) good.push_back(decoding);
  }
  // A second round finds each arena in one block.
  for (const Decoding& decoding : good) worker.Decode(decoding);
  const int rounds = std::atoi(argv[2]);
  counting = true;
  for (int i = 0; i < rounds; i++) {
    for (const Decoding& decoding : good) worker.Decode(decoding);
  }
  counting = false;
  std::printf("%zu decodes: %ld allocations\n", good.size() * static_cast<size_t>(rounds), allocations);
  return allocations == 0 && !good.empty() ? 0 : 1;
}
