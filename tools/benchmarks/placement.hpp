// On which processors the threads of a run stand. Pinned: publishers share the first half of the processors we may use,
// everything that a way starts (its workers, or the subscribers' threads) the rest; each thread stands on one.
// Unpinned: the kernel moves them.
#pragma once

#include <string>
#include <vector>

namespace mycelium::bench {

class placement {
public:
  static placement unpinned();
  static placement pinned();

  bool is_pinned() const { return !publishers_.empty(); }
  const char* name() const { return is_pinned() ? "pinned" : "unpinned"; }
  // For the calling thread: threads that it creates inherit its place.
  void take_publisher_place(unsigned publisher) const;
  void take_worker_place() const;
  void leave() const; // anywhere again
  // Puts each thread of the process but the calling one on a worker's processor of its own, as far as there are enough.
  void spread_workers() const;

private:
  std::vector<int> publishers_;
  std::vector<int> workers_;
};

// Processors that this process may use.
const std::vector<int>& usable_processors();
std::string processor_name();

} // namespace mycelium::bench
