// Work shared out to threads.
#ifndef CANOPY_PARALLEL_H_
#define CANOPY_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace canopy {

// Runs work(i) for i in [0, count) on up to `threads` threads; i must own what it writes.
template <typename Work>
void RunParallel(size_t count, size_t threads, const Work& work) {
  std::atomic<size_t> next{0};
  const auto loop = [&] {
    for (size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min(threads, count); i++) others.emplace_back(loop);
  loop();
  for (std::thread& thread : others) thread.join();
}

}  // namespace canopy

#endif  // CANOPY_PARALLEL_H_
