// TileReader: a tile's bytes from the file system into one reused buffer.
#ifndef CANOPY_NATIVE_TILE_READER_H_
#define CANOPY_NATIVE_TILE_READER_H_

#include <cstdint>
#include <string>
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

// One per thread. Keeps the last file open while consecutive tiles come from it, as members of an archive do.
class TileReader {
 public:
  TileReader() = default;
  ~TileReader();
  TileReader(const TileReader&) = delete;
  TileReader& operator=(const TileReader&) = delete;

  // The tile's bytes, valid until the next call. Bytes that are not JPEG are read no further than needed to see that.
  // Throws DecodeError.
  ByteSpan Read(const TileLocation& tile);
  // Closes the last file and gives back a buffer that one huge tile has blown up.
  void Release();

 private:
  void Open(const TileLocation& tile);
  void Fill(uint64_t offset, size_t from, size_t to);

  std::vector<uint8_t> buffer_;
  std::string path_;
  int file_ = -1;
  uint64_t file_size_ = 0;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_TILE_READER_H_
