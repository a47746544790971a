// What a link may do, and how fast.
#include "actors/bridge/link.hpp"

#include <algorithm>

namespace mycelium::bridge {

// What it sends waits in the sockets, then with the other side, whose credit has run out.
void link::hold(pace::clock::duration how_long) {
  if (state_ == state::closed)
    return;
  held_ = true;
  holding_.expires_after(how_long);
  holding_.async_wait([self = shared_from_this()](const std::error_code& error) {
    if (error || self->state_ == state::closed)
      return;
    self->held_ = false;
    self->last_heard_ = std::chrono::steady_clock::now();
    self->handle_all();
  });
}

bool link::may_receive(std::uint16_t type_id) const {
  std::unique_lock lock(ruling_);
  const auto rule = rule_;
  lock.unlock();
  return !rule || rule->receive.contains(type_id, bus_.schemas());
}

void link::rule_is(rule_ptr now) {
  std::lock_guard lock(ruling_);
  rule_ = std::move(now);
}

std::string link::why_not_with(const credentials& now) const {
  if (now.token != credentials_->token && (our_hello_.wants_proof || hello_.wants_proof))
    return "the token was changed";
  if (now.tls && !stream_->is_trusted_by(*now.tls))
    return "its certificate is not accepted any more";
  return {};
}

std::int32_t link::process() const noexcept {
  const auto pid = who().process;
  return pid > 0 && std::uint32_t(pid) == hello_.process ? pid : 0;
}

bool link::may_tell_of(std::uint64_t node) {
  return told_of_.contains(node) || (told_of_.size() < how_.of_one_link.nodes && told_of_.insert(node).second);
}

void link::forget_nodes_but(const std::vector<std::uint64_t>& living) {
  std::erase_if(told_of_, [&](auto each) { return !std::ranges::binary_search(living, each); });
}

} // namespace mycelium::bridge
