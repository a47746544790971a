// nng: a push and a pull socket each way.
#include "tools/benchmarks/bridge/party.hpp"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

namespace mycelium::bench {
namespace {

void succeed(int error, const char* what) {
  if (error != 0)
    throw std::runtime_error(std::string(what) + ": " + nng_strerror(error));
}

class nng_party final : public party {
public:
  nng_party(side which, const std::string& forth, const std::string& back) {
    succeed(nng_push0_open(&out_), "nng_push0_open");
    succeed(nng_pull0_open(&in_), "nng_pull0_open");
    if (which == side::sink) {
      succeed(nng_listen(in_, forth.c_str(), nullptr, 0), "nng_listen");
      succeed(nng_listen(out_, back.c_str(), nullptr, 0), "nng_listen");
    } else {
      succeed(nng_dial(out_, forth.c_str(), nullptr, 0), "nng_dial");
      succeed(nng_dial(in_, back.c_str(), nullptr, 0), "nng_dial");
    }
  }
  ~nng_party() override {
    nng_close(out_);
    nng_close(in_);
  }
  void send(message_bytes message) override {
    succeed(nng_send(out_, const_cast<std::uint8_t*>(message.data()), message.size(), 0), "nng_send");
  }
  void receive(const std::function<bool(message_bytes)>& handler) override {
    bool goes_on = true;
    while (goes_on) {
      nng_msg* message = nullptr;
      succeed(nng_recvmsg(in_, &message, 0), "nng_recvmsg");
      goes_on = handler({static_cast<const std::uint8_t*>(nng_msg_body(message)), nng_msg_len(message)});
      nng_msg_free(message);
    }
  }

private:
  nng_socket out_{};
  nng_socket in_{};
};

} // namespace

void add_nng(std::vector<transport>& to) {
  to.push_back({"nng ipc", [](side which, const meeting& at) -> std::unique_ptr<party> {
                  return std::make_unique<nng_party>(which, "ipc://" + at.folder + "/forth",
                                                     "ipc://" + at.folder + "/back");
                }});
}

} // namespace mycelium::bench
