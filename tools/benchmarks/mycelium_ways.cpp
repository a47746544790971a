// Ours, through ffi/include/mycelium.h only, as a user links it: libmycelium_ffi.so with its default configuration but
// for the queue bound that every way has here. Policy block: nothing is lost.
#include "tools/benchmarks/way.hpp"

#include <mycelium.h>

#include <array>

namespace mycelium::bench {

namespace {

void must(std::int32_t status, const char* what) {
  if (status < 0) {
    throw std::runtime_error(std::string(what) + ": " + mycelium_status_name(status) + ", " + mycelium_last_error());
  }
}

// A runtime and its subscriptions; flags are MyceliumSubscribeFlags.
class runtime_user {
protected:
  explicit runtime_user(std::uint32_t flags) : flags_(flags) {}
  ~runtime_user() { stop(); }

  void open_runtime(const load& expected) {
    MyceliumRuntimeConfig config;
    mycelium_runtime_config_init(&config);
    config.mailbox_capacity = queue_bound(expected.payload);
    config.policy = MYCELIUM_POLICY_BLOCK;
    config.block_timeout_ns = 10'000'000'000;
    runtime_ = mycelium_runtime_create_with_config(&config);
    if (runtime_ == nullptr) {
      throw std::runtime_error(std::string("mycelium_runtime_create_with_config: ") + mycelium_last_error());
    }
  }
  void subscribe_runtime(std::uint16_t type, receive_fn on_message, void* user) {
    listeners_.push_back(std::make_unique<listener>(listener{on_message, user}));
    MyceliumSubscribeOptions options;
    mycelium_subscribe_options_init(&options);
    options.flags = flags_;
    options.on_payload = [](std::uint16_t, const std::uint8_t* payload, std::size_t size, void* context) {
      const auto* self = static_cast<const listener*>(context);
      self->on_message(payload, size, self->user);
    };
    options.user_data = listeners_.back().get();
    std::uint64_t id = 0;
    must(mycelium_subscribe_with_options(runtime_, type, &options, &id), "mycelium_subscribe_with_options");
  }
  void stop() {
    mycelium_runtime_destroy(runtime_);
    runtime_ = nullptr;
    listeners_.clear();
  }
  // Policy block drops nothing; if the runtime says otherwise, it says why.
  void stop_and_check() {
    MyceliumRuntimeStats stats{};
    stats.struct_size = sizeof stats;
    if (runtime_ != nullptr) {
      must(mycelium_runtime_stats(runtime_, &stats), "mycelium_runtime_stats");
    }
    stop();
    std::string dropped;
    for (std::size_t reason = 0; reason < MYCELIUM_DROP_REASONS; ++reason) {
      if (stats.dropped[reason] != 0) {
        dropped += " " + std::to_string(stats.dropped[reason]) + " for reason " + std::to_string(reason);
      }
    }
    if (!dropped.empty()) {
      throw std::runtime_error("the runtime counts dropped messages (MyceliumDropReason):" + dropped);
    }
  }

  MyceliumRuntime* runtime_ = nullptr;

private:
  struct listener {
    receive_fn on_message;
    void* user;
  };
  std::vector<std::unique_ptr<listener>> listeners_;
  std::uint32_t flags_;
};

template <class Way>
class runtime_way : public stepwise<Way>, protected runtime_user {
public:
  explicit runtime_way(std::uint32_t flags = 0) : runtime_user(flags) {}
  void open(const load& expected) override { open_runtime(expected); }
  void subscribe(std::uint16_t type, receive_fn on_message, void* user) override {
    subscribe_runtime(type, on_message, user);
  }
  void start() override {}
  void close() override { stop_and_check(); }
};

class publishing final : public runtime_way<publishing> {
public:
  using runtime_way::runtime_way;
  void send(unsigned, std::uint16_t type, const std::uint8_t* bytes, std::size_t size) {
    must(mycelium_publish(runtime_, type, bytes, size), "mycelium_publish");
  }
};

class loaning final : public runtime_way<loaning> {
public:
  void open(const load& expected) override {
    open_runtime(expected);
    loans_.resize(expected.publishers);
  }
  std::uint8_t* prepare(unsigned publisher, stream& what) {
    std::uint8_t* memory = nullptr;
    must(mycelium_loan(runtime_, what.size(), &loans_[publisher].loan, &memory), "mycelium_loan");
    return memory;
  }
  void send(unsigned publisher, std::uint16_t type, const std::uint8_t*, std::size_t size) {
    must(mycelium_publish_loan(runtime_, type, loans_[publisher].loan, 0, size), "mycelium_publish_loan");
  }

private:
  struct alignas(64) one_loan {
    MyceliumLoan* loan = nullptr;
  };
  std::vector<one_loan> loans_;
};

// The publisher gathers up to 64 messages (1 MiB at most) in memory of its own and publishes them with one call.
class batching final : public runtime_way<batching> {
public:
  void open(const load& expected) override {
    open_runtime(expected);
    batch_ = std::max<std::size_t>(1, std::min<std::size_t>(64, (std::size_t{1} << 20) / expected.payload));
    gathered_.resize(expected.publishers);
    for (gather& one : gathered_) {
      one.memory.resize(batch_ * expected.payload);
    }
  }
  std::uint8_t* prepare(unsigned publisher, stream& what) {
    gather& mine = gathered_[publisher];
    return mine.memory.data() + mine.count * what.size();
  }
  void send(unsigned publisher, std::uint16_t type, const std::uint8_t* bytes, std::size_t size) {
    gather& mine = gathered_[publisher];
    mine.payloads[mine.count++] = {type, bytes, size};
    if (mine.count == batch_) {
      finish(publisher);
    }
  }
  void finish(unsigned publisher) {
    gather& mine = gathered_[publisher];
    must(mycelium_publish_batch(runtime_, mine.payloads.data(), mine.count, nullptr), "mycelium_publish_batch");
    mine.count = 0;
  }

private:
  struct alignas(64) gather {
    std::vector<std::uint8_t> memory;
    std::array<MyceliumPayload, 64> payloads;
    std::size_t count = 0;
  };
  std::vector<gather> gathered_;
  std::size_t batch_ = 1;
};

} // namespace

std::unique_ptr<way> make_ours() { return std::make_unique<publishing>(); }
std::unique_ptr<way> make_ours_inline() { return std::make_unique<publishing>(MYCELIUM_SUBSCRIBE_INLINE); }
std::unique_ptr<way> make_ours_dedicated() { return std::make_unique<publishing>(MYCELIUM_SUBSCRIBE_DEDICATED); }
std::unique_ptr<way> make_ours_loaned() { return std::make_unique<loaning>(); }
std::unique_ptr<way> make_ours_batched() { return std::make_unique<batching>(); }

} // namespace mycelium::bench
