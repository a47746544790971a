#include "actors/oversight/overseer.hpp"

#include "actors/runtime/deadline.hpp"

#include <algorithm>
#include <utility>

namespace mycelium::oversight {
namespace {

using runtime::message;

constexpr std::int64_t look_again_ns = 1'000'000; // for room

// As labels of a metric, by halt_kind.
constexpr const char* kind_labels[] = {"none",     "hard_limit", "window_average", "downward_trend",  "entropy",
                                       "deadline", "ewma",       "cusum",          "kernel_inactive", "invalid_score"};
static_assert(std::size(kind_labels) == std::size(session_counts{}.halts));
static_assert(std::size(kind_labels) == std::size_t(halt_kind::invalid_score) + 1);

failure not_watched(std::uint64_t session_id) {
  return {status::subscription, "session " + std::to_string(session_id) +
                                    " is not watched; it has ended, or was never "
                                    "attached"};
}

} // namespace

result<std::uint64_t> overseer::create(runtime::bus& on, overseer_settings settings) {
  if (const auto right = settings.check(); !right)
    return right.error();
  const auto made = std::make_shared<overseer>(on, std::move(settings));
  auto id = on.add_extension(made);
  if (!id)
    return id;
  if (const auto started = made->start_keeper(); !started) {
    (void)on.remove_extension(*id);
    return started.error();
  }
  return id;
}

std::shared_ptr<overseer> overseer::find(const runtime::bus& on, std::uint64_t id) {
  return std::dynamic_pointer_cast<overseer>(on.find_extension(id));
}

overseer::overseer(runtime::bus& on, overseer_settings settings) : bus_(on), settings_(std::move(settings)) {}

result<void> overseer::start_keeper() {
  runtime::subscription_options options;
  options.name = settings_.name;
  options.type_id = schema::inference_token::type_id;
  options.also = {schema::inference_done::type_id};
  options.unlisted = settings_.mode == watch_mode::gate;
  options.capacity = bus_.options().mailbox_capacity;
  options.when_full = runtime::policy::block;
  options.block_timeout_ns = bus_.options().block_timeout_ns;
  using self_ptr = std::shared_ptr<overseer>;
  auto self = std::make_unique<self_ptr>(shared_from_this());
  options.user_data = self.get();
  options.user_data_free = [](void* kept) { delete static_cast<self_ptr*>(kept); };
  options.on_message = [](const ::MyceliumMessage* m, void* kept) {
    (*static_cast<self_ptr*>(kept))->observe(*reinterpret_cast<const message*>(m));
  };
  options.on_control = [this] { keep(); };
  options.on_complete = [this](std::uint64_t) { leave_waiting(); };
  const auto id = bus_.subscribe(std::move(options));
  if (!id)
    return id.error();
  (void)self.release();
  keeper_id_ = *id;
  keeper_ = bus_.find_lane(*id);
  if (keeper_)
    runtime::bus::poke(*keeper_);
  return {};
}

// ---- sessions come and go ----

result<void> overseer::reserve(std::uint64_t session_id) {
  std::lock_guard lock(mutex_);
  if (over_)
    return failure{status::subscription, "the oversight has been destroyed"};
  if (sessions_.contains(session_id))
    return failure{status::invalid_argument, "session " + std::to_string(session_id) + " is watched already"};
  if (sessions_.size() >= settings_.max_sessions)
    return failure{status::full, std::to_string(settings_.max_sessions) +
                                     " sessions are watched already; raise max_sessions or end some"};
  sessions_.emplace(session_id, nullptr);
  return {};
}

result<overseer::session_ptr> overseer::watch(std::uint64_t session_id) {
  if (const auto reserved = reserve(session_id); !reserved)
    return reserved.error();
  const auto give_up = [&](failure why) {
    std::lock_guard lock(mutex_);
    sessions_.erase(session_id);
    return why;
  };
  auto kernel = stream::begin(settings_.config, settings_.options, settings_.lock);
  if (!kernel)
    return give_up(kernel.error());
  const auto made = std::make_shared<watched_session>(shared_from_this(), bus_, session_id, std::move(*kernel));
  auto options = made->subscription();
  const auto* data = options.user_data;
  const auto id = bus_.subscribe(std::move(options));
  if (!id) {
    delete static_cast<const session_ptr*>(data);
    return give_up(id.error());
  }
  auto lane = bus_.find_lane(*id);
  if (!lane)
    return give_up({status::closed, "the runtime is closed; create a new one"});
  made->attach(std::move(lane));
  {
    std::lock_guard lock(mutex_);
    if (!over_) {
      sessions_[session_id] = made;
      ++begun_;
    }
  }
  if (over_ || made->lane()->ended()) { // in this moment; whether forget() came before or not, it leaves no trace
    (void)bus_.unsubscribe(*id);
    return give_up({status::closed, "the oversight has been destroyed, or the runtime is closed"});
  }
  return made;
}

result<std::uint64_t> overseer::attach(std::uint64_t session_id) {
  if (settings_.mode == watch_mode::observe)
    return failure{status::invalid_argument,
                   "an observing oversight watches every session that is published to all; there is nothing to attach"};
  auto made = watch(session_id);
  if (!made) {
    if (made.error().code == status::full)
      refused_.fetch_add(1, std::memory_order_relaxed);
    return made.error();
  }
  return (*made)->lane()->id();
}

overseer::session_ptr overseer::find_session(std::uint64_t session_id) const {
  std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session_id);
  return found == sessions_.end() ? nullptr : found->second;
}

