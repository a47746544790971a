// Who may be here, and with how much: credentials that are read again, rules, and limits.
#include "actors/bridge/bridge.hpp"
#include "actors/bridge/listener.hpp"

#include <algorithm>
#include <utility>

namespace mycelium::bridge {
namespace {

constexpr std::size_t most_types_told = 64; // in the log, of one peer

std::string text_of(const peer_identity& peer) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const auto& name : peer.certificates)
    add("certificate " + name);
  if (peer.uid)
    add("user " + std::to_string(*peer.uid));
  if (!peer.address.empty())
    add("address " + peer.address);
  return text;
}

} // namespace

// ---- connections ----

std::string bridge::why_too_many(const peer_identity& peer) const {
  const auto accepted = [](const auto& each) { return !each.first->dialed() && !each.first->is_closed(); };
  if (std::size_t(std::ranges::count_if(links_, accepted)) > how_.max_links)
    return "there are " + std::to_string(how_.max_links) + " links already; raise max_links";
  const bool is_near = peer.uid || is_loopback(peer.address);
  const auto most = how_.max_links_per_peer != 0 ? how_.max_links_per_peer
                    : is_near                    ? how_.max_links
                                                 : std::max<std::size_t>(1, how_.max_links / 4);
  const auto of_peer = [&](const auto& each) {
    return accepted(each) && each.first->who().uid == peer.uid && each.first->who().address == peer.address;
  };
  if (std::size_t(std::ranges::count_if(links_, of_peer)) > most)
    return "there are " + std::to_string(most) + " links of the same user or address already; raise max_links_per_peer";
  return {};
}

result<void> bridge::prepare_to_dial(address& to) {
  if (to.how != address::kind::tcp)
    return {};
  if (to.tls && !credentials_->tls) {
    auto sources = how_.credentials;
    sources.tls.system = true;
    auto with = credentials::read(sources);
    if (!with)
      return with.error();
    how_.credentials = std::move(sources);
    credentials_ = std::move(*with);
  }
  to.tls = credentials_->tls != nullptr;
  if (!to.tls && credentials_->token.empty() && !is_loopback(to.host))
    return failure{status::invalid_argument,
                   to.text() + " is another machine: give both sides the same token, or use tls: or a Unix socket"};
  return {};
}

// ---- rules ----

result<rule_ptr> bridge::rule_of(const link& by) const {
  if (!credentials_->allowed)
    return rule_ptr();
  auto rule = credentials_->allowed->rule_for(by.who(), by.hello().name);
  if (rule)
    return rule;
  return failure{status::runtime, "not allowed: no rule fits '" + by.hello().name + "' (" + text_of(by.who()) + ")"};
}

void bridge::heard_not_allowed(link& by, std::uint16_t type_id) {
  ++stats_.not_allowed;
  auto& told = by.peer()->not_allowed;
  if (told.size() >= most_types_told || !told.insert(type_id).second)
    return;
  log(runtime::log_level::warning, "'" + by.peer()->name + "' may not publish type " + std::to_string(type_id) +
                                       " here; what it sends of it is dropped");
}

// The types that a neighbour is sent: what is wanted behind it, and allowed. For one that is absent no more is kept
// than it was sent.
std::vector<std::uint16_t> bridge::types_for(neighbour& who) {
  std::unique_lock lock(ways_);
  auto types = network_.types_for(who.node);
  lock.unlock();
  const auto over = who.current.lock();
  std::erase_if(types, [&](auto type_id) {
    return over ? !over->may_receive(type_id) : !std::ranges::binary_search(who.types, type_id);
  });
  const auto most = how_.of_one_link.types;
  if (types.size() > most) {
    types.resize(most);
    if (!std::exchange(who.told_too_many_types, true))
      log(runtime::log_level::warning,
          "'" + who.name + "' wants more than " + std::to_string(most) + " types; it gets the first of them");
  }
  return types;
}

bool bridge::may_tell_of(link& by, std::uint64_t node) {
  if (by.may_tell_of(node))
    return true;
  by.forget_nodes_but(network_.reachable(network::over::kept));
  if (by.may_tell_of(node))
    return true;
  if (!std::exchange(by.peer()->told_too_many_nodes, true))
    log(runtime::log_level::warning, "'" + by.peer()->name + "' tells of more than " +
                                         std::to_string(how_.of_one_link.nodes) + " nodes; more are not believed");
  return false;
}

// What they were let in with may have changed.
void bridge::judge_again() {
  const auto links = links_; // some of them end
  for (const auto& [key, each] : links) {
    if (!each->is_up()) {
      each->close("the credentials were reloaded during its greeting");
      continue;
    }
    const auto why = each->why_not_with(*credentials_);
    auto rule = rule_of(*each);
    if (!why.empty())
      each->refuse(wire::RefusalReason::Proof, why);
    else if (!rule)
      each->refuse(wire::RefusalReason::NotAllowed, rule.error().text);
    else
      each->rule_is(std::move(*rule));
  }
}

} // namespace mycelium::bridge
