// Arguments of functions, unpacked and checked as far as memory safety needs; TypeScript checks their meaning. What is
// wrong becomes a TypeError or a RangeError.
//
// Reading a property may run JavaScript, which may shrink, detach or drop an array seen before. So each function first
// reads all its values, and only then asks for the memory of arrays. No JavaScript runs between that and their use.
#ifndef CANOPY_NATIVE_ADDON_ARGUMENTS_H_
#define CANOPY_NATIVE_ADDON_ARGUMENTS_H_

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "decode.h"
#include "image.h"
#include "tile_reader.h"

namespace canopy {

// The largest whole number up to which JavaScript holds all exactly.
constexpr uint64_t kMaxCount = (uint64_t{1} << 53) - 1;

// "Expected `path` to be a string": `what` begins with the name.
[[noreturn]] void ThrowType(Napi::Env env, const std::string& what);
[[noreturn]] void ThrowRange(Napi::Env env, const std::string& what);

Napi::Object GetObject(const Napi::Value& value, const char* name);
Napi::Array GetList(const Napi::Value& value, const char* name);
std::string GetText(const Napi::Value& value, const char* name);
bool GetFlag(const Napi::Value& value, const char* name);
double GetNumber(const Napi::Value& value, const char* name);
uint64_t GetCount(const Napi::Value& value, const char* name, uint64_t least = 0, uint64_t most = kMaxCount);
// Pixels along one side.
int GetDimension(const Napi::Value& value, const char* name);
// How many threads to use: the number asked for, but no more than can run at once.
size_t GetThreads(const Napi::Value& value);
DecodeOptions GetDecodeOptions(const Napi::Value& value);
void GetTile(const Napi::Value& value, TileLocation* tile);

// The product of sizes that arguments claim. RangeError beyond kMaxCount, which no array has.
uint64_t CheckedProduct(Napi::Env env, std::initializer_list<uint64_t> factors);

template <typename Element>
struct Span {
  Element* data;
  size_t length;
};

// The memory of a typed array as it is now. It is taken from the array itself: on Node 20, asking its buffer fails for
// shared memory.
template <typename Element>
Span<Element> GetArray(const Napi::Value& value, const char* name);
// The same for an array of at least `length` elements.
template <typename Element>
Element* GetArray(const Napi::Value& value, const char* name, uint64_t length);

// Throws unless what is read lies apart from what is written.
void CheckApart(Napi::Env env, ByteSpan read, const char* read_name, ByteSpan written, const char* written_name);

}  // namespace canopy

#endif  // CANOPY_NATIVE_ADDON_ARGUMENTS_H_
