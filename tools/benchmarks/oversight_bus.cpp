#include "tools/benchmarks/oversight_bus.hpp"

#include "schema/stream_messages.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace mycelium::bench {
namespace {

using steady = std::chrono::steady_clock;
using schema::inference_token;

std::int64_t now_ns() { return std::chrono::nanoseconds(steady::now().time_since_epoch()).count(); }

struct runtime_deleter {
  void operator()(MyceliumRuntime* rt) const noexcept { mycelium_runtime_destroy(rt); }
};
using runtime_ptr = std::unique_ptr<MyceliumRuntime, runtime_deleter>;

// One runtime with an oversight, its scorer, a reader of the tokens and a source that hears of halts.
class bench_stand {
public:
  bench_stand(const bus_way& way, std::uint64_t halts_at) : way_(way), halts_at_(halts_at) {
    MyceliumRuntimeConfig config;
    mycelium_runtime_config_init(&config);
    config.block_timeout_ns = 60'000'000'000;
    rt_.reset(mycelium_runtime_create_with_config(&config));
    good_ = rt_ && subscribe(inference_token::type_id, on_token, 0) &&
            subscribe(schema::inference_cancel::type_id, on_cancel, MYCELIUM_SUBSCRIBE_INLINE) &&
            (!way.over_bus || subscribe(schema::oversight_score_request::type_id, on_request, 0)) &&
            (!way.watched || create());
  }
  ~bench_stand() { rt_.reset(); } // before what its callbacks use
  bench_stand(const bench_stand&) = delete;
  bench_stand& operator=(const bench_stand&) = delete;

  bool good() const { return good_; }

  bool begin(std::uint64_t session) {
    said_ = 0;
    cancelled_ = false;
    envelope_ = {};
    envelope_.struct_size = sizeof envelope_;
    envelope_.type_id = inference_token::type_id;
    if (!way_.watched || way_.mode == MYCELIUM_OVERSIGHT_OBSERVE)
      return true;
    envelope_.destination = MYCELIUM_TO_SUBSCRIPTION;
    return mycelium_oversight_attach(rt_.get(), id_, session, &envelope_.destination_key) == MYCELIUM_SUCCESS;
  }
  void detach(std::uint64_t session) { (void)mycelium_oversight_detach(rt_.get(), id_, session); }

  bool say(std::uint64_t session, std::uint64_t index) {
    const auto payload =
        writer_.write(inference_token{.session_id = session, .index = std::uint32_t(index), .text = " word"});
    const bool published =
        mycelium_publish_envelope(rt_.get(), &envelope_, payload.data(), payload.size()) == MYCELIUM_SUCCESS;
    said_.store(index + 1, std::memory_order_release);
    return published;
  }
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  std::uint64_t said() const { return said_.load(std::memory_order_acquire); }
  std::uint64_t arrived() const { return arrived_.load(std::memory_order_acquire); }
  std::int64_t verdict_at() const { return verdict_at_.load(std::memory_order_acquire); }
  std::uint64_t said_at_verdict() const { return said_at_verdict_.load(std::memory_order_acquire); }
  std::int64_t heard_at() const { return heard_at_.load(std::memory_order_acquire); }

private:
  static bench_stand& of(void* self) { return *static_cast<bench_stand*>(self); }

