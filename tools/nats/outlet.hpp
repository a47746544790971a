// Messages of types that are not durable, from the bus to NATS: published once, without acknowledgement.
#pragma once

#include "tools/nats/requests.hpp"
#include "tools/nats/tap.hpp"

namespace mycelium::nats {

class outlet {
public:
  static result<std::unique_ptr<outlet>> start(const context& shared, asker& requests);
  ~outlet();

  // Publishes what waits, until the deadline; takes nothing new.
  void finish(std::chrono::steady_clock::time_point until);
  std::uint64_t dropped() const { return tap_->dropped(); }

private:
  outlet(const context& shared, asker& requests) : shared_(shared), requests_(requests) {}
  void run();
  void carry(bus_message m);
  void publish(const chosen_type& type, const carried& what, std::span<const std::uint8_t> payload);
  bool may_wait() const;

  const context& shared_;
  asker& requests_;
  std::unique_ptr<tap> tap_;
  std::atomic<std::int64_t> finish_by_ns_{0}; // steady clock; 0: go on
  bool finished_ = false;
  worker thread_;
};

} // namespace mycelium::nats