result<status> overseer::detach(std::uint64_t session_id) {
  const auto session = find_session(session_id);
  if (!session)
    return not_watched(session_id);
  auto ended = bus_.unsubscribe(session->lane()->id());
  return !ended && ended.error().code == status::subscription ? not_watched(session_id) : ended;
}

void overseer::forget(const watched_session& which) {
  const auto counts = which.counts();
  std::lock_guard lock(mutex_);
  ended_.add(counts);
  const auto found = sessions_.find(which.session_id());
  if (found != sessions_.end() && found->second.get() == &which)
    sessions_.erase(found);
}

status overseer::end(std::uint64_t id) {
  (void)bus_.remove_extension(id);
  std::vector<session_ptr> all;
  {
    std::lock_guard lock(mutex_);
    over_ = true;
    for (const auto& [session_id, session] : sessions_)
      if (session)
        all.push_back(session);
  }
  auto outcome = status::success;
  const auto leave = [&](std::uint64_t subscription_id) {
    const auto left = bus_.unsubscribe(subscription_id); // one that is gone already is what we want
    if (left && *left == status::deferred)
      outcome = status::deferred;
  };
  leave(keeper_id_);
  for (const auto& session : all)
    leave(session->lane()->id());
  return outcome;
}

// ---- the keeper's turns ----

void overseer::observe(const message& m) {
  schema::inference_token token;
  schema::inference_done done;
  const bool is_token = m.type_id() == schema::inference_token::type_id;
  const bool is_one = is_token ? schema::read(m.payload(), token) : schema::read(m.payload(), done);
  if (!is_one || settings_.mode == watch_mode::gate) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const auto session_id = is_token ? token.session_id : done.session_id;
  auto session = find_session(session_id);
  if (!session) {
    if (!is_token)
      return;
    auto made = watch(session_id);
    if (!made)
      return refuse(session_id, made.error());
    session = *made;
  }
  if (!runtime::bus::hand_over(m, *session->lane()))
    session->overflow();
}

// A session that cannot be watched must not go on unwatched.
void overseer::refuse(std::uint64_t session_id, const failure& why) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  schema::message_writer writer;
  runtime::read_guard guard;
  (void)bus_.publish(guard, runtime::outgoing{.type_id = schema::inference_cancel::type_id},
                     writer.write(schema::inference_cancel{session_id, schema::end_reason::halted, why.text}));
}

