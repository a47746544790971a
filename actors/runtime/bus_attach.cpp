// What a bridge to other nodes needs of a bus.
#include "actors/runtime/bus.hpp"
#include "actors/runtime/dispatch.hpp"
#include "actors/runtime/subscription.hpp"

#include <algorithm>

namespace mycelium::runtime {

undelivered::~undelivered() {
  if (held_)
    for (std::size_t i = 0; i < lanes_.size(); ++i)
      held_->release();
}

bool undelivered::leads_away() const noexcept {
  return std::ranges::any_of(lanes_, [](const awaited_lane& to) { return to->options().leads_away; });
}

bool bus::offer_again(undelivered& rest) {
  const read_guard guard; // while it is up, a lane that has not ended has an actor, and is not finished
  const auto waited = monotonic_ns() - rest.since_ns_;
  std::erase_if(rest.lanes_, [&](const awaited_lane& to) {
    if (to->ended() || is_closing()) {
      rest.held_->release();
      if (!to->ended())
        to->count_drop(drop_reason::closed);
      return true;
    }
    const auto offered = to->offer(rest.held_.get());
    if (offered == lane::offered::must_wait) {
      if (waited < to->options().block_timeout_ns)
        return false;
      rest.held_->release();
      to->count_drop(drop_reason::timeout);
    }
    if (offered != lane::offered::ended)
      to->wake();
    return true;
  });
  if (!rest.lanes_.empty())
    return false;
  rest.held_ = {};
  return true;
}

result<void> bus::attach(std::shared_ptr<attachment> what, std::function<void()> types_changed) {
  std::lock_guard lock(control_);
  if (is_closing())
    return refuse_closed();
  if (attached_)
    return failure{status::invalid_argument, "the runtime has a bridge already; give that one more addresses"};
  attached_ = std::move(what);
  types_changed_ = std::move(types_changed);
  return {};
}

std::shared_ptr<attachment> bus::attached() const {
  std::lock_guard lock(control_);
  return attached_;
}

std::vector<std::uint16_t> bus::types_where(const std::function<bool(const subscription_options&)>& chosen) const {
  std::vector<std::uint16_t> types;
  {
    std::lock_guard lock(control_);
    for (const auto& [id, entry] : subscriptions_) {
      const auto& options = entry->data->options();
      if (options.leads_away || options.unlisted || !chosen(options))
        continue;
      types.push_back(options.type_id);
      types.insert(types.end(), options.also.begin(), options.also.end());
    }
  }
  std::ranges::sort(types);
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

std::vector<std::uint16_t> bus::subscribed_types() const {
  return types_where([](const auto&) { return true; });
}

std::vector<std::uint16_t> bus::carried_types() const {
  const auto others = types_where([](const auto& options) { return !options.carries; });
  auto carried = types_where([](const auto& options) { return options.carries; });
  std::erase_if(carried, [&](auto type_id) { return std::ranges::binary_search(others, type_id); });
  return carried;
}

void bus::note_types_locked() const {
  if (types_changed_)
    types_changed_();
}

} // namespace mycelium::runtime
