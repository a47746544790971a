#include "actors/runtime/exit_guard.hpp"

#include "actors/runtime/deadline.hpp"

#include <cstdlib>
#include <ctime>
#include <mutex>
#include <unistd.h>
#include <vector>

namespace mycelium::runtime::exit_guard {
namespace {

constexpr std::int64_t patience_ns = 200'000'000;

// Never destroyed: it is used while static objects are.
struct sleeper_list {
  std::mutex mutex;
  std::vector<sleeper*> all;
};
sleeper_list& sleepers() {
  static auto* list = new sleeper_list;
  return *list;
}

void freeze() {
  exiting.store(true, std::memory_order_seq_cst);
  {
    std::lock_guard lock(sleepers().mutex);
    for (auto* each : sleepers().all)
      each->wake_to_park();
  }
  const auto until = deadline::in(patience_ns);
  do {
    const timespec pause{0, 50'000};
    nanosleep(&pause, nullptr);
  } while (count_working() > 0 && !until.passed());
}

} // namespace

void park() noexcept {
  end_work();
  for (;;)
    pause();
}

void add(sleeper& who) {
  std::lock_guard lock(sleepers().mutex);
  sleepers().all.push_back(&who);
}

void remove(sleeper& who) {
  std::lock_guard lock(sleepers().mutex);
  std::erase(sleepers().all, &who);
}

void install() {
  static std::once_flag once;
  std::call_once(once, [] { std::atexit(freeze); });
}

} // namespace mycelium::runtime::exit_guard
