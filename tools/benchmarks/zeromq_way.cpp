// ZeroMQ PUB/SUB over inproc: a PUB socket per publisher, a SUB socket and a blocking thread per subscriber.
// Nothing is lost: ZMQ_XPUB_NODROP makes PUB wait at its high-water mark. No io threads: inproc needs none.
#include "tools/benchmarks/way.hpp"

#include "tools/benchmarks/block_pool.hpp"

#include <atomic>
#include <thread>

#include <zmq.h>

namespace mycelium::bench {

namespace {

// What every frame begins with. SUB sockets filter by the type, its first two bytes.
struct prefix {
  std::uint16_t type;
  std::uint8_t hello; // 1: carries nothing, only shows that publisher's connection stands
  std::uint8_t publisher;
  std::uint32_t unused;
};
static_assert(sizeof(prefix) == 8);

void must(bool held, const char* what) {
  if (!held) {
    throw std::runtime_error(std::string(what) + ": " + zmq_strerror(zmq_errno()));
  }
}

struct subscription {
  std::uint16_t type;
  receive_fn on_message;
  void* user;
  void* socket = nullptr;
  std::atomic<unsigned> hellos{0}; // publishers heard from
  std::thread thread;
};

// One context, its sockets and threads; how a message's memory comes about is the derived class's.
class zeromq_core {
protected:
  ~zeromq_core() { stop(); }

