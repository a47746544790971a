// Two runtimes with a bridge each, through the C interface. Counters, envelopes and checksums are on, as always.
#include "tools/benchmarks/bridge/party.hpp"

#include "mycelium_bridge.h"

#include <condition_variable>
#include <mutex>

namespace mycelium::bench {
namespace {

constexpr std::uint16_t to_sink = 20001;
constexpr std::uint16_t to_source = 20002;
constexpr std::int64_t patience_ns = 20'000'000'000;

void succeed(std::int32_t status, const char* what) {
  if (status != MYCELIUM_SUCCESS)
    throw std::runtime_error(std::string(what) + ": " + mycelium_last_error());
}

class node final : public party {
public:
  node(side which, const std::string& address, bool runs_inline) : which_(which), runtime_(mycelium_runtime_create()) {
    must(runtime_ != nullptr, "mycelium_runtime_create");
    MyceliumSubscribeOptions options;
    mycelium_subscribe_options_init(&options);
    options.on_payload = take;
    options.user_data = this;
    options.flags = runs_inline ? MYCELIUM_SUBSCRIBE_INLINE : 0;
    options.capacity = 65536;
    succeed(mycelium_subscribe_with_options(runtime_, which == side::sink ? to_sink : to_source, &options, nullptr),
            "subscribe");
    if (which == side::sink) {
      succeed(mycelium_bridge_listen(runtime_, address.c_str(), nullptr, 0, nullptr), "listen");
    } else {
      succeed(mycelium_bridge_dial(runtime_, address.c_str()), "dial");
      succeed(mycelium_wait_for_subscribers(runtime_, to_sink, 1, patience_ns), "wait_for_subscribers");
    }
  }
  ~node() override { mycelium_runtime_destroy(runtime_); }

  void send(message_bytes message) override {
    const auto type = which_ == side::source ? to_sink : to_source;
    succeed(mycelium_publish(runtime_, type, message.data(), message.size()), "publish");
  }
  // What comes before this is called waits here; afterwards the handler runs in the subscription's callback.
  void receive(const std::function<bool(message_bytes)>& handler) override {
    if (which_ == side::sink) // answers are heard
      succeed(mycelium_wait_for_subscribers(runtime_, to_source, 1, patience_ns), "wait_for_subscribers");
    std::unique_lock lock(mutex_);
    handler_ = &handler;
    changed_.notify_all();
    changed_.wait(lock, [this] { return handler_ == nullptr; });
  }

private:
  static void take(std::uint16_t, const std::uint8_t* payload, std::size_t size, void* user_data) {
    auto& self = *static_cast<node*>(user_data);
    if (!self.begun_) {
      std::unique_lock lock(self.mutex_);
      self.changed_.wait(lock, [&] { return self.handler_ != nullptr; });
      self.begun_ = true;
    }
    if (self.handler_ == nullptr || (*self.handler_)({payload, size}))
      return;
    std::lock_guard lock(self.mutex_);
    self.handler_ = nullptr;
    self.changed_.notify_all();
  }

  const side which_;
  MyceliumRuntime* const runtime_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<bool(message_bytes)>* handler_ = nullptr;
  bool begun_ = false; // the callback's own
};

auto opener(bool local, bool runs_inline) {
  return [=](side which, const meeting& at) -> std::unique_ptr<party> {
    const auto address = local ? "unix:" + at.folder + "/bus" : "tcp:127.0.0.1:" + std::to_string(at.port);
    return std::make_unique<node>(which, address, runs_inline);
  };
}

} // namespace

void add_mycelium(std::vector<transport>& to) {
  to.push_back({"mycelium unix", opener(true, false)});
  to.push_back({"mycelium unix, inline", opener(true, true)});
  to.push_back({"mycelium tcp", opener(false, false)});
  to.push_back({"mycelium tcp, inline", opener(false, true)});
}

} // namespace mycelium::bench
