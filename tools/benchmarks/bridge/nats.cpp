// NATS: core publish and subscribe through nats-server on this machine.
#include "tools/benchmarks/bridge/party.hpp"

#include <nats/nats.h>

namespace mycelium::bench {
namespace {

void succeed(natsStatus status, const char* what) {
  if (status != NATS_OK)
    throw std::runtime_error(std::string(what) + ": " + natsStatus_GetText(status));
}

class nats_party final : public party {
public:
  nats_party(side which, const meeting& at) : to_(which == side::source ? "forth" : "back") {
    natsOptions* options = nullptr;
    succeed(natsOptions_Create(&options), "options");
    const auto url = "nats://127.0.0.1:" + std::to_string(at.port);
    succeed(natsOptions_SetURL(options, url.c_str()), "url");
    succeed(natsOptions_SetSendAsap(options, at.conversation), "send asap");
    succeed(natsConnection_Connect(&connection_, options), "connect");
    natsOptions_Destroy(options);
    succeed(natsConnection_SubscribeSync(&in_, connection_, which == side::source ? "back" : "forth"), "subscribe");
    succeed(natsSubscription_SetPendingLimits(in_, -1, -1), "pending limits"); // the client drops nothing
    succeed(natsConnection_Flush(connection_), "flush");                       // the server knows it
  }
  ~nats_party() override {
    natsSubscription_Destroy(in_);
    natsConnection_Destroy(connection_);
  }
  void send(message_bytes message) override {
    succeed(natsConnection_Publish(connection_, to_, message.data(), static_cast<int>(message.size())), "publish");
  }
  void flush() override { succeed(natsConnection_Flush(connection_), "flush"); }
  void receive(const std::function<bool(message_bytes)>& handler) override {
    bool goes_on = true;
    while (goes_on) {
      natsMsg* message = nullptr;
      succeed(natsSubscription_NextMsg(&message, in_, 20'000), "next message");
      goes_on = handler({reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(message)),
                         static_cast<std::size_t>(natsMsg_GetDataLength(message))});
      natsMsg_Destroy(message);
    }
  }

private:
  const char* const to_;
  natsConnection* connection_ = nullptr;
  natsSubscription* in_ = nullptr;
};

} // namespace

void add_nats(std::vector<transport>& to) {
  to.push_back(
      {"NATS",
       [](side which, const meeting& at) -> std::unique_ptr<party> { return std::make_unique<nats_party>(which, at); },
       [](const meeting& at) {
         return server{{"nats-server", "-a", "127.0.0.1", "-p", std::to_string(at.port)}};
       }});
}

} // namespace mycelium::bench
