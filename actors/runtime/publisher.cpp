#include "actors/runtime/publisher.hpp"

#include <algorithm>

namespace mycelium::runtime {
namespace {

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

std::uint64_t next_publisher_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

} // namespace

MYCELIUM_HOT_THREAD_LOCAL publisher_list::cache publisher_list::cached;
// A destructor of another thread_local may publish after ours ran: it claims an entry that stays taken.
constinit thread_local bool thread_ended = false;

// What this thread holds in every runtime that it published to; given back when it ends.
struct publishers_of_thread {
  struct held {
    std::uint64_t list;
    counted_ptr<publisher> entry;
  };
  std::vector<held> all;

  void forget_dead_runtimes() {
    std::erase_if(all, [](const held& h) { return h.entry->orphaned_.load(std::memory_order_acquire); });
  }
  ~publishers_of_thread() {
    thread_ended = true;
    publisher_list::cached = {};
    for (auto& h : all)
      h.entry->in_use_.store(false, std::memory_order_release);
  }
  static publishers_of_thread& mine() {
    static thread_local publishers_of_thread of_thread;
    return of_thread;
  }
};

publisher_list::publisher_list() : serial_(next_serial()) {}

publisher_list::~publisher_list() {
  for (auto& p : all_)
    p->orphaned_.store(true, std::memory_order_release);
}

publisher& publisher_list::find_or_claim() {
  if (thread_ended)
    return remember(*claim());
  auto& mine = publishers_of_thread::mine();
  const auto known = std::find_if(mine.all.begin(), mine.all.end(), [this](auto& h) { return h.list == serial_; });
  if (known != mine.all.end())
    return remember(*known->entry);
  mine.forget_dead_runtimes();
  mine.all.push_back({serial_, claim()});
  return remember(*mine.all.back().entry);
}

publisher& publisher_list::remember(publisher& p) noexcept {
  cached = {serial_, &p};
  return p;
}

counted_ptr<publisher> publisher_list::claim() {
  std::lock_guard lock(mutex_);
  // One whose thread has ended goes on under a new identity; its counters add up.
  auto free = std::find_if(all_.begin(), all_.end(),
                           [](auto& p) { return !p->in_use_.exchange(true, std::memory_order_acquire); });
  if (free == all_.end()) {
    all_.push_back(new_counted<publisher>());
    free = all_.end() - 1;
    (*free)->in_use_.store(true, std::memory_order_relaxed);
  }
  (*free)->id_.store(next_publisher_id(), std::memory_order_relaxed);
  (*free)->sequence_ = 0;
  return *free;
}

publisher_list::totals publisher_list::sum() const {
  totals t;
  std::lock_guard lock(mutex_);
  for (const auto& p : all_) {
    t.published += p->published();
    t.published_bytes += p->published_bytes();
    t.refused += p->refused();
  }
  return t;
}

} // namespace mycelium::runtime
