#include "tools/nats/replay.hpp"

#include "tools/nats/arrivals.hpp"
#include "tools/nats/stream.hpp"

#include <sys/random.h>

namespace mycelium::nats {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::int64_t fetch_patience_ms = 500;
constexpr auto connect_patience = 10s;
constexpr std::int64_t forgotten_after_ns = 60'000'000'000; // our consumer, once nobody reads it

// A time to begin with that is not later. libnats 3.4.1 writes fractions of a second without the zeros they begin with,
// 0.05 s as .5, and the stream would be read from half a second too late.
std::int64_t writable(std::int64_t time_ns) {
  constexpr std::int64_t second = 1'000'000'000;
  const auto fraction = time_ns % second;
  return fraction < second / 10 ? time_ns - fraction : time_ns;
}

struct stream_info_deleter {
  void operator()(jsStreamInfo* info) const noexcept { jsStreamInfo_Destroy(info); }
};
struct consumer_info_deleter {
  void operator()(jsConsumerInfo* info) const noexcept { jsConsumerInfo_Destroy(info); }
};

class run {
public:
  run(MyceliumRuntime* bus, const settings& how, const replay_options& wanted, const replay_pause& pause,
      replay_totals& totals)
      : how_(how), wanted_(wanted), pause_(pause), totals_(totals) {
    shared_.bus = bus;
  }
  result<void> all();

private:
  enum class end { reached, broken };

  result<void> open();
  result<void> choose_end(jsCtx* js);
  result<std::string> make_consumer(jsCtx* js);
  result<end> read(jsCtx* js);
  bool has_more(jsCtx* js, const std::string& consumer) const;
  result<bool> pass_on(natsMsgList& list);
  result<bool> publish(natsMsg* m, const place& at);
  const chosen_type* type_of(natsMsg* m);
  bool is_past_end(const place& at) const;
  bool wait_until_due(std::int64_t stored_ns);

