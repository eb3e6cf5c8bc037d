// Lets each allocation in turn fail, alone or with all that follow, while tiles are decoded and encoded and a head is
// trained; the same for starting threads. Each time it must succeed or end in an error that says so, and later calls
// must work as before. Only with glibc, whose malloc can be replaced.
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "../decode.h"
#include "../encode.h"
#include "../head.h"
#include "../head_gram.h"
#include "../parallel.h"
#include "../tile_reader.h"

namespace {

// Of allocations or threads: those before `first` succeed, then `count` fail.
struct Failures {
  std::atomic<long> seen{0};
  std::atomic<long> first{-1};
  std::atomic<long> count{0};

  bool Next() {
    if (first < 0) return false;
    const long at = seen++;
    return at >= first && at - first < count;
  }
  void Arm(long at, long how_many) { seen = 0, first = at, count = how_many; }
  void Disarm() { first = -1; }
};

Failures memory;
Failures threads;

}  // namespace

#ifdef __GLIBC__
#include <dlfcn.h>

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) { return memory.Next() ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return memory.Next() ? nullptr : __libc_calloc(count, size); }
void* realloc(void* old, size_t size) { return memory.Next() ? nullptr : __libc_realloc(old, size); }
void* aligned_alloc(size_t alignment, size_t size) {
  return memory.Next() ? nullptr : __libc_memalign(alignment, size);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const Create create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return threads.Next() ? EAGAIN : create(thread, attributes, start, argument);
}
}
#endif

namespace {

constexpr int kSizes[] = {16, 1};
constexpr long kAll = 1 << 30;

// Without an allocation, which might be the one that fails.
[[noreturn]] void Fail(const char* what, const char* how, long at) {
  std::fprintf(stderr, "%s: %s, failing at %ld\n", what, how, at);
  std::_Exit(1);
}

enum class Outcome { kDone, kOutOfMemory };

// Any other exception ends the program.
template <typename Work>
Outcome Try(const char* what, Failures* failures, long at, long count, const Work& work) {
  Outcome outcome = Outcome::kOutOfMemory;
  failures->Arm(at, count);
  try {
    work();
    outcome = Outcome::kDone;
  } catch (const std::bad_alloc&) {
  } catch (const canopy::DecodeError& error) {
    failures->Disarm();
    if (error.code() != canopy::ErrorCode::kOutOfMemory) Fail(what, error.what(), at);
  }
  failures->Disarm();
  return outcome;
}

// Calls run(at, count) for each `at`, until there are fewer allocations than that. Returns the number of failures that
// happened.
template <typename Run>
long Walk(const Failures& failures, const Run& run) {
  long tried = 0;
  for (long count : {1L, kAll}) {
    for (long at = 0;; at++) {
      run(at, count);
      if (failures.seen <= at) break;
      tried++;
    }
  }
  return tried;
}

struct Decoding {
  canopy::TileLocation tile;
  canopy::DecodeOptions options;
};

std::vector<uint8_t> Decode(canopy::TileReader* reader, canopy::Decoder* decoder, const Decoding& decoding) {
  std::vector<uint8_t> pixels(static_cast<size_t>(decoding.options.size * decoding.options.size * 3));
  decoder->DecodeInto(reader->Read(decoding.tile), decoding.options, pixels.data());
  return pixels;
}

// A new decoder reads another file first, so that buffers have to grow.
long WalkDecoding(const Decoding& decoding, const Decoding& before) {
  std::vector<uint8_t> expected;
  {
    canopy::TileReader reader;
    canopy::Decoder decoder;
    try {
      expected = Decode(&reader, &decoder, decoding);
    } catch (const canopy::DecodeError&) {
      return 0;  // a bad file
    }
  }
  return Walk(memory, [&](long at, long count) {
    const std::string& path = decoding.tile.path;
    canopy::TileReader reader;
    canopy::Decoder decoder;
    Try(path.c_str(), &memory, at, count, [&] {
      Decode(&reader, &decoder, before);
      if (Decode(&reader, &decoder, decoding) != expected) Fail(path.c_str(), "other pixels", at);
    });
    if (Decode(&reader, &decoder, decoding) != expected) Fail(path.c_str(), "other pixels afterwards", at);
    reader.Release();
  });
}

long WalkDecodings(const char* folder) {
  std::vector<Decoding> decodings;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    for (int size : kSizes) {
      canopy::DecodeOptions options;
      options.size = size;
      options.max_pixels = 1 << 20;
      decodings.push_back({{entry.path().string(), 1, canopy::kToEnd}, options});
    }
  }
  // The first good one.
  const Decoding* before = nullptr;
  long tried = 0;
  for (const Decoding& decoding : decodings) {
    if (before == nullptr && WalkDecoding(decoding, decoding) > 0) before = &decoding;
    if (before != nullptr) tried += WalkDecoding(decoding, *before);
  }
  return tried;
}

