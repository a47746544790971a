#include "actors/bridge/outbox.hpp"

#include <algorithm>

namespace mycelium::bridge {

using runtime::message_ptr;

outbox::outbox(runtime::bus& bus, std::uint64_t link_id, std::string name, const settings& how)
    : bus_(bus), link_id_(link_id), name_(std::move(name)), how_(how) {}

outbox::~outbox() {
  for (; taken_begin_ != taken_end_; ++taken_begin_)
    if (const auto* m = taken_[taken_begin_].content)
      m->release();
  if (queue_)
    (void)bus_.close_queue(queue_id_); // the bus may be closing: then it does it
}

result<void> outbox::open() {
  auto opened = bus_.open_queue();
  if (!opened)
    return opened.error();
  queue_id_ = *opened;
  queue_ = bus_.find_queue(queue_id_);
  if (!queue_)
    return failure{status::closed, "the runtime is closed; create a new one"};
  auto descriptor = queue_->descriptor();
  if (!descriptor)
    return descriptor.error();
  descriptor_ = *descriptor;
  return {};
}

void outbox::want(const std::vector<std::uint16_t>& types) {
  for (auto known = types_.begin(); known != types_.end();) {
    if (std::ranges::binary_search(types, known->first)) {
      ++known;
      continue;
    }
    // What waits in it is for somebody who does not want it any more.
    std::uint64_t capacity = 0;
    if (const auto stats = bus_.subscription_stats(known->second.subscription, capacity))
      dropped_before_ += stats->waiting;
    dropped_before_ += drops_of(known->second);
    (void)bus_.unsubscribe(known->second.subscription);
    known = types_.erase(known);
  }
  for (const auto type_id : types) {
    if (types_.contains(type_id))
      continue;
    runtime::subscription_options options;
    options.name = name_ + ":" + std::to_string(type_id);
    options.type_id = type_id;
    options.when_full = how_.when_full;
    options.capacity = how_.capacity;
    options.block_timeout_ns = how_.block_timeout_ns != 0 ? how_.block_timeout_ns : bus_.options().block_timeout_ns;
    options.leads_away = true;
    options.queue = queue_;
    if (auto subscribed = bus_.subscribe(std::move(options)))
      types_[type_id] = {.subscription = *subscribed};
    else
      bus_.log(runtime::log_level::error, name_ + ": " + subscribed.error().text);
  }
}

message_ptr outbox::take() {
  for (;;) {
    while (taken_begin_ != taken_end_)
      if (const auto* m = taken_[taken_begin_++].content)
        return message_ptr(m);
    const auto received = queue_->receive(taken_, runtime::deadline::in(0));
    taken_begin_ = 0;
    taken_end_ = received ? *received : 0;
    if (taken_end_ == 0)
      return {};
  }
}

std::uint64_t outbox::sent(message_ptr what, std::size_t size) {
  ++stats_.sent;
  on_their_way_ += size;
  on_its_way_.push_back({++sequence_, size, std::move(what)});
  return sequence_;
}

std::uint64_t outbox::drops_of(const wanted& type) const {
  std::uint64_t capacity = 0;
  const auto stats = bus_.subscription_stats(type.subscription, capacity);
  std::uint64_t sum = 0;
  if (stats)
    for (const auto each : stats->dropped)
      sum += each;
  return sum;
}

std::vector<std::pair<std::uint16_t, std::uint64_t>> outbox::take_drops() {
  std::vector<std::pair<std::uint16_t, std::uint64_t>> news;
  for (auto& [type_id, type] : types_) {
    const auto now = drops_of(type);
    if (now != type.told)
      news.emplace_back(type_id, now - type.told);
    type.told = now;
  }
  return news;
}

void outbox::acknowledge(std::uint64_t sequence) {
  while (!on_its_way_.empty() && on_its_way_.front().sequence <= sequence) {
    on_their_way_ -= on_its_way_.front().size;
    on_its_way_.pop_front();
    ++stats_.acknowledged;
  }
}

std::vector<outbox::again> outbox::resume(std::uint64_t sequence) {
  acknowledge(sequence);
  std::vector<again> rest;
  for (const auto& each : on_its_way_)
    rest.push_back({each.sequence, each.what.get()});
  stats_.sent_again += rest.size();
  return rest;
}

void outbox::start_anew() {
  stats_.lost += on_its_way_.size();
  on_its_way_.clear();
  on_their_way_ = 0;
  sequence_ = 0;
}

outbox_stats outbox::stats() const {
  auto now = stats_;
  now.dropped = dropped_before_;
  for (const auto& [type_id, type] : types_)
    now.dropped += drops_of(type);
  return now;
}

bool outbox::is_empty() {
  if (!on_its_way_.empty() || taken_begin_ != taken_end_)
    return false;
  return std::ranges::all_of(types_, [this](const auto& type) {
    std::uint64_t capacity = 0;
    const auto stats = bus_.subscription_stats(type.second.subscription, capacity);
    return !stats || stats->waiting == 0;
  });
}

} // namespace mycelium::bridge