  const settings& how_;
  const replay_options& wanted_;
  const replay_pause& pause_;
  replay_totals& totals_;
  counters counts_;
  subject_map types_;
  std::map<std::string, chosen_type> opaque_; // types without a schema, by their subject
  std::unique_ptr<connection> link_;
  context shared_;
  std::uint64_t node_ = 0;
  std::uint64_t next_ = 0; // sequence from which on
  std::uint64_t end_ = 0;
  std::int64_t first_stored_ns_ = 0;
  clock::time_point began_;
};

result<void> run::open() {
  const auto patterns = wanted_.types.empty() ? std::vector<std::string>{">"} : wanted_.types;
  auto chosen = subject_map::choose(how_.types, patterns, {}, how_.prefix);
  if (!chosen)
    return chosen.error();
  types_ = std::move(*chosen);
  if (const auto done = mycelium_bridge_open_gateway(shared_.bus, &shared_.gateway); done < 0)
    return failure{static_cast<status>(done), mycelium_last_error()};
  auto connected = connection::open(how_, counts_);
  if (!connected)
    return connected.error();
  link_ = std::move(*connected);
  shared_.how = &how_;
  shared_.types = &types_;
  shared_.counts = &counts_;
  shared_.link = link_.get();
  while (node_ == 0)
    if (getrandom(&node_, sizeof node_, 0) != ssize_t{sizeof node_})
      return failure{status::internal, "the system gives no random numbers"};
  return {};
}

result<void> run::all() {
  if (auto opened = open(); !opened)
    return opened;
  next_ = wanted_.from_sequence;
  bool knows_end = false;
  for (;;) {
    const auto epoch = link_->epoch();
    if (!link_->is_up() && !link_->wait_for_change(epoch, connect_patience))
      return failure{status::timeout, "there is no NATS server at " + without_secrets(how_.servers.front())};
    const auto js = open_jetstream(*link_);
    if (!js)
      return js.error();
    if (auto known = knows_end ? result<void>() : choose_end(js->get()); !known)
      return known;
    knows_end = true;
    if (end_ == 0 || next_ > end_)
      return {}; // nothing is there
    const auto ended = read(js->get());
    if (!ended)
      return ended.error();
    if (*ended == end::reached)
      return {};
  }
}

result<void> run::choose_end(jsCtx* js) {
  jsStreamInfo* raw = nullptr;
  const auto done = js_GetStreamInfo(&raw, js, how_.stream.c_str(), nullptr, nullptr);
  const std::unique_ptr<jsStreamInfo, stream_info_deleter> info(raw);
  if (done != NATS_OK)
    return failure_of(done, "the stream " + how_.stream);
  end_ = info->State.Msgs == 0 ? 0 : info->State.LastSeq;
  if (wanted_.to_sequence != 0)
    end_ = std::min(end_, wanted_.to_sequence);
  return {};
}

result<std::string> run::make_consumer(jsCtx* js) {
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.AckPolicy = js_AckAll;
  config.MaxAckPending = -1;
  config.InactiveThreshold = forgotten_after_ns;
  config.DeliverPolicy = js_DeliverAll;
  if (next_ != 0) {
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = next_;
  } else if (wanted_.from_ns != 0) {
    config.DeliverPolicy = js_DeliverByStartTime;
    config.OptStartTime = writable(wanted_.from_ns);
  }
  jsConsumerInfo* raw = nullptr;
  const auto done = js_AddConsumer(&raw, js, how_.stream.c_str(), &config, nullptr, nullptr);
  const std::unique_ptr<jsConsumerInfo, consumer_info_deleter> info(raw);
  if (done != NATS_OK)
    return failure_of(done, "reading the stream " + how_.stream);
  return std::string(info->Name);
}

// Asked when a fetch brought nothing. Neither is proof alone: a busy server is slow, and its count may lag behind.
bool run::has_more(jsCtx* js, const std::string& consumer) const {
  jsConsumerInfo* raw = nullptr;
  const auto done = js_GetConsumerInfo(&raw, js, how_.stream.c_str(), consumer.c_str(), nullptr, nullptr);
  const std::unique_ptr<jsConsumerInfo, consumer_info_deleter> info(raw);
  return done != NATS_OK || info->NumPending != 0;
}

result<run::end> run::read(jsCtx* js) {
  const auto epoch = link_->epoch();
  const auto name = make_consumer(js);
  if (!name)
    return name.error();
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = how_.stream.c_str();
  options.Consumer = name->c_str();
  natsSubscription* raw = nullptr;
  auto done = js_PullSubscribe(&raw, js, ">", nullptr, nullptr, &options, nullptr);
  const subscription_ptr from(raw);
  if (done != NATS_OK)
    return failure_of(done, "reading the stream " + how_.stream);
  while (link_->epoch() == epoch) {
    natsMsgList list{};
    done = natsSubscription_Fetch(&list, raw, static_cast<int>(arrivals::most), fetch_patience_ms, nullptr);
    if (pause_(0)) {
      totals_.stopped = true;
      natsMsgList_Destroy(&list);
      return end::reached;
    }
    if (done != NATS_OK && done != NATS_TIMEOUT)
      break;
    const bool nothing_came = list.Count == 0;
    const auto more = pass_on(list);
    natsMsgList_Destroy(&list);
    if (!more)
      return more.error();
    if (!*more)
      return end::reached;
    if (nothing_came && !has_more(js, *name))
      return end::reached; // what was the end is deleted, or nothing was stored since then
  }
  static_cast<void>(link_->wait_for_change(epoch, 1s));
  return end::broken;
}

// False: the end has come.
result<bool> run::pass_on(natsMsgList& list) {
  for (int i = 0; i < list.Count; ++i) {
    const auto at = place_of(list.Msgs[i]);
    if (is_past_end(at))
      return false;
    if (at.stored_ns >= wanted_.from_ns) {
      const auto published = publish(list.Msgs[i], at);
      if (!published || !*published)
        return published;
    }
    next_ = at.sequence + 1;
    if (at.sequence >= end_)
      return false;
  }
  return true;
}

bool run::is_past_end(const place& at) const {
  return at.sequence > end_ || (wanted_.to_ns != 0 && at.stored_ns > wanted_.to_ns);
}

// A type without a schema has a subject that tells its number.
const chosen_type* run::type_of(natsMsg* m) {
  const std::string subject = natsMsg_GetSubject(m);
  if (const auto* type = types_.find(std::string_view(subject)); type != nullptr || !wanted_.types.empty())
    return type;
  message_headers headers(m);
  const auto what = read_headers(headers);
  if (!what || what->envelope.type_id == 0)
    return nullptr;
  const schema::message_type unknown{.type_id = what->envelope.type_id, .name = {}, .topic = {}, .type_digest = {}};
  if (subject != how_.prefix + '.' + subject_of(unknown))
    return nullptr;
  auto& type = opaque_[subject];
  type.type_id = unknown.type_id;
  type.subject = subject;
  return &type;
}

result<bool> run::publish(natsMsg* m, const place& at) {
  const auto* type = type_of(m);
  if (type == nullptr) {
    ++totals_.refused;
    return true;
  }
  auto what = admit(shared_, *type, m, {node_, at.sequence, at.stored_ns});
  if (!what) {
    ++totals_.refused;
    return true;
  }
  if (!wait_until_due(at.stored_ns))
    return false;
  what->node = node_;
  const auto payload = payload_of(m);
  MyceliumRemoteMessage message{&what->envelope, node_, payload.data(), payload.size(), 0, 0};
  if (mycelium_bridge_publish(shared_.bus, shared_.gateway, &message, 1) < 0)
    return failure{status::closed, mycelium_last_error()};
  if (message.outcome < 0) {
    shared_.refuse(refusal::payload, type->subject + ": " + mycelium_status_name(message.outcome));
    ++totals_.refused;
    return true;
  }
  totals_.first = totals_.first == 0 ? at.sequence : totals_.first;
  totals_.last = at.sequence;
  ++totals_.published;
  return true;
}

bool run::wait_until_due(std::int64_t stored_ns) {
  if (first_stored_ns_ == 0) {
    first_stored_ns_ = stored_ns;
    began_ = clock::now();
  }
  std::int64_t left = 0;
  if (wanted_.speed > 0) {
    const auto since = static_cast<double>(stored_ns - first_stored_ns_) / wanted_.speed;
    const auto passed = std::chrono::duration<double, std::nano>(clock::now() - began_).count();
    left = static_cast<std::int64_t>(std::clamp(since - passed, 0.0, 9e18));
  }
  totals_.stopped = left > 0 && pause_(left);
  return !totals_.stopped;
}

} // namespace

result<void> replay(MyceliumRuntime* bus, const settings& how, const replay_options& wanted, const replay_pause& pause,
                    replay_totals& totals) {
  return run(bus, how, wanted, pause, totals).all();
}

} // namespace mycelium::nats
