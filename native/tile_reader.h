// TileReader: a tile's bytes from the file system into one reused buffer.
#ifndef CANOPY_NATIVE_TILE_READER_H_
#define CANOPY_NATIVE_TILE_READER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "image.h"

namespace canopy {

struct TileLocation {
  std::string path;
  uint64_t offset = 0;
  // Bytes from `offset`; kToEnd: to the end of the file.
  uint64_t byte_length = 0;
};

constexpr uint64_t kToEnd = UINT64_MAX;

// An open file, or none (-1).
class FileDescriptor {
 public:
  explicit FileDescriptor(int file = -1) : file_(file) {}
  ~FileDescriptor() { Close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  int get() const { return file_; }
  bool is_open() const { return file_ >= 0; }
  void Close();

 private:
  int file_;
};

// One per thread. Keeps the last file open while consecutive tiles come from it, as members of an archive do.
class TileReader {
 public:
  // The tile's bytes, valid until the next call. Of files that are not JPEG, or have more than `max_pixels`, only the
  // beginning is read. Throws DecodeError, or std::bad_alloc.
  ByteSpan Read(const TileLocation& tile, uint64_t max_pixels = UINT64_MAX);
  // Closes the last file and frees a buffer that has grown for a huge tile.
  void Release() noexcept;

 private:
  void Open(const TileLocation& tile);
  void Fill(uint64_t offset, size_t from, size_t to);

  std::vector<uint8_t> buffer_;
  std::string path_;
  FileDescriptor file_;
  uint64_t file_size_ = 0;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_TILE_READER_H_
