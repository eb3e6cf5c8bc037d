// Prints a hash of the resize's weights for many sizes, and for each file in a folder a hash of its pixels, at its own
// size and resized to a few others, or why there are none. Lines of two machines, or under two values of CANOPY_SIMD,
// must be the same: arm64.sh compares them.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "../decode.h"
#include "../error.h"
#include "../filter_table.h"

namespace {

using Bytes = std::vector<uint8_t>;

// FNV-1a.
constexpr uint64_t kSeed = 0xCBF29CE484222325u;
void Add(const Bytes& bytes, uint64_t* hash) {
  for (uint8_t byte : bytes) *hash = (*hash ^ byte) * 0x100000001B3u;
}

Bytes ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

uint64_t HashOf(const Bytes& file, canopy::Decoder* decoder) {
  canopy::DecodeOptions options;
  options.max_pixels = 100'000'000;
  uint64_t hash = kSeed;
  Add(decoder->DecodeFull({file.data(), file.size()}, options).pixels, &hash);
  for (int size : {224, 128, 61, 8}) {
    for (bool antialias : {true, false}) {
      options.size = size;
      options.antialias = antialias;
      Bytes pixels(static_cast<size_t>(size) * static_cast<size_t>(size) * 3);
      decoder->DecodeInto({file.data(), file.size()}, options, pixels.data());
      Add(pixels, &hash);
    }
  }
  return hash;
}

// A weight of thousands may differ, and then a pixel of a few pictures.
uint64_t HashOfWeights() {
  uint64_t hash = kSeed;
  for (int source : {97, 256, 1000}) {
    for (int size = 1; size < 400; size++) {
      canopy::FilterTable table;
      canopy::BuildFilterTable({{source, 0, source}, 1, size, true}, &table);
      for (size_t i = 0; i < static_cast<size_t>(size * table.taps); i++) {
        const uint16_t weight = table.weights[i];
        Add({static_cast<uint8_t>(weight), static_cast<uint8_t>(weight >> 8)}, &hash);
      }
    }
  }
  return hash;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: pixels FOLDER\n"), 2;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::printf("weights %016" PRIx64 "\n", HashOfWeights());
  canopy::Decoder decoder;
  for (const std::filesystem::path& path : paths) {
    const std::string name = path.lexically_relative(argv[1]).string();
    try {
      std::printf("%s %016" PRIx64 "\n", name.c_str(), HashOf(ReadFile(path), &decoder));
    } catch (const canopy::DecodeError& error) {
      std::printf("%s %s\n", name.c_str(), canopy::ErrorCodeName(error.code()));
    }
  }
  return 0;
}
