#include "actors/runtime/bus.hpp"

#include "actors/runtime/engine.hpp"
#include "actors/runtime/exit_guard.hpp"
#include "actors/runtime/signals_blocked.hpp"
#include "actors/runtime/subscription.hpp"

#include <exception>

namespace mycelium::runtime {

result<std::unique_ptr<bus>> bus::start(runtime_options options) {
  auto completed = complete(std::move(options));
  if (!completed)
    return completed.error();
  exit_guard::install();
  const signals_blocked in_new_threads;
  try {
    return std::unique_ptr<bus>(new bus(std::move(*completed)));
  } catch (const std::exception& e) {
    return failure{status::runtime, std::string("the actor engine did not start: ") + e.what()};
  }
}

bus::bus(runtime_options options)
    : options_(std::move(options)), verify_(schema::verify_level(options_.verify)),
      checks_schema_(options_.strict || verify_ != schema::verify_level::none),
      requests_(std::make_shared<request_table>(this, [this] {
        handler_errors_.fetch_add(1, std::memory_order_relaxed);
        log_exception("a reply handler");
      })) {
  engine_ = std::make_unique<engine>(engine::settings{
      .threads = options_.threads,
      .requests = requests_.get(),
      .restart = [this](std::uint64_t subscription_id) { restart(subscription_id); },
  });
}

bus::~bus() {
  // Completions that nobody took; they and their queues hold each other.
  for (auto& [id, queue] : queues_)
    queue->discard_rest();
}

failure bus::refuse_closed() const { return {status::closed, "the runtime is closed; create a new one"}; }

void bus::leave() noexcept {
  users_.fetch_sub(1, std::memory_order_seq_cst);
  changes_.signal();
}

bool bus::wait_for_users(const deadline& until) {
  return changes_.wait(until, [this] { return users_.load(std::memory_order_seq_cst) == 0; });
}

// ---- log ----

void bus::log(log_level level, const std::string& text) const noexcept {
  if (!options_.log)
    return;
  try {
    options_.log(level, text.c_str());
  } catch (...) { // a log that throws has nowhere to be reported
  }
}

void bus::log_exception(const std::string& where) const noexcept {
  try {
    throw;
  } catch (const std::exception& e) {
    log(log_level::error, "an exception left " + where + ": " + e.what());
  } catch (...) {
    log(log_level::error, "an exception that is no std::exception left " + where);
  }
}

void bus::log_drops(const std::string& name, const drop_event& event) const noexcept {
  static constexpr const char* reasons[] = {
      "the oldest made room",      "the newest found no room", "its publisher waited in vain",
      "its publisher was refused", "it was unsubscribed",      "the runtime closed",
  };
  if (event.recovered)
    log(log_level::info,
        "subscription '" + name + "' keeps up again after " + std::to_string(event.dropped) + " dropped messages");
  else
    log(log_level::warning,
        "subscription '" + name + "' is too slow and loses messages: " + reasons[std::size_t(event.reason)]);
}

} // namespace mycelium::runtime
