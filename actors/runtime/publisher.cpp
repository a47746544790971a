#include "actors/runtime/publisher.hpp"

#include "actors/runtime/random_id.hpp"

#include <algorithm>
#include <utility>

namespace mycelium::runtime {
namespace {

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

// Where a runtime begins to count its publishers: far from where the others do that may be linked to it, and low enough
// that their ids are exact in a double, as readers of JSON need it.
std::uint64_t first_id() {
  constexpr unsigned counted = 20; // bits
  constexpr unsigned drawn = 32;
  return (random_id() >> (64 - drawn) << counted) + 1;
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

publisher::~publisher() {
  for (auto* each = newest_.load(std::memory_order_relaxed); each != nullptr;)
    delete std::exchange(each, each->older);
}

publisher::type_count& publisher::find_or_add(std::uint16_t type_id) {
  auto& known = counts_[type_id];
  if (known == nullptr) {
    auto* made = new type_count;
    made->type_id = type_id;
    made->older = newest_.load(std::memory_order_relaxed);
    newest_.store(made, std::memory_order_release);
    known = made;
  }
  recent_[type_id % recent_.size()] = known;
  return *known;
}

void publisher::add_traffic(std::map<std::uint16_t, type_traffic>& to) const {
  for (const auto* each = newest_.load(std::memory_order_acquire); each != nullptr; each = each->older) {
    auto& sum = to[each->type_id];
    sum.published += each->published.load(std::memory_order_relaxed);
    sum.published_bytes += each->published_bytes.load(std::memory_order_relaxed);
    sum.arrived += each->arrived.load(std::memory_order_relaxed);
    sum.arrived_bytes += each->arrived_bytes.load(std::memory_order_relaxed);
  }
}

publisher_list::publisher_list() : serial_(next_serial()), next_id_(first_id()) {}

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
  (*free)->id_.store(next_id_++, std::memory_order_relaxed);
  (*free)->sequence_ = 0;
  return *free;
}

publisher_list::totals publisher_list::sum() const {
  totals t;
  std::lock_guard lock(mutex_);
  std::map<std::uint16_t, type_traffic> by_type;
  for (const auto& p : all_) {
    p->add_traffic(by_type);
    t.refused += p->refused();
  }
  for (const auto& [type_id, each] : by_type) {
    t.published += each.published + each.arrived;
    t.published_bytes += each.published_bytes + each.arrived_bytes;
  }
  return t;
}

std::map<std::uint16_t, type_traffic> publisher_list::traffic() const {
  std::map<std::uint16_t, type_traffic> by_type;
  std::lock_guard lock(mutex_);
  for (const auto& p : all_)
    p->add_traffic(by_type);
  return by_type;
}

} // namespace mycelium::runtime
