// What can go wrong in the core, as the one exception it throws beside std::bad_alloc. Codes are those of NativeFailure
// in src/addon.ts.
#ifndef CANOPY_NATIVE_ERROR_H_
#define CANOPY_NATIVE_ERROR_H_

#include <exception>
#include <string>
#include <utility>

namespace canopy {

enum class ErrorCode { kRead, kEmpty, kFormat, kCorrupt, kTruncated, kLimit, kColorspace, kForeign, kOutOfMemory };

inline const char* ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kRead:
      return "READ";
    case ErrorCode::kEmpty:
      return "EMPTY";
    case ErrorCode::kFormat:
      return "FORMAT";
    case ErrorCode::kCorrupt:
      return "CORRUPT";
    case ErrorCode::kTruncated:
      return "TRUNCATED";
    case ErrorCode::kLimit:
      return "LIMIT";
    case ErrorCode::kColorspace:
      return "COLORSPACE";
    case ErrorCode::kForeign:
      return "FOREIGN";
    case ErrorCode::kOutOfMemory:
      return "OUT_OF_MEMORY";
  }
  return "CORRUPT";
}

constexpr char kOutOfMemoryMessage[] = "There was not enough memory";

class DecodeError : public std::exception {
 public:
  DecodeError(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  ErrorCode code() const { return code_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_ERROR_H_
