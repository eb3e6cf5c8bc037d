// Work divided among threads.
#ifndef CANOPY_PARALLEL_H_
#define CANOPY_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace canopy {

// Threads that are joined when this object is destroyed.
class JoinedThreads {
 public:
  JoinedThreads() = default;
  ~JoinedThreads() {
    for (std::thread& thread : threads_) thread.join();
  }
  JoinedThreads(const JoinedThreads&) = delete;
  JoinedThreads& operator=(const JoinedThreads&) = delete;

  // Starts up to `count` threads, as many as the system allows. `body` must outlive them and must not throw.
  template <typename Body>
  void Start(size_t count, const Body& body) {
    try {
      threads_.reserve(count);
      for (size_t i = 0; i < count; i++) threads_.emplace_back(std::cref(body));
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
  }

 private:
  std::vector<std::thread> threads_;
};

// The first of the exceptions that several threads throw.
class FirstException {
 public:
  void Keep(std::exception_ptr exception) {
    if (!is_taken_.test_and_set()) exception_ = std::move(exception);
  }
  // Only once the threads have ended.
  void Rethrow() const {
    if (exception_ != nullptr) std::rethrow_exception(exception_);
  }

 private:
  std::atomic_flag is_taken_ = ATOMIC_FLAG_INIT;
  std::exception_ptr exception_;
};

// Runs work(i) for i in [0, count) on up to `threads` threads, or as many as the system allows. Each i must write to
// memory of its own. If work throws, the rest is cancelled and the exception thrown here.
template <typename Work>
void RunParallel(size_t count, size_t threads, const Work& work) {
  std::atomic<size_t> next{0};
  std::atomic<bool> is_over{false};
  FirstException first;
  const auto loop = [&]() noexcept {
    try {
      for (size_t i = next++; i < count && !is_over; i = next++) work(i);
    } catch (...) {
      first.Keep(std::current_exception());
      is_over = true;
    }
  };
  {
    JoinedThreads others;
    others.Start(std::max<size_t>(std::min(threads, count), 1) - 1, loop);
    loop();
  }
  first.Rethrow();
}

}  // namespace canopy

#endif  // CANOPY_PARALLEL_H_
