// Plain CAF, one CAF message per payload. Through a broker actor with CAF's own configuration: what one writes first.
// And straight to each subscriber actor with the sharing policy: gate (i) of docs/architecture.md, what the engine is
// measured by.
#include "tools/benchmarks/way.hpp"

#include "tools/benchmarks/block.hpp"
#include "tools/benchmarks/window.hpp"

#include <caf/all.hpp>

#include <optional>
#include <thread>

// block_ref never leaves the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(mycelium::bench::block_ref)

namespace mycelium::bench {

namespace {

// windows[publisher] bounds what that publisher has under way.
struct subscriber_context {
  receive_fn on_message;
  void* user;
  std::uint16_t type;
  std::size_t index; // among the subscribers of type
  std::vector<std::unique_ptr<window>>* windows;
};

class subscriber_actor : public caf::event_based_actor {
public:
  subscriber_actor(caf::actor_config& config, subscriber_context context)
      : caf::event_based_actor(config), context_(context) {}
  caf::behavior make_behavior() override {
    return {[this](const block_ref& message) {
      const auto publisher = read_header(message->data()).publisher;
      context_.on_message(message->data(), message->size, context_.user);
      (*context_.windows)[publisher]->received(context_.index);
    }};
  }

private:
  subscriber_context context_;
};

using routes = std::vector<std::pair<std::uint16_t, caf::actor>>;

class broker_actor : public caf::event_based_actor {
public:
  broker_actor(caf::actor_config& config, routes known) : caf::event_based_actor(config), routes_(std::move(known)) {}
  caf::behavior make_behavior() override {
    return {[this](const block_ref& message) {
      for (const auto& [type, to] : routes_) {
        if (type == message->type) {
          send(to, message);
        }
      }
    }};
  }
  void on_exit() override { routes_.clear(); }

private:
  routes routes_;
};

class caf_way : public stepwise<caf_way> {
public:
  explicit caf_way(bool through_broker) : through_broker_(through_broker) {}
  ~caf_way() override { caf_way::close(); }

  void open(const load& expected) override {
    expected_ = expected;
    config_.emplace();
    if (!through_broker_) {
      const std::size_t cores = std::thread::hardware_concurrency();
      config_->set("scheduler.policy", caf::atom("sharing"));
      config_->set("scheduler.max-threads", cores > 2 ? cores - 1 : std::size_t{1});
      config_->set("scheduler.max-throughput", std::size_t{300});
    }
    system_.emplace(*config_);
  }
  void subscribe(std::uint16_t type, receive_fn on_message, void* user) override {
    std::size_t before = 0;
    for (const auto& one : routes_) {
      before += one.first == type;
    }
    routes_.emplace_back(
        type, system_->spawn<subscriber_actor>(subscriber_context{on_message, user, type, before, &windows_}));
  }
  void start() override {
    // A publisher publishes one type; ways with several types have equally many subscribers of each here.
    std::size_t of_first_type = 0;
    for (const auto& one : routes_) {
      of_first_type += one.first == routes_.front().first;
    }
    for (unsigned i = 0; i < expected_.publishers; ++i) {
      windows_.push_back(std::make_unique<window>(of_first_type, queue_bound(expected_.payload)));
    }
    if (through_broker_) {
      broker_ = system_->spawn<broker_actor>(routes_);
    }
  }
  void close() override {
    if (!system_) {
      return;
    }
    caf::anon_send_exit(broker_, caf::exit_reason::user_shutdown);
    for (const auto& [type, subscriber] : routes_) {
      caf::anon_send_exit(subscriber, caf::exit_reason::user_shutdown);
    }
    broker_ = nullptr;
    routes_.clear(); // a handle that outlives the actors would make the system wait for ever
    system_->await_all_actors_done();
    system_.reset();
  }

  void send(unsigned publisher, std::uint16_t type, const std::uint8_t* bytes, std::size_t size) {
    const auto shared = block_ref::copy_of(type, bytes, size, memory_from::malloc);
    if (through_broker_) {
      caf::anon_send(broker_, shared);
    } else {
      for (const auto& [of_type, subscriber] : routes_) {
        if (of_type == type) {
          caf::anon_send(subscriber, shared);
        }
      }
    }
    windows_[publisher]->sent();
  }

private:
  const bool through_broker_;
  load expected_;
  std::vector<std::unique_ptr<window>> windows_;
  std::optional<caf::actor_system_config> config_;
  std::optional<caf::actor_system> system_;
  routes routes_;
  caf::actor broker_;
};

} // namespace

std::unique_ptr<way> make_caf_broker() { return std::make_unique<caf_way>(true); }
std::unique_ptr<way> make_caf_direct() { return std::make_unique<caf_way>(false); }

} // namespace mycelium::bench
