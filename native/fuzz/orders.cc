// Decodes good, damaged and incomplete files with one decoder in random orders. Each must end as it does in a decoder
// that has seen no other file: nothing that libjpeg or the decoder keeps may change the result.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "../decode.h"
#include "surgery.h"

namespace {

using canopy::Bytes;

constexpr int kSize = 16;

struct Result {
  std::string failure;
  Bytes pixels;

  bool operator==(const Result& other) const { return failure == other.failure && pixels == other.pixels; }
};

struct Trial {
  std::string name;
  Bytes file;
  canopy::DecodeOptions options;
  Result expected;
};

Result Decode(canopy::Decoder* decoder, const Bytes& file, const canopy::DecodeOptions& options) {
  Result result;
  result.pixels.resize(static_cast<size_t>(options.size) * static_cast<size_t>(options.size) * 3);
  try {
    decoder->DecodeInto({file.data(), file.size()}, options, result.pixels.data());
  } catch (const canopy::DecodeError& error) {
    result.failure = std::string(canopy::ErrorCodeName(error.code())) + ": " + error.what();
    result.pixels.clear();
  }
  return result;
}

std::vector<Bytes> Variants(const Bytes& file, std::mt19937* random) {
  std::vector<Bytes> variants{file, Bytes(file.begin(), file.begin() + file.size() * 7 / 10)};
  // Quantisation tables, Huffman tables, restart interval, JFIF and Adobe marker.
  for (uint8_t marker : {0xDB, 0xC4, 0xDD, 0xE0, 0xEE}) {
    const Bytes variant = canopy::WithoutSegments(file, marker);
    if (variant.size() < file.size()) variants.push_back(variant);
  }
  for (int i = 0; i < 4; i++) {
    Bytes variant = file;
    variant[2 + (*random)() % (file.size() - 2)] ^= static_cast<uint8_t>(1 << i);
    variants.push_back(variant);
  }
  return variants;
}

// The seeds' first byte is not the JPEG's.
Bytes ReadSeed(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  Bytes bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  bytes.erase(bytes.begin());
  return bytes;
}

// At an eighth of the size, a good progressive file has the pixels it has when libjpeg reads all of its scans.
bool AgreesWithLibjpeg(const Bytes& file) {
  canopy::DecodeOptions options;
  options.size = 1;
  options.max_pixels = 1 << 20;
  options.antialias = true;
  canopy::JpegReader reader;
  canopy::Decoder decoder;
  if (!reader.Open({file.data(), file.size()}, {options.max_pixels, false}).progressive) return true;
  return Decode(&decoder, file, options) == Decode(&decoder, canopy::ForLibjpegOnly(file), options);
}

std::vector<Trial> MakeTrials(const char* folder, std::mt19937* random) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Trial> trials;
  for (const auto& path : paths) {
    const Bytes file = ReadSeed(path);
    if (file.size() < 2 || file[0] != 0xFF) continue;
    if (!AgreesWithLibjpeg(file)) {
      std::printf("%s: libjpeg alone decodes it otherwise\n", path.filename().c_str());
      std::exit(1);
    }
    for (const Bytes& variant : Variants(file, random)) {
      canopy::DecodeOptions options;
      options.size = trials.size() % 3 == 0 ? 1 : kSize;
      options.max_pixels = 1 << 20;
      options.accept_truncated = trials.size() % 2 == 0;
      canopy::Decoder fresh;
      trials.push_back({path.filename().string(), variant, options, Decode(&fresh, variant, options)});
    }
  }
  return trials;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: orders FOLDER ROUNDS\n"), 2;
  std::mt19937 random(7);
  std::vector<Trial> trials = MakeTrials(argv[1], &random);
  canopy::Decoder used;
  const int rounds = std::atoi(argv[2]);
  for (int round = 0; round < rounds; round++) {
    std::shuffle(trials.begin(), trials.end(), random);
    for (const Trial& trial : trials) {
      const Result result = Decode(&used, trial.file, trial.options);
      if (result == trial.expected) continue;
      std::printf("%s, size %d, round %d: \"%s\" instead of \"%s\"\n", trial.name.c_str(), trial.options.size, round,
                  result.failure.c_str(), trial.expected.failure.c_str());
      return 1;
    }
  }
  const auto bad =
      std::count_if(trials.begin(), trials.end(), [](const Trial& t) { return !t.expected.failure.empty(); });
  std::printf("%d rounds of %zu files, %td of them bad: as in a new decoder\n", rounds, trials.size(), bad);
  return 0;
}
