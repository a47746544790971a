// Where a callback stands until the test lets it go on, so that a test can fill a mailbox or end a runtime behind it.
#pragma once

#include "bus.hpp"

#include <condition_variable>
#include <mutex>

namespace mycelium::laws {

class gate {
public:
  // Waits until open() was called. Gives up after patience, so that a failing test ends.
  bool pass() {
    std::unique_lock lock{mutex_};
    ++arrivals_;
    changed_.notify_all();
    return changed_.wait_for(lock, patience, [this] { return open_; });
  }

  void open() {
    std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }

  void shut() {
    std::lock_guard lock{mutex_};
    open_ = false;
  }

  // True once somebody stood here count times.
  bool wait_for_arrivals(std::size_t count = 1) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return arrivals_ >= count; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t arrivals_ = 0;
  bool open_ = false;
};

// A number that threads raise and a test waits for.
class tally {
public:
  void add(std::size_t count = 1) {
    std::lock_guard lock{mutex_};
    count_ += count;
    changed_.notify_all();
  }

  std::size_t count() const {
    std::lock_guard lock{mutex_};
    return count_;
  }

  bool wait_for(std::size_t count) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return count_ >= count; });
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
};

// Opens a gate when the test leaves its scope, also by a failed ASSERT.
class opens_at_end {
public:
  explicit opens_at_end(gate& which) : gate_(which) {}
  ~opens_at_end() { gate_.open(); }
  opens_at_end(const opens_at_end&) = delete;
  opens_at_end& operator=(const opens_at_end&) = delete;

private:
  gate& gate_;
};

} // namespace mycelium::laws
