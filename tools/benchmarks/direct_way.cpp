// The limit: a copy of the payload and a call of each subscriber, with no queue and no thread between.
#include "tools/benchmarks/way.hpp"

#include "tools/benchmarks/block.hpp"

namespace mycelium::bench {

namespace {

class direct_call final : public stepwise<direct_call> {
public:
  void open(const load&) override {}
  void subscribe(std::uint16_t type, receive_fn on_message, void* user) override {
    subscriptions_.push_back({type, on_message, user});
  }
  void start() override {}
  void close() override {}

  void send(unsigned, std::uint16_t type, const std::uint8_t* bytes, std::size_t size) {
    const auto copy = block_ref::copy_of(type, bytes, size, memory_from::malloc);
    for (const subscription& one : subscriptions_) {
      if (one.type == type) {
        one.on_message(copy->data(), copy->size, one.user);
      }
    }
  }

private:
  struct subscription {
    std::uint16_t type;
    receive_fn on_message;
    void* user;
  };
  std::vector<subscription> subscriptions_;
};

} // namespace

std::unique_ptr<way> make_direct_call() { return std::make_unique<direct_call>(); }

} // namespace mycelium::bench