std::int64_t overseer::patrol_ns() const noexcept {
  return std::clamp<std::int64_t>(settings_.idle_ns / 4, 1'000'000, 10'000'000'000);
}

void overseer::keep() {
  const auto now = runtime::monotonic_ns();
  const auto& me = *runtime::innermost_callback->subscription;
  const bool is_new = std::exchange(incarnation_, me.incarnations()) != me.incarnations();
  if (settings_.idle_ns != runtime::forever && (is_new || now >= next_patrol_)) {
    look_for_idle(now);
    next_patrol_ = now + patrol_ns();
    runtime::bus::poke(*runtime::innermost_callback->subscription, patrol_ns());
  }
  call_waiting(now);
}

void overseer::call_back(session_ptr whom, std::int64_t deadline) {
  bool call = false;
  {
    std::lock_guard lock(mutex_);
    if (!kept_)
      return; // it is over, or the runtime closes
    waiting_.push_back({std::move(whom), deadline});
    call = !std::exchange(calling_, true);
  }
  if (call)
    runtime::bus::poke(*keeper_, look_again_ns);
}

void overseer::leave_waiting() {
  std::deque<waiting> left; // outlives the lock: a session may be freed with it
  std::lock_guard lock(mutex_);
  kept_ = false;
  left.swap(waiting_);
}

// As many as there is room for, and those whose time is over.
void overseer::call_waiting(std::int64_t now) {
  auto room = bus_.room_left(schema::inference_token::type_id, bus_.options().threads);
  std::vector<session_ptr> called;
  bool more = false;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](waiting& each) {
      if (room == 0 && now < each.deadline)
        return false;
      room -= room == 0 ? 0 : 1;
      called.push_back(std::move(each.who));
      return true;
    });
    more = calling_ = !waiting_.empty();
  }
  for (const auto& each : called)
    each->call();
  if (more)
    runtime::bus::poke(*runtime::innermost_callback->subscription, look_again_ns);
}

void overseer::look_for_idle(std::int64_t now) {
  std::vector<session_ptr> silent;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [session_id, session] : sessions_)
      if (session && now - session->last_activity() >= settings_.idle_ns)
        silent.push_back(session);
  }
  for (const auto& session : silent)
    runtime::bus::poke(*session->lane());
}

// ---- what can be seen of it ----

overseer::totals overseer::stats() const {
  totals t;
  std::lock_guard lock(mutex_);
  t.sum = ended_;
  for (const auto& [session_id, session] : sessions_)
    if (session)
      t.sum.add(session->counts());
  t.sessions = sessions_.size();
  t.begun = begun_;
  t.refused = refused_.load(std::memory_order_relaxed);
  return t;
}

bool overseer::session_stats(std::uint64_t session_id, session_counts& out) const {
  const auto session = find_session(session_id);
  if (session)
    out = session->counts();
  return session != nullptr;
}

void overseer::add_metrics(std::vector<runtime::metric>& to) const {
  const auto t = stats();
  const auto labels = "oversight=\"" + runtime::escaped_label(settings_.name) + "\"";
  const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
    to.push_back({name, "counter", help, labels, value});
  };
  to.push_back({"mycelium_oversight_sessions", "gauge", "Sessions that are watched.", labels, t.sessions});
  counter("mycelium_oversight_begun", "Sessions that were watched, ever.", t.begun);
  counter("mycelium_oversight_tokens", "Tokens that came.", t.sum.tokens);
  counter("mycelium_oversight_released", "Tokens that may be shown.", t.sum.released);
  counter("mycelium_oversight_withheld", "Tokens that are not shown.", t.sum.withheld);
  counter("mycelium_oversight_scored", "Tokens whose score was asked for.", t.sum.scored);
  counter("mycelium_oversight_failed_scores", "Sessions that halted because there was no score.", t.sum.failed_scores);
  counter("mycelium_oversight_warnings", "Scores under the soft limit.", t.sum.warnings);
  counter("mycelium_oversight_idle", "Sessions that ended because no token came.", t.sum.idle_ends);
  counter("mycelium_oversight_refused", "Sessions that could not be watched, and messages that were none.", t.refused);
  for (std::size_t kind = 1; kind < std::size(t.sum.halts); ++kind)
    to.push_back({"mycelium_oversight_halts", "counter", "Sessions that were halted, by what did.",
                  labels + ",kind=\"" + kind_labels[kind] + "\"", t.sum.halts[kind]});
}

void overseer::log_halt(const watched_session& which, std::uint64_t index, const std::string& reason,
                        std::string_view error) {
  std::string text = "oversight '" + settings_.name + "' halted session " + std::to_string(which.session_id()) +
                     " at token " + std::to_string(index) + ": " + reason;
  if (!error.empty())
    text.append("; ").append(error);
  bus_.log(runtime::log_level::warning, text);
}

} // namespace mycelium::oversight
