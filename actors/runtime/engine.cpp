#include "actors/runtime/engine.hpp"

#include "actors/runtime/lane_actor.hpp"
#include "actors/runtime/park_policy.hpp"
#include "actors/runtime/request.hpp"
#include "actors/runtime/signals_blocked.hpp"

#include <algorithm>
#include <atomic>
#include <caf/actor_cast.hpp>
#include <caf/atom.hpp>
#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/logger.hpp>
#include <caf/scheduler/coordinator.hpp>
#include <caf/send.hpp>
#include <chrono>
#include <unordered_map>

namespace mycelium::runtime {
namespace {

using watch = caf::atom_constant<caf::atom("watch")>;
using restart = caf::atom_constant<caf::atom("restart")>;
using deliver = caf::atom_constant<caf::atom("deliver")>;
using expire = caf::atom_constant<caf::atom("expire")>;
using arm = caf::atom_constant<caf::atom("arm")>;

// What an actor's handler did is seen by its next handler, on whatever worker. CAF sees to that, but ThreadSanitizer
// does not see CAF.
class turn {
public:
  explicit turn(std::atomic<int>& handed_over) noexcept : handed_over_(handed_over) {
    (void)handed_over_.load(std::memory_order_acquire);
  }
  ~turn() { handed_over_.store(1, std::memory_order_release); }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

private:
  std::atomic<int>& handed_over_;
};

// One-for-one: an actor that died is replaced after 1 ms, twice as long each time it dies again, at most 1 s.
class supervisor final : public caf::event_based_actor {
public:
  supervisor(caf::actor_config& config, std::function<void(std::uint64_t)> on_restart)
      : caf::event_based_actor(config), on_restart_(std::move(on_restart)) {
    set_down_handler([this](caf::down_msg& down) { subscription_down(down); });
  }

  caf::behavior make_behavior() override {
    return {
        [this](watch, const caf::actor& who, std::uint64_t subscription_id) {
          const turn here(handed_over_);
          monitor(who);
          watched_[who.address()] = subscription_id;
        },
        [this](restart, std::uint64_t subscription_id) { on_restart_(subscription_id); },
    };
  }

private:
  void subscription_down(const caf::down_msg& down) {
    const turn here(handed_over_);
    const auto found = watched_.find(down.source);
    if (found == watched_.end())
      return;
    const auto id = found->second;
    watched_.erase(found);
    if (down.reason == caf::exit_reason::user_shutdown) {
      deaths_.erase(id);
      return;
    }
    const auto wait = std::chrono::milliseconds(1 << std::min(deaths_[id]++, 10));
    delayed_send(this, wait, restart::value, id);
  }

  std::function<void(std::uint64_t)> on_restart_;
  std::unordered_map<caf::actor_addr, std::uint64_t> watched_;
  std::unordered_map<std::uint64_t, int> deaths_;
  std::atomic<int> handed_over_{0};
};

// Runs reply handlers, and keeps the time of requests.
class courier final : public caf::event_based_actor {
public:
  courier(caf::actor_config& config, request_table& requests) : caf::event_based_actor(config), requests_(requests) {}

  caf::behavior make_behavior() override {
    return {
        [this](deliver) { requests_.deliver_outcomes(); },
        [this](arm, std::int64_t ns) { expire_in(ns); },
        [this](expire) {
          if (const auto next = requests_.expire_overdue())
            expire_in(next);
        },
    };
  }

private:
  void expire_in(std::int64_t ns) { delayed_send(this, std::chrono::nanoseconds(ns), expire::value); }

  request_table& requests_;
};

} // namespace

thread_let_go::~thread_let_go() { caf::logger::set_current_actor_system(nullptr); }

caf::actor_system_config& engine::configure(caf::actor_system_config& config, const settings& how) {
  // By code alone: a library reads neither the host's arguments nor files in its working directory.
  config.set("scheduler.max-threads", std::size_t{how.threads});
  config.set("scheduler.max-throughput", std::size_t{300}); // CAF messages per turn
  config.load<caf::scheduler::coordinator<park_policy>>();
  return config;
}

engine::engine(settings how) : how_(std::move(how)), system_(configure(config_, how_)) {
  const thread_let_go afterwards;
  supervisor_ = system_.spawn<supervisor>(how_.restart);
  courier_ = system_.spawn<courier>(*how_.requests);
  how_.requests->connect(
      [who = caf::actor_cast<caf::actor_addr>(courier_)] {
        if (auto to = caf::actor_cast<caf::actor>(who))
          caf::anon_send(to, deliver::value);
      },
      [who = caf::actor_cast<caf::actor_addr>(courier_)](std::int64_t ns) {
        if (auto to = caf::actor_cast<caf::actor>(who))
          caf::anon_send(to, arm::value, ns);
      });
}

engine::~engine() = default;

caf::actor engine::spawn(const counted_ptr<lane>& data) {
  const thread_let_go afterwards;
  const signals_blocked in_new_threads;
  const auto& options = data->options();
  auto who = options.dedicated    ? system_.spawn<lane_actor, caf::detached>(data)
             : options.run_inline ? system_.spawn<lane_actor, caf::lazy_init>(data)
                                  : system_.spawn<lane_actor>(data);
  auto* actor = static_cast<lane_actor*>(caf::actor_cast<caf::abstract_actor*>(who));
  data->attach(actor);
  if (options.run_inline)
    actor->initialise_here();
  caf::anon_send(supervisor_, watch::value, who, data->id());
  return who;
}

void engine::dismiss(const caf::actor& who) { caf::anon_send_exit(who, caf::exit_reason::user_shutdown); }

void engine::stop() {
  how_.requests->disconnect();
  dismiss(supervisor_);
  dismiss(courier_);
  supervisor_ = nullptr;
  courier_ = nullptr;
  system_.await_all_actors_done();
}

std::size_t engine::threads() const { return const_cast<caf::actor_system&>(system_).scheduler().num_workers(); }

} // namespace mycelium::runtime
