// What this node says of itself once a second while somebody subscribes to NodeReport (schema/report.fbs), here or on
// another node; nothing is gathered as long as nobody does. On the thread of the bridge.
#pragma once

#include "actors/runtime/bus.hpp"

#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace mycelium::bridge {

struct bridge_stats;

// One NodeReport, as the payload of a message.
std::vector<std::uint8_t> write_report(const runtime::bus& bus, const bridge_stats& links, const std::string& name,
                                       std::chrono::nanoseconds uptime);

class reporter {
public:
  // links: what the bridge counts.
  reporter(runtime::bus& bus, asio::io_context& io, std::string name, std::function<bridge_stats()> links);
  // Begins to report if somebody wants it by now.
  void look();
  void stop();

private:
  void report();

  runtime::bus& bus_;
  asio::steady_timer timer_;
  const std::string name_;
  const std::function<bridge_stats()> links_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  bool reports_ = false;
  bool stopped_ = false;
  runtime::undelivered rest_; // of the last report: mailboxes here that had no room
};

} // namespace mycelium::bridge
