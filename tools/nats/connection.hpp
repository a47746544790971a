// The connection to a cluster of NATS servers: made again when it breaks, to whichever server is there. Any thread.
#pragma once

#include "schema/status.hpp"
#include "tools/nats/counters.hpp"
#include "tools/nats/headers.hpp"
#include "tools/nats/settings.hpp"

#include <nats/nats.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>

namespace mycelium::nats {

struct message_deleter {
  void operator()(natsMsg* m) const noexcept { natsMsg_Destroy(m); }
};
using message_ptr = std::unique_ptr<natsMsg, message_deleter>;

struct subscription_deleter {
  void operator()(natsSubscription* s) const noexcept { natsSubscription_Destroy(s); }
};
using subscription_ptr = std::unique_ptr<natsSubscription, subscription_deleter>;

failure failure_of(natsStatus code, const std::string& what);
// Without user, password or token, for logs.
std::string without_secrets(std::string url);

class connection {
public:
  // Returns before there is a connection if no server is there yet. invalid_argument: an option or a file is wrong.
  static result<std::unique_ptr<connection>> open(const settings& how, counters& counts);
  // Ends it, once what was published is written, or after a second.
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  natsConnection* get() const noexcept { return raw_; }
  bool is_up() const noexcept { return natsConnection_Status(raw_) == NATS_CONN_STATUS_CONNECTED; }
  std::string server() const; // the URL of now, without secrets; "" if there is none
  // Grows with each connection that is made.
  std::uint64_t epoch() const noexcept { return epoch_.load(std::memory_order_seq_cst); }
  // Waits until there is a connection of another epoch, or the time is over; false then, and at once after the end.
  bool wait_for_change(std::uint64_t epoch, std::chrono::milliseconds time);
  // Ends each wait, for good.
  void interrupt();
  bool is_over() const noexcept { return over_.load(std::memory_order_seq_cst); } // NATS refuses us for good
  // Publishes, with publish() also counts it. NATS_INSUFFICIENT_BUFFER: there is no connection, and no room to keep it
  // for the next. NATS_IO_ERROR: it broke while this was written; publish() has counted it as unconfirmed then.
  natsStatus publish(natsMsg* m);
  natsStatus send(natsMsg* m);
  // Asks the server whether it has got everything that was published; counts what it has.
  void confirm(std::chrono::milliseconds patience);
  void log(const std::string& text) const;

private:
  connection(const settings& how, counters& counts) : how_(how), counts_(counts) {}
  natsStatus set_options(natsOptions* options);
  void connected(natsConnection* raw); // raw_ is perhaps not set yet
  void disconnected();
  natsStatus send_locked(natsMsg* m);
  bool is_interrupted();
  void log_once(const std::string& text);

  static void on_connected(natsConnection* raw, void* self) { static_cast<connection*>(self)->connected(raw); }
  static void on_disconnected(natsConnection*, void* self) { static_cast<connection*>(self)->disconnected(); }
  static void on_closed(natsConnection* raw, void* self);
  static void on_lame_duck(natsConnection*, void* self);
  static void on_error(natsConnection*, natsSubscription* where, natsStatus code, void* self);

  const settings how_;
  counters& counts_;
  natsConnection* raw_ = nullptr;
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<bool> over_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  bool interrupted_ = false;
  std::set<std::string> said_;  // by log_once
  std::mutex accounting_;       // a publish and its count are one, seen from who accounts for them
  std::int64_t kept_ = 0;       // bytes, about, for the next connection
  std::uint64_t accounted_ = 0; // of counts_.published: confirmed or unconfirmed
};

// PublishMsg's message: `reply` may be nullptr. With headers if the message has an origin.
result<message_ptr> make_message(const char* subject, const char* reply, const carried& what,
                                 std::span<const std::uint8_t> payload);
// The headers of a message that came.
class message_headers final : public header_source {
public:
  explicit message_headers(natsMsg* m) : m_(m) {}
  const char* value(const char* name) override {
    const char* found = nullptr;
    return natsMsgHeader_Get(m_, name, &found) == NATS_OK ? found : nullptr;
  }

private:
  natsMsg* m_;
};
inline std::span<const std::uint8_t> payload_of(const natsMsg* m) {
  return {reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(m)),
          static_cast<std::size_t>(natsMsg_GetDataLength(m))};
}

} // namespace mycelium::nats
