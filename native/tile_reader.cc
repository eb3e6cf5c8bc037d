#include "tile_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "decode.h"
#include "error.h"
#include "jpeg.h"

namespace canopy {
namespace {

// The largest tile that is read whole: far more than any JPEG within the pixel limit, and safe for memory.
constexpr uint64_t kMaxTileBytes = uint64_t{256} << 20;
constexpr size_t kKeptBytes = size_t{8} << 20;
// Read first, to see whether the rest is needed. Most tiles are smaller, so one read is enough.
constexpr size_t kFirstRead = size_t{64} << 10;

[[noreturn]] void FailToRead(const char* what, int error) {
  throw DecodeError(ErrorCode::kRead, std::string(what) + ": " + std::strerror(error));
}

}  // namespace

void FileDescriptor::Close() {
  if (file_ >= 0) close(file_);
  file_ = -1;
}

ByteSpan TileReader::Read(const TileLocation& tile, uint64_t max_pixels) {
  if (!file_.is_open() || tile.path != path_) Open(tile);
  if (tile.offset > file_size_) throw DecodeError(ErrorCode::kRead, "Tile begins after the end of its file");
  const uint64_t available = file_size_ - tile.offset;
  if (tile.byte_length != kToEnd && tile.byte_length > available) {
    throw DecodeError(ErrorCode::kTruncated, "Tile reaches beyond the end of its file");
  }
  const uint64_t wanted = std::min(available, tile.byte_length);
  const size_t first = static_cast<size_t>(std::min<uint64_t>(wanted, kFirstRead));
  if (buffer_.size() < first) buffer_.resize(kFirstRead);
  Fill(tile.offset, 0, first);
  CheckIsJpeg({buffer_.data(), first});
  if (wanted > first) CheckHead({buffer_.data(), first}, max_pixels);
  if (wanted > kMaxTileBytes) {
    throw DecodeError(ErrorCode::kLimit, "File of " + std::to_string(wanted) + " bytes exceeds the limit of " +
                                             std::to_string(kMaxTileBytes) + " bytes");
  }
  const size_t length = static_cast<size_t>(wanted);
  if (length > first) {
    if (buffer_.size() < length) buffer_.resize(length);
    Fill(tile.offset, first, length);
  }
  return {buffer_.data(), length};
}

void TileReader::Release() noexcept {
  file_.Close();
  if (buffer_.size() > kKeptBytes) std::vector<uint8_t>().swap(buffer_);
}

// O_NONBLOCK, so that opening a FIFO nobody writes to returns.
void TileReader::Open(const TileLocation& tile) {
  file_.Close();
  if (tile.path.find('\0') != std::string::npos) {
    throw DecodeError(ErrorCode::kRead, "Cannot open file: there is a zero byte in its name");
  }
  FileDescriptor file(open(tile.path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) FailToRead("Cannot open file", errno);
  struct stat status;
  if (fstat(file.get(), &status) != 0) FailToRead("Cannot read file", errno);
  if (S_ISDIR(status.st_mode)) throw DecodeError(ErrorCode::kRead, "Is a folder, not a file");
  if (!S_ISREG(status.st_mode)) throw DecodeError(ErrorCode::kRead, "Is not a regular file");
  path_ = tile.path;
  file_size_ = static_cast<uint64_t>(status.st_size);
  file_ = std::move(file);
}

void TileReader::Fill(uint64_t offset, size_t from, size_t to) {
  while (from < to) {
    const ssize_t count = pread(file_.get(), buffer_.data() + from, to - from, static_cast<off_t>(offset + from));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) FailToRead("Cannot read file", errno);
    if (count == 0) throw DecodeError(ErrorCode::kTruncated, "File became shorter while it was read");
    from += static_cast<size_t>(count);
  }
}

}  // namespace canopy
