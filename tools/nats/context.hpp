// What the parts of a gateway share. All of it outlives them.
#pragma once

#include "mycelium_bridge.h"
#include "tools/nats/connection.hpp"
#include "tools/nats/subjects.hpp"

#include <pthread.h>
#include <thread>

namespace mycelium::nats {

struct context {
  MyceliumRuntime* bus = nullptr;
  std::uint64_t gateway = 0;
  std::uint64_t outside = 0;     // the node of what plain clients of NATS publish
  std::uint64_t stream_node = 0; // of what they have published into the stream: the same for every bridge
  const settings* how = nullptr;
  const subject_map* types = nullptr;
  counters* counts = nullptr;
  connection* link = nullptr;
  std::atomic<bool>* stream_is_missing = nullptr; // set by whom it fails, perhaps: it is looked at again, and made

  // Counts; the first of each reason is logged.
  void refuse(refusal why, const std::string& text) const {
    const auto reason = static_cast<std::size_t>(why);
    if (counts->refused[reason]++ == 0)
      link->log("refused: " + text + "; more of this kind (" + refusal_names[reason] + ") are only counted");
  }
};

// A thread that is told when to end, and joined at the end of its owner.
class worker {
public:
  worker() = default;
  ~worker() { stop(); }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  template <class Body>
  void start(const char* name, Body body) {
    thread_ = std::thread([name, body] {
      pthread_setname_np(pthread_self(), name);
      body();
    });
  }
  void ask_to_stop() noexcept { stopping_.store(true, std::memory_order_seq_cst); }
  bool stopping() const noexcept { return stopping_.load(std::memory_order_seq_cst); }
  void stop() {
    ask_to_stop();
    if (thread_.joinable())
      thread_.join();
  }

private:
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace mycelium::nats