// Noise, so that the result outgrows its first memory.
long WalkEncoding() {
  std::vector<uint8_t> rgba(320 * 240 * 4);
  for (size_t i = 0; i < rgba.size(); i++) rgba[i] = static_cast<uint8_t>((i * 2654435761u) >> 13);
  const std::vector<uint8_t> expected = canopy::EncodePlanetJpeg(rgba.data(), 320, 240, 95);
  return Walk(memory, [&](long at, long count) {
    Try("encoding", &memory, at, count, [&] {
      if (canopy::EncodePlanetJpeg(rgba.data(), 320, 240, 95) != expected) Fail("encoding", "other bytes", at);
    });
  });
}

constexpr size_t kRows = 300;
constexpr size_t kFeatures = 20;
constexpr size_t kTags = 3;
constexpr size_t kThreads = 4;

struct Head {
  std::vector<float> data = std::vector<float>(kRows * kFeatures);
  std::vector<uint8_t> labels = std::vector<uint8_t>(kRows * kTags);
  std::vector<uint32_t> order;
  canopy::FeatureRows features;

  Head() {
    for (size_t i = 0; i < data.size(); i++) data[i] = static_cast<float>(i * 7919 % 101) / 101;
    for (size_t i = 0; i < labels.size(); i++) labels[i] = i * 31 % 7 < 3;
    for (uint32_t row = 0; row < kRows; row++) order.push_back(row);
    features = {data.data(), kRows, kFeatures, nullptr, nullptr};
  }

  // All kernels, one after the other, into one row of numbers.
  std::vector<double> Run() const {
    std::vector<float> weight(kFeatures * kTags, 0.1f), bias(kTags), moment((kFeatures + 1) * kTags);
    canopy::HeadState state{weight.data(), bias.data(), {moment.data(), nullptr}, kTags, 0};
    canopy::TrainSteps(&state, features, labels.data(), order.data(), kRows, 32, {});
    std::vector<float> logits(kRows * kTags), gradients(kTags * (kFeatures + 1));
    const std::vector<float> weights(gradients.size(), 0.05f);
    canopy::ComputeLogits(features, weight.data(), bias.data(), kTags, kThreads, logits.data());
    const canopy::Problem problems[kTags] = {{0, -1}, {1, -1}, {2, -1}};
    std::vector<double> losses(kTags), gram(kRows * kRows);
    canopy::EvaluateProblems(features, labels.data(), kTags, nullptr, problems, kTags, weights.data(), kThreads,
                             losses.data(), gradients.data());
    canopy::ComputeGram(features, kThreads, gram.data());
    std::vector<double> all(losses);
    for (const auto* part : {&weight, &bias, &logits, &gradients}) all.insert(all.end(), part->begin(), part->end());
    for (size_t row = 0; row < kRows; row++) all.push_back(gram[row * kRows]);
    return all;
  }
};

long WalkHead(Failures* failures) {
  const Head head;
  const std::vector<double> expected = head.Run();
  return Walk(*failures, [&](long at, long count) {
    const Outcome outcome = Try("head", failures, at, count, [&] {
      if (head.Run() != expected) Fail("head", "other numbers", at);
    });
    if (failures == &threads && outcome != Outcome::kDone) Fail("head", "needs threads that there are not", at);
  });
}

// An exception of a helper thread arrives, though the caller's own thread works to the end.
void CheckCarriedOver() {
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<bool> thrown{false};
  try {
    canopy::RunParallel(2, 2, [&](size_t) {
      if (std::this_thread::get_id() != caller) {
        thrown = true;
        throw std::runtime_error("from a helper");
      }
      while (!thrown) std::this_thread::yield();
    });
  } catch (const std::runtime_error&) {
    return;
  }
  Fail("threads", "what a helper throws is lost", 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: memory FOLDER ROUNDS\n"), 2;
#ifndef __GLIBC__
  std::printf("skipped: without glibc malloc cannot be stood in for\n");
  return 0;
#endif
  CheckCarriedOver();
  const long decoding = WalkDecodings(argv[1]);
  const long encoding = WalkEncoding();
  const long head = WalkHead(&memory);
  const long starting = WalkHead(&threads);
  std::printf("failures survived: %ld of allocations in decoding, %ld in encoding, %ld in training, %ld of threads\n",
              decoding, encoding, head, starting);
  return decoding > 0 && encoding > 0 && head > 0 && starting > 0 ? 0 : 1;
}
