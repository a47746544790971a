#include "actors/runtime/exit_guard.hpp"

#include "actors/runtime/deadline.hpp"

#include <cstdlib>
#include <ctime>
#include <mutex>
#include <unistd.h>

namespace mycelium::runtime::exit_guard {
namespace {

constexpr std::int64_t patience_ns = 200'000'000;

void freeze() {
  exiting.store(true, std::memory_order_seq_cst);
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

void install() {
  static std::once_flag once;
  std::call_once(once, [] { std::atexit(freeze); });
}

} // namespace mycelium::runtime::exit_guard
