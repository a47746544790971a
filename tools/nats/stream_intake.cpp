// Durable types, out of the stream.
#include "tools/nats/arrivals.hpp"
#include "tools/nats/intake.hpp"
#include "tools/nats/stream.hpp"

#include <algorithm>

namespace mycelium::nats {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::int64_t fetch_patience_ms = 500; // so long does an end wait, too
constexpr auto retry_pause = 250ms;
constexpr auto consumer_time = 3s;                // between two looks whether it is there, while nothing comes
constexpr std::size_t most_unacknowledged = 2048; // half of what a consumer hands out so
constexpr auto look_again = 100ms;                // whether the neighbours have it, and whether this is the end
constexpr auto longest_look = 5000ms;             // so far may a neighbour always be behind; an end waits for it, too

class stream_intake final : public intake {
public:
  stream_intake(const context& shared, const chosen_type& type) : shared_(shared), type_(type) {
    thread_.start("myc.nats.load", [this] { run(); });
  }
  ~stream_intake() override { thread_.stop(); }
  void ask_to_stop() noexcept override { thread_.ask_to_stop(); }

private:
  void run();
  result<void> read();
  result<bool> acknowledge(std::chrono::nanoseconds patience);
  result<bool> fetch(jsCtx* js, natsSubscription* from, arrivals& batch);
  result<bool> nothing_came(jsCtx* js);

  const context& shared_;
  const chosen_type& type_;
  bool warned_ = false;
  std::string last_; // reply subject of the last message that is published, and not acknowledged
  std::uint64_t last_sequence_ = 0;
  clock::time_point look_at_consumer_;
  std::size_t published_ = 0; // since the last acknowledgement
  bool withheld_ = false;     // some neighbour does not acknowledge what it was given
  worker thread_;
};

void stream_intake::run() {
  while (!thread_.stopping() && !shared_.link->is_over()) {
    const auto epoch = shared_.link->epoch();
    if (shared_.link->is_up()) {
      const auto done = read();
      if (!done)
        shared_.stream_is_missing->store(true);
      if (!done && !std::exchange(warned_, true))
        shared_.link->log(done.error().text + "; trying again");
    }
    if (!thread_.stopping())
      static_cast<void>(shared_.link->wait_for_change(epoch, retry_pause));
  }
}

// What was fetched over a connection that broke may never have come: over each new one the consumer goes back to what
// was acknowledged.
result<void> stream_intake::read() {
  const auto epoch = shared_.link->epoch();
  auto js = open_jetstream(*shared_.link);
  if (!js)
    return js.error();
  if (auto there = ensure_consumer(js->get(), *shared_.how, type_); !there)
    return there;
  const auto name = consumer_name(*shared_.how, type_.type_id);
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = shared_.how->stream.c_str();
  options.Consumer = name.c_str();
  natsSubscription* raw = nullptr;
  const auto done = js_PullSubscribe(&raw, js->get(), type_.subject.c_str(), name.c_str(), nullptr, &options, nullptr);
  const subscription_ptr from(raw);
  if (done != NATS_OK)
    return failure_of(done, "the consumer " + name);
  last_.clear(); // what it stands for comes again
  last_sequence_ = 0;
  published_ = 0;
  arrivals batch(shared_);
  while (!thread_.stopping() && shared_.link->epoch() == epoch) {
    const auto fetched = fetch(js->get(), raw, batch);
    if (!fetched)
      return fetched.error();
    warned_ = warned_ && !*fetched;
  }
  return {};
}

result<bool> stream_intake::nothing_came(jsCtx* js) {
  if (clock::now() >= look_at_consumer_) {
    look_at_consumer_ = clock::now() + consumer_time;
    if (auto there = find_consumer(js, *shared_.how, type_); !there)
      return there.error();
  }
  return last_.empty() ? false : acknowledge(look_again);
}

result<bool> stream_intake::fetch(jsCtx* js, natsSubscription* from, arrivals& batch) {
  natsMsgList list{};
  const auto done = natsSubscription_Fetch(&list, from, static_cast<int>(arrivals::most), fetch_patience_ms, nullptr);
  if (done == NATS_TIMEOUT)
    return nothing_came(js);
  if (done != NATS_OK)
    return failure_of(done, "reading " + type_.subject + " of the stream " + shared_.how->stream);
  std::string last; // whose acknowledgement is that of all before it; what comes again is older
  for (int i = 0; i < list.Count; ++i) {
    message_ptr m(std::exchange(list.Msgs[i], nullptr));
    const auto at = place_of(m.get());
    if (at.sequence >= last_sequence_) {
      last_sequence_ = at.sequence;
      last = natsMsg_GetReply(m.get());
    }
    const sender otherwise{shared_.stream_node, at.sequence, at.stored_ns};
    batch.add(std::move(m), type_, otherwise);
  }
  const auto count = list.Count;
  natsMsgList_Destroy(&list);
  if (!batch.publish())
    return failure{status::closed, "the bus is closed"};
  if (!last.empty())
    last_ = std::move(last);
  published_ += static_cast<std::size_t>(count);
  // While more comes, one wait serves several batches; and a neighbour that has died delays no other.
  const bool more_comes = count == static_cast<int>(arrivals::most) && published_ < most_unacknowledged;
  return more_comes ? true : acknowledge(withheld_ ? 0ms : look_again);
}

// When the neighbours have it. Nothing is lost then if this process dies: what they did not get the stream hands out
// again. What is not acknowledged at the end, neither. A neighbour that does not acknowledge in time, perhaps for ever,
// is waited for only when nothing more may be handed on without.
result<bool> stream_intake::acknowledge(std::chrono::nanoseconds patience) {
  auto done = mycelium_bridge_flush(shared_.bus, patience.count());
  for (patience = look_again;
       done == MYCELIUM_ERROR_TIMEOUT && published_ >= most_unacknowledged && !thread_.stopping();
       patience = std::min<std::chrono::nanoseconds>(2 * patience, longest_look))
    done = mycelium_bridge_flush(shared_.bus, patience.count());
  withheld_ = done == MYCELIUM_ERROR_TIMEOUT;
  if (withheld_)
    return true;
  if (done < 0)
    return failure{static_cast<status>(done), mycelium_last_error()};
  if (!last_.empty())
    static_cast<void>(natsConnection_PublishString(shared_.link->get(), last_.c_str(), "+ACK"));
  last_.clear();
  published_ = 0;
  return true;
}

} // namespace

std::unique_ptr<intake> take_in_durably(const context& shared, const chosen_type& type) {
  return std::make_unique<stream_intake>(shared, type);
}

} // namespace mycelium::nats