  void open_core(const load& expected) {
    static std::atomic<unsigned> instances{0};
    name_ = "inproc://bench-" + std::to_string(instances.fetch_add(1)) + "-";
    // Both ends of an inproc pipe count: together they hold the bound that every way has.
    high_water_ = static_cast<int>(queue_bound(expected.payload) / 2);
    context_ = zmq_ctx_new();
    must(context_ != nullptr && zmq_ctx_set(context_, ZMQ_IO_THREADS, 0) == 0, "zmq_ctx_new");
    for (unsigned i = 0; i < expected.publishers; ++i) {
      void* socket = zmq_socket(context_, ZMQ_PUB);
      must(socket != nullptr, "zmq_socket");
      publishers_.push_back(socket);
      set(socket, ZMQ_XPUB_NODROP, 1);
      set(socket, ZMQ_SNDHWM, high_water_);
      set(socket, ZMQ_SNDTIMEO, 10'000);
      set(socket, ZMQ_LINGER, 0);
      must(zmq_bind(socket, (name_ + std::to_string(i)).c_str()) == 0, "zmq_bind");
    }
  }

  void subscribe_core(std::uint16_t type, receive_fn on_message, void* user) {
    auto made = std::make_unique<subscription>();
    made->type = type;
    made->on_message = on_message;
    made->user = user;
    made->socket = zmq_socket(context_, ZMQ_SUB);
    must(made->socket != nullptr, "zmq_socket");
    set(made->socket, ZMQ_RCVHWM, high_water_);
    set(made->socket, ZMQ_LINGER, 0);
    must(zmq_setsockopt(made->socket, ZMQ_SUBSCRIBE, &type, sizeof type) == 0, "ZMQ_SUBSCRIBE");
    for (std::size_t i = 0; i < publishers_.size(); ++i) {
      must(zmq_connect(made->socket, (name_ + std::to_string(i)).c_str()) == 0, "zmq_connect");
    }
    subscriptions_.push_back(std::move(made));
  }

  // PUB learns of subscriptions when it next sends, so each publisher says hello until each subscriber has heard it.
  void start_core() {
    for (auto& one : subscriptions_) {
      one->thread = std::thread(receive_until_closed, std::ref(*one));
    }
    for (unsigned i = 0; i < publishers_.size(); ++i) {
      for (auto& one : subscriptions_) {
        for (int attempt = 0; one->hellos.load() <= i; ++attempt) {
          must(attempt < 10'000, "a subscriber did not hear its publisher");
          const prefix hello{one->type, 1, static_cast<std::uint8_t>(i), 0};
          must(zmq_send(publishers_[i], &hello, sizeof hello, 0) == sizeof hello, "zmq_send");
          const timespec moment{0, 100'000};
          nanosleep(&moment, nullptr);
        }
      }
    }
  }

  void stop() {
    if (context_ == nullptr) {
      return;
    }
    zmq_ctx_shutdown(context_); // every receive returns ETERM
    for (auto& one : subscriptions_) {
      if (one->thread.joinable()) {
        one->thread.join();
      }
      zmq_close(one->socket);
    }
    for (void* socket : publishers_) {
      zmq_close(socket);
    }
    zmq_ctx_term(context_);
    context_ = nullptr;
  }

  static void write_prefix(zmq_msg_t& message, std::uint16_t type) {
    const prefix begin{type, 0, 0, 0};
    std::memcpy(zmq_msg_data(&message), &begin, sizeof begin);
  }
  void send_message(unsigned publisher, zmq_msg_t& message) {
    must(zmq_msg_send(&message, publishers_[publisher], 0) >= 0, "zmq_msg_send");
  }

private:
  static void set(void* socket, int option, int value) {
    must(zmq_setsockopt(socket, option, &value, sizeof value) == 0, "zmq_setsockopt");
  }

  static void receive_until_closed(subscription& self) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    while (zmq_msg_recv(&message, self.socket, 0) >= 0) {
      const auto* frame = static_cast<const std::uint8_t*>(zmq_msg_data(&message));
      prefix begin;
      std::memcpy(&begin, frame, sizeof begin);
      if (begin.hello == 0) {
        self.on_message(frame + sizeof begin, zmq_msg_size(&message) - sizeof begin, self.user);
      } else if (begin.publisher == self.hellos.load()) {
        self.hellos.fetch_add(1);
      }
    }
    zmq_msg_close(&message);
  }

  std::string name_;
  int high_water_ = 0;
  void* context_ = nullptr;
  std::vector<void*> publishers_;
  std::vector<std::unique_ptr<subscription>> subscriptions_;
};

class zeromq_copying final : public stepwise<zeromq_copying>, zeromq_core {
public:
  void open(const load& expected) override { open_core(expected); }
  void subscribe(std::uint16_t type, receive_fn on_message, void* user) override {
    subscribe_core(type, on_message, user);
  }
  void start() override { start_core(); }
  void close() override { stop(); }

  void send(unsigned publisher, std::uint16_t type, const std::uint8_t* bytes, std::size_t size) {
    zmq_msg_t message;
    must(zmq_msg_init_size(&message, sizeof(prefix) + size) == 0, "zmq_msg_init_size");
    write_prefix(message, type);
    std::memcpy(static_cast<std::uint8_t*>(zmq_msg_data(&message)) + sizeof(prefix), bytes, size);
    send_message(publisher, message);
  }
};

// The payload is built where ZeroMQ will read it: memory from the pool, handed over with zmq_msg_init_data.
class zeromq_in_place final : public stepwise<zeromq_in_place>, zeromq_core {
public:
  void open(const load& expected) override { open_core(expected); }
  void subscribe(std::uint16_t type, receive_fn on_message, void* user) override {
    subscribe_core(type, on_message, user);
  }
  void start() override { start_core(); }
  void close() override { stop(); }

  std::uint8_t* prepare(unsigned, stream& what) {
    auto* memory = static_cast<std::uint8_t*>(block_pool::take(sizeof(prefix) + what.size()));
    if (memory == nullptr) {
      throw std::bad_alloc();
    }
    return memory + sizeof(prefix);
  }
  void send(unsigned publisher, std::uint16_t type, std::uint8_t* bytes, std::size_t size) {
    zmq_msg_t message;
    const std::size_t whole = sizeof(prefix) + size;
    must(zmq_msg_init_data(&message, bytes - sizeof(prefix), whole, give_back, reinterpret_cast<void*>(whole)) == 0,
         "zmq_msg_init_data");
    write_prefix(message, type);
    send_message(publisher, message);
  }

private:
  static void give_back(void* memory, void* whole) { block_pool::give(memory, reinterpret_cast<std::size_t>(whole)); }
};

} // namespace

std::unique_ptr<way> make_zeromq() { return std::make_unique<zeromq_copying>(); }
std::unique_ptr<way> make_zeromq_in_place() { return std::make_unique<zeromq_in_place>(); }

} // namespace mycelium::bench
