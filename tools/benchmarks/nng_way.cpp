// nng pub0/sub0 over inproc: a pub socket per publisher, a sub socket and a blocking thread per subscriber.
// nng's pub drops when a subscriber is behind, and has no option to wait. To compare without loss, a publisher waits
// for acknowledgements (window.hpp) so that no buffer can overflow; they go through memory, not through nng, at next to
// no cost.
#include "tools/benchmarks/way.hpp"

#include "tools/benchmarks/window.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>

namespace mycelium::bench {

namespace {

// What every frame begins with. sub sockets filter by the type, its first two bytes.
struct prefix {
  std::uint16_t type;
  std::uint8_t hello; // 1: carries nothing, only shows that publisher's connection stands
  std::uint8_t publisher;
  std::uint32_t unused;
};
static_assert(sizeof(prefix) == 8);

constexpr unsigned largest_buffer = 8192; // nng refuses more

void must(int status, const char* what) {
  if (status != 0) {
    throw std::runtime_error(std::string(what) + ": " + nng_strerror(status));
  }
}

class nng_way final : public stepwise<nng_way> {
public:
  ~nng_way() override { nng_way::close(); }

  void open(const load& expected) override {
    static std::atomic<unsigned> instances{0};
    name_ = "inproc://bench-" + std::to_string(instances.fetch_add(1)) + "-";
    window_ = std::min(queue_bound(expected.payload), largest_buffer / expected.publishers);
    buffer_ = static_cast<int>(window_ * expected.publishers);
    for (unsigned i = 0; i < expected.publishers; ++i) {
      nng_socket& made = publishers_.emplace_back();
      must(nng_pub0_open(&made), "nng_pub0_open");
      must(nng_socket_set_int(made, NNG_OPT_SENDBUF, static_cast<int>(window_)), "NNG_OPT_SENDBUF");
      must(nng_listen(made, (name_ + std::to_string(i)).c_str(), nullptr, 0), "nng_listen");
    }
  }

  void subscribe(std::uint16_t type, receive_fn on_message, void* user) override {
    auto& made = *subscriptions_.emplace_back(std::make_unique<subscription>());
    made.way = this;
    made.type = type;
    made.on_message = on_message;
    made.user = user;
    made.index = static_cast<std::size_t>(
        std::count_if(subscriptions_.begin(), subscriptions_.end() - 1, [&](auto& one) { return one->type == type; }));
    must(nng_sub0_open(&made.socket), "nng_sub0_open");
    must(nng_socket_set_int(made.socket, NNG_OPT_RECVBUF, buffer_), "NNG_OPT_RECVBUF");
    must(nng_socket_set(made.socket, NNG_OPT_SUB_SUBSCRIBE, &type, sizeof type), "NNG_OPT_SUB_SUBSCRIBE");
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      must(nng_dial(made.socket, (name_ + std::to_string(i)).c_str(), nullptr, 0), "nng_dial");
    }
  }

  void start() override {
    const auto of_first_type =
        static_cast<std::size_t>(std::count_if(subscriptions_.begin(), subscriptions_.end(),
                                               [&](auto& one) { return one->type == subscriptions_.front()->type; }));
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      windows_.push_back(std::make_unique<window>(of_first_type, window_));
    }
    for (auto& one : subscriptions_) {
      one->thread = std::thread(receive_until_closed, std::ref(*one));
    }
    for (unsigned i = 0; i < publishers_.size(); ++i) {
      greet(i);
    }
  }

  void close() override {
    for (auto& one : subscriptions_) {
      nng_close(one->socket); // its receive returns NNG_ECLOSED
      if (one->thread.joinable()) {
        one->thread.join();
      }
    }
    subscriptions_.clear();
    for (nng_socket socket : publishers_) {
      nng_close(socket);
    }
    publishers_.clear();
  }

  void send(unsigned publisher, std::uint16_t type, const std::uint8_t* bytes, std::size_t size) {
    send_frame(publisher, {type, 0, 0, 0}, bytes, size);
    windows_[publisher]->sent();
  }

private:
  struct subscription {
    nng_way* way = nullptr;
    std::uint16_t type = 0;
    receive_fn on_message = nullptr;
    void* user = nullptr;
    std::size_t index = 0; // among the subscribers of type
    nng_socket socket = NNG_SOCKET_INITIALIZER;
    std::atomic<unsigned> hellos{0}; // publishers heard from
    std::thread thread;
  };

  void send_frame(unsigned publisher, const prefix& begin, const std::uint8_t* bytes, std::size_t size) {
    nng_msg* message = nullptr;
    must(nng_msg_alloc(&message, sizeof begin + size), "nng_msg_alloc");
    auto* frame = static_cast<std::uint8_t*>(nng_msg_body(message));
    std::memcpy(frame, &begin, sizeof begin);
    if (size != 0) {
      std::memcpy(frame + sizeof begin, bytes, size);
    }
    if (const int status = nng_sendmsg(publishers_[publisher], message, 0); status != 0) {
      nng_msg_free(message);
      must(status, "nng_sendmsg");
    }
  }

  // Until each subscriber has heard this publisher: a pipe may not be attached yet when nng_dial has returned.
  void greet(unsigned publisher) {
    for (auto& one : subscriptions_) {
      for (int attempt = 0; one->hellos.load() <= publisher; ++attempt) {
        if (attempt == 5'000) {
          throw std::runtime_error("a subscriber did not hear its publisher");
        }
        send_frame(publisher, {one->type, 1, static_cast<std::uint8_t>(publisher), 0}, nullptr, 0);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }

  static void receive_until_closed(subscription& self) {
    nng_msg* message = nullptr;
    while (nng_recvmsg(self.socket, &message, 0) == 0) {
      const auto* frame = static_cast<const std::uint8_t*>(nng_msg_body(message));
      prefix begin;
      std::memcpy(&begin, frame, sizeof begin);
      if (begin.hello == 0) {
        const std::uint8_t* payload = frame + sizeof begin;
        const auto publisher = read_header(payload).publisher;
        self.on_message(payload, nng_msg_len(message) - sizeof begin, self.user);
        self.way->windows_[publisher]->received(self.index);
      } else if (begin.publisher == self.hellos.load()) {
        self.hellos.fetch_add(1);
      }
      nng_msg_free(message);
    }
  }

  std::string name_;
  unsigned window_ = 0;
  int buffer_ = 0;
  std::vector<nng_socket> publishers_;
  std::vector<std::unique_ptr<subscription>> subscriptions_;
  std::vector<std::unique_ptr<window>> windows_;
};

} // namespace

std::unique_ptr<way> make_nng() { return std::make_unique<nng_way>(); }

} // namespace mycelium::bench
