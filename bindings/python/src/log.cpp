#include "log.hpp"

#include "errors.hpp"

#include <utility>

namespace mycelium::python {

void log_lines::on_log(MyceliumLogLevel level, const char* text, void* user_data) {
  auto& self = *static_cast<log_lines*>(user_data);
  {
    const std::lock_guard lock(self.mutex_);
    if (self.waiting_.size() < most)
      self.waiting_.push_back({level, text});
    else
      ++self.left_out_;
  }
  if (const std::uint64_t queue = self.queue_.load(std::memory_order_acquire); queue != 0)
    mycelium_queue_wake(self.handle_, queue);
}

void log_lines::wake_with(MyceliumRuntime* handle, std::uint64_t queue) {
  handle_ = handle;
  queue_.store(queue, std::memory_order_release);
}

void log_lines::pass_on() {
  std::deque<line> lines;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty())
      return;
    lines = std::exchange(waiting_, {});
    if (const std::uint64_t count = std::exchange(left_out_, 0); count > 0)
      lines.push_back({MYCELIUM_LOG_WARNING, std::to_string(count) + " more lines were left out"});
  }
  for (const line& each : lines)
    log(each.level, each.text.c_str());
}

} // namespace mycelium::python