  double score_of(std::uint64_t index) {
    if (index != halts_at_)
      return 0.9;
    said_at_verdict_.store(said(), std::memory_order_release);
    verdict_at_.store(now_ns(), std::memory_order_release);
    return 0.1;
  }
  static void on_question(const MyceliumScoreQuestion* question, MyceliumScoreAnswer* answer, void* self) {
    mycelium_score_set(answer, of(self).score_of(question->index));
  }
  static void on_token(const MyceliumMessage*, void* self) {
    auto& count = of(self).arrived_;
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  static void on_cancel(const MyceliumMessage*, void* self) {
    of(self).heard_at_.store(now_ns(), std::memory_order_release);
    of(self).cancelled_.store(true, std::memory_order_release);
  }
  static void on_request(const MyceliumMessage* message, void* self) {
    std::size_t size = 0;
    const auto* data = mycelium_message_payload(message, &size);
    schema::oversight_score_request request;
    if (!schema::read({data, size}, request))
      return;
    static thread_local schema::message_writer writer;
    const auto payload =
        writer.write(schema::oversight_score{request.session_id, request.index, of(self).score_of(request.index), {}});
    (void)mycelium_reply(of(self).rt_.get(), message, schema::oversight_score::type_id, payload.data(), payload.size());
  }

  bool subscribe(std::uint16_t type_id, MyceliumHandler handler, std::uint32_t flags) {
    MyceliumSubscribeOptions options;
    mycelium_subscribe_options_init(&options);
    options.on_message = handler;
    options.user_data = this;
    options.flags = flags;
    return mycelium_subscribe_with_options(rt_.get(), type_id, &options, nullptr) == MYCELIUM_SUCCESS;
  }

  bool create() {
    BackfireConfig kernel;
    backfire_config_init(&kernel);
    kernel.deadline_ms = 60'000; // a worker that the machine does not schedule halts nothing here
    MyceliumOversightConfig config;
    mycelium_oversight_config_init(&config);
    config.config = &kernel;
    config.mode = way_.mode;
    config.flags = way_.flags;
    config.capacity = way_.mode == MYCELIUM_OVERSIGHT_OBSERVE ? 1U << 16 : 0;
    config.scorer = way_.over_bus ? nullptr : on_question;
    config.user_data = this;
    return mycelium_oversight_create(rt_.get(), &config, &id_) == MYCELIUM_SUCCESS;
  }

  const bus_way& way_;
  const std::uint64_t halts_at_;
  runtime_ptr rt_;
  bool good_ = false;
  std::uint64_t id_ = 0;
  MyceliumEnvelope envelope_{};
  schema::message_writer writer_;
  alignas(64) std::atomic<std::uint64_t> said_{0};
  alignas(64) std::atomic<bool> cancelled_{false};
  std::atomic<std::int64_t> heard_at_{0};
  alignas(64) std::atomic<std::uint64_t> said_at_verdict_{0};
  std::atomic<std::int64_t> verdict_at_{0};
  alignas(64) std::atomic<std::uint64_t> arrived_{0};
};

template <class Value>
Value percentile(const std::vector<Value>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

} // namespace

std::vector<bus_way> oversight_bus_ways() {
  return {
      {.name = "no oversight", .watched = false},
      {.name = "gate"},
      {.name = "gate, inline", .flags = MYCELIUM_OVERSIGHT_INLINE},
      {.name = "observer", .mode = MYCELIUM_OVERSIGHT_OBSERVE},
      {.name = "gate, scores asked for on the bus", .over_bus = true},
  };
}

double token_cost_ns(const bus_way& way, std::uint64_t tokens) {
  bench_stand stand(way, UINT64_MAX);
  if (!stand.good() || !stand.begin(1))
    return -1;
  const auto before = now_ns();
  for (std::uint64_t index = 0; index < tokens; ++index)
    if (!stand.say(1, index))
      return -1;
  while (stand.arrived() < tokens && !stand.cancelled())
    std::this_thread::yield();
  const auto spent = now_ns() - before;
  return stand.cancelled() ? -1 : static_cast<double>(spent) / static_cast<double>(tokens);
}

halt_latency halt_latency_of(const bus_way& way, std::uint64_t halts, double tokens_per_second) {
  constexpr std::uint64_t halting = 20; // the token
  bench_stand stand(way, halting);
  std::vector<double> us;
  std::vector<std::uint64_t> tokens;
  for (std::uint64_t session = 1; session <= halts; ++session) {
    if (!stand.good() || !stand.begin(session))
      return {};
    auto due = steady::now();
    for (std::uint64_t index = 0; !stand.cancelled(); ++index) {
      if (tokens_per_second > 0)
        std::this_thread::sleep_until(due += std::chrono::nanoseconds(std::int64_t(1e9 / tokens_per_second)));
      if (!stand.cancelled() && !stand.say(session, index))
        return {};
    }
    us.push_back(static_cast<double>(stand.heard_at() - stand.verdict_at()) / 1e3);
    // Inline, the halting token's own publish is still under way then.
    tokens.push_back(stand.said() - std::max(stand.said_at_verdict(), halting + 1));
    stand.detach(session);
  }
  std::ranges::sort(us);
  std::ranges::sort(tokens);
  return {percentile(us, 0.5),      percentile(us, 0.99), percentile(tokens, 0.5),
          percentile(tokens, 0.99), tokens.back(),        halts};
}

} // namespace mycelium::bench
