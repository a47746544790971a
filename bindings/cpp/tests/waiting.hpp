// How a test waits for what other threads do: never for time.
#pragma once

#include "examples.hpp"

#include <mycelium/mycelium.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <vector>

namespace mycelium::cpp_tests {

using namespace std::chrono_literals;
using mycelium::examples::CounterUpdate;
using mycelium::examples::TextMessage;
using mycelium::examples::WordCountReply;
using mycelium::examples::WordCountRequest;

// How long a test waits for something that must happen; passing tests never wait that long.
inline constexpr std::chrono::seconds patience = 20s;
inline constexpr std::uint16_t apples = 20001; // a type without a schema

inline runtime new_runtime(runtime_options options = {}) {
  if (options.threads == 0)
    options.threads = 2;
  options.block_timeout = options.close_timeout = patience;
  return runtime::create(std::move(options)).value();
}

// What a callback saw, for a test that waits and then looks.
template <class T>
class collected {
public:
  void add(T one) {
    std::lock_guard lock(mutex_);
    all_.push_back(std::move(one));
    changed_.notify_all();
  }
  // Waits until count have come; all of them, or fewer if patience ends.
  std::vector<T> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return all_.size() >= count; });
    return all_;
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return all_.size();
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> all_;
};

// Where a callback stands until the test lets it go on.
class gate {
public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrivals_;
    changed_.notify_all();
    changed_.wait_for(lock, patience, [this] { return open_; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait_for_arrivals(int count = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return arrivals_ >= count; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrivals_ = 0;
  bool open_ = false;
};

// Counts its living copies, so that a test sees when a callable is destroyed.
class counted {
public:
  explicit counted(std::atomic<int>& living) : living_(&living) { ++*living_; }
  counted(const counted& other) : living_(other.living_) { ++*living_; }
  counted& operator=(const counted&) = delete;
  ~counted() { --*living_; }

private:
  std::atomic<int>* living_;
};

} // namespace mycelium::cpp_tests
