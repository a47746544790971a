// Answers to what was published with a reply subject: one subscription for all of them, told apart by a number.
#pragma once

#include "tools/nats/connection.hpp"

#include <functional>

namespace mycelium::nats {

class inbox {
public:
  // On a thread of the connection; no answers says so itself (natsMsg_IsNoResponders).
  using handler = std::function<void(std::uint64_t number, natsMsg* answer)>;

  static result<std::unique_ptr<inbox>> open(connection& link, handler on_answer);
  ~inbox(); // afterwards the handler does not run any more
  inbox(const inbox&) = delete;
  inbox& operator=(const inbox&) = delete;

  std::string subject(std::uint64_t number) const { return prefix_ + std::to_string(number); }

private:
  struct state;
  static void on_message(natsConnection*, natsSubscription*, natsMsg* m, void* closure);
  static void on_complete(void* closure);

  inbox() = default;
  std::string prefix_; // with its dot
  std::shared_ptr<state> state_;
  subscription_ptr subscription_;
};

} // namespace mycelium::nats
