// ZeroMQ: a PUSH and a PULL socket each way, which wait at their high-water marks.
#include "tools/benchmarks/bridge/party.hpp"

#include <zmq.h>

namespace mycelium::bench {
namespace {

class zeromq_party final : public party {
public:
  zeromq_party(side which, const std::string& forth, const std::string& back) : context_(zmq_ctx_new()) {
    out_ = open(ZMQ_PUSH);
    in_ = open(ZMQ_PULL);
    if (which == side::sink)
      must(zmq_bind(in_, forth.c_str()) == 0 && zmq_bind(out_, back.c_str()) == 0, "zmq_bind");
    else
      must(zmq_connect(out_, forth.c_str()) == 0 && zmq_connect(in_, back.c_str()) == 0, "zmq_connect");
  }
  ~zeromq_party() override {
    zmq_close(out_);
    zmq_close(in_);
    zmq_ctx_term(context_);
  }
  void send(message_bytes message) override {
    must(zmq_send(out_, message.data(), message.size(), 0) >= 0, "zmq_send");
  }
  void receive(const std::function<bool(message_bytes)>& handler) override {
    zmq_msg_t message;
    zmq_msg_init(&message);
    bool goes_on = true;
    while (goes_on) {
      must(zmq_msg_recv(&message, in_, 0) >= 0, "zmq_msg_recv");
      goes_on = handler({static_cast<const std::uint8_t*>(zmq_msg_data(&message)), zmq_msg_size(&message)});
    }
    zmq_msg_close(&message);
  }

private:
  void* open(int kind) {
    auto* socket = zmq_socket(context_, kind);
    must(socket != nullptr, "zmq_socket");
    return socket;
  }

  void* const context_;
  void* out_;
  void* in_;
};

} // namespace

void add_zeromq(std::vector<transport>& to) {
  to.push_back({"ZeroMQ ipc", [](side which, const meeting& at) -> std::unique_ptr<party> {
                  return std::make_unique<zeromq_party>(which, "ipc://" + at.folder + "/forth",
                                                        "ipc://" + at.folder + "/back");
                }});
  to.push_back({"ZeroMQ tcp", [](side which, const meeting& at) -> std::unique_ptr<party> {
                  const std::string host = "tcp://127.0.0.1:";
                  return std::make_unique<zeromq_party>(which, host + std::to_string(at.port),
                                                        host + std::to_string(at.port + 1));
                }});
}

} // namespace mycelium::bench
