// For ThreadSanitizer: pool and ring as canopy runs them, in C++. Workers take chunks of tiles from a queue, read and
// decode them into their places of a slot, and send a message; the main thread reads a slot's pixels once all its
// chunks are there, and only then hands the slot out again. The queues stand for the message ports of the JavaScript
// side: they are the only synchronisation there is. Every batch must have the same pixels.
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../decode.h"
#include "../tile_reader.h"

namespace {

constexpr int kWorkers = 4;
constexpr size_t kSlots = 3;
constexpr size_t kChunk = 8;
constexpr int kSize = 16;
constexpr size_t kTileBytes = size_t{kSize} * kSize * 3;

template <typename T>
class Queue {
 public:
  void Push(T value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    values_.push_back(value);
    filled_.notify_one();
  }
  T Pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    filled_.wait(lock, [this] { return !values_.empty(); });
    T value = values_.front();
    values_.pop_front();
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<T> values_;
};

// Tiles `first` to `first + kChunk`, or none to end the worker.
struct Task {
  size_t slot;
  size_t first;
  bool end;
};

struct Message {
  size_t slot;
};

struct Pool {
  std::vector<canopy::TileLocation> tiles;
  std::vector<uint8_t> pixels;  // [kSlots, tiles, kSize, kSize, 3]
  Queue<Task> tasks;
  Queue<Message> messages;

  uint8_t* TileAt(size_t slot, size_t tile) { return pixels.data() + (slot * tiles.size() + tile) * kTileBytes; }
};

// The seeds' first byte is not the JPEG's. Options differ from tile to tile, so that every path is taken.
void Decode(Pool* pool, const Task& task, canopy::TileReader* reader, canopy::Decoder* decoder) {
  for (size_t i = task.first; i < std::min(task.first + kChunk, pool->tiles.size()); i++) {
    uint8_t* place = pool->TileAt(task.slot, i);
    canopy::DecodeOptions options;
    options.max_pixels = 1 << 20;
    // A small result takes the way to an eighth of the size; the rest of its place is black.
    options.size = i % 3 == 0 ? 1 : kSize;
    options.antialias = i % 5 != 0;
    std::fill(place, place + kTileBytes, uint8_t{0});
    try {
      decoder->DecodeInto(reader->Read(pool->tiles[i]), options, place);
    } catch (const canopy::DecodeError&) {
      std::fill(place, place + kTileBytes, uint8_t{1});
    }
  }
  reader->Release();
}

void Work(Pool* pool) {
  canopy::TileReader reader;
  canopy::Decoder decoder;
  for (Task task = pool->tasks.Pop(); !task.end; task = pool->tasks.Pop()) {
    Decode(pool, task, &reader, &decoder);
    pool->messages.Push({task.slot});
  }
}

void Submit(Pool* pool, size_t slot) {
  for (size_t first = 0; first < pool->tiles.size(); first += kChunk) pool->tasks.Push({slot, first, false});
}

// Whether all batches had the pixels of the first.
bool RunBatches(Pool* pool, int batches) {
  const size_t chunks = (pool->tiles.size() + kChunk - 1) / kChunk;
  std::vector<size_t> missing(kSlots, chunks);
  std::vector<uint8_t> expected;
  int submitted = 0;
  for (; submitted < std::min<int>(kSlots, batches); submitted++) Submit(pool, static_cast<size_t>(submitted));
  bool same = true;
  for (int done = 0; done < batches;) {
    const size_t slot = pool->messages.Pop().slot;
    if (--missing[slot] > 0) continue;
    const std::vector<uint8_t> batch(pool->TileAt(slot, 0), pool->TileAt(slot, pool->tiles.size()));
    if (expected.empty()) expected = batch;
    same = same && batch == expected;
    missing[slot] = chunks;
    done++;
    if (submitted < batches) Submit(pool, slot), submitted++;
  }
  return same;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: threads FOLDER BATCHES\n"), 2;
  Pool pool;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    pool.tiles.push_back({entry.path().string(), 1, canopy::kToEnd});
  }
  pool.pixels.resize(kSlots * pool.tiles.size() * kTileBytes);
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; i++) workers.emplace_back(Work, &pool);
  const int batches = std::atoi(argv[2]);
  const bool same = RunBatches(&pool, batches);
  for (int i = 0; i < kWorkers; i++) pool.tasks.Push({0, 0, true});
  for (std::thread& worker : workers) worker.join();
  std::printf("%d batches of %zu tiles on %d threads: %s\n", batches, pool.tiles.size(), kWorkers,
              same ? "the same pixels" : "DIFFERENT PIXELS");
  return same ? 0 : 1;
}
