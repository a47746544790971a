#include "tools/benchmarks/placement.hpp"

#include <filesystem>
#include <fstream>

#include <sched.h>
#include <unistd.h>

namespace mycelium::bench {

namespace {

void place(pid_t thread, const std::vector<int>& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int processor : processors) {
    CPU_SET(static_cast<unsigned>(processor), &set);
  }
  sched_setaffinity(thread, sizeof set, &set); // may fail for a thread that has just ended: nothing to place then
}

} // namespace

const std::vector<int>& usable_processors() {
  static const std::vector<int> found = [] {
    std::vector<int> list;
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(static_cast<unsigned>(i), &set)) {
        list.push_back(i);
      }
    }
    return list;
  }();
  return found;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown processor";
}

placement placement::unpinned() {
  usable_processors(); // before anything is pinned
  return {};
}

placement placement::pinned() {
  const auto& all = usable_processors();
  const auto half = static_cast<std::ptrdiff_t>(all.size() / 2);
  placement result;
  if (half == 0) {
    result.publishers_ = result.workers_ = all;
  } else {
    result.publishers_.assign(all.begin(), all.begin() + half);
    result.workers_.assign(all.begin() + half, all.end());
  }
  return result;
}

void placement::take_publisher_place(unsigned publisher) const {
  if (is_pinned()) {
    place(0, {publishers_[publisher % publishers_.size()]});
  }
}

void placement::take_worker_place() const {
  if (is_pinned()) {
    place(0, workers_);
  }
}

void placement::leave() const { place(0, usable_processors()); }

void placement::spread_workers() const {
  if (!is_pinned() || workers_.size() < 2) {
    return; // with one processor, what the threads inherited is right
  }
  std::size_t next = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    const auto thread = static_cast<pid_t>(std::stol(task.path().filename().string()));
    if (thread != gettid()) {
      place(thread, {workers_[next++ % workers_.size()]});
    }
  }
}

} // namespace mycelium::bench
