#include "reference/plain_bus.hpp"

#include <caf/all.hpp>

#include <algorithm>

// It never leaves the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const mycelium::reference::plain_message>)

namespace mycelium::reference {
namespace {

using shared_message = std::shared_ptr<const plain_message>;
using settle = caf::atom_constant<caf::atom("settle")>;

caf::behavior subscription(caf::event_based_actor*, plain_bus::callback on_message) {
  return {
      [=](const shared_message& m) { on_message(*m); },
      [](settle) { return settle::value; }, // in its place in the mailbox
  };
}

} // namespace

plain_bus::plain_bus()
    : system_([this]() -> caf::actor_system_config& {
        config_.set("scheduler.policy", caf::atom("sharing"));
        config_.set("scheduler.max-threads", std::size_t{2});
        return config_;
      }()) {}

plain_bus::~plain_bus() {
  for (const auto& [type_id, destinations] : *snapshot())
    for (const auto& to : destinations)
      caf::anon_send_exit(to.actor, caf::exit_reason::user_shutdown);
  std::atomic_store(&routes_, std::make_shared<const routes>()); // a handle that is held keeps the system waiting
}

std::uint64_t plain_bus::subscribe(std::uint16_t type_id, std::size_t history, callback on_message) {
  auto actor = system_.spawn(subscription, std::move(on_message));
  const std::lock_guard lock(mutex_);
  const auto id = ++last_id_;
  if (const auto past = history_.find(type_id); past != history_.end()) {
    const auto& messages = past->second.messages;
    const auto count = static_cast<std::ptrdiff_t>(std::min(history, messages.size()));
    std::for_each(messages.end() - count, messages.end(), [&](const auto& m) { caf::anon_send(actor, m); });
  }
  auto changed = std::make_shared<routes>(*snapshot());
  (*changed)[type_id].push_back({id, std::move(actor)});
  std::atomic_store(&routes_, std::shared_ptr<const routes>(std::move(changed)));
  return id;
}

void plain_bus::unsubscribe(std::uint64_t id) {
  caf::actor gone;
  {
    const std::lock_guard lock(mutex_);
    auto changed = std::make_shared<routes>(*snapshot());
    for (auto& [type_id, destinations] : *changed)
      std::erase_if(destinations, [&](const destination& to) { return to.id == id && (gone = to.actor, true); });
    std::atomic_store(&routes_, std::shared_ptr<const routes>(std::move(changed)));
  }
  caf::scoped_actor self(system_);
  self->send_exit(gone, caf::exit_reason::user_shutdown);
  self->wait_for(gone);
}

void plain_bus::keep(const shared_message& m) {
  const auto found = history_.find(m->type_id);
  if (found == history_.end())
    return;
  auto& [depth, messages] = found->second;
  messages.push_back(m);
  if (messages.size() > depth)
    messages.pop_front();
}

void plain_bus::publish(std::uint16_t type_id, std::string payload) {
  const shared_message m = std::make_shared<plain_message>(plain_message{type_id, std::move(payload)});
  std::shared_ptr<const routes> current;
  {
    const std::lock_guard lock(mutex_); // so that a subscription gets it from its history or by its route, not both
    keep(m);
    current = snapshot();
  }
  if (const auto found = current->find(type_id); found != current->end())
    for (const auto& to : found->second)
      caf::anon_send(to.actor, m);
}

void plain_bus::publish_to(std::uint64_t subscription, std::uint16_t type_id, std::string payload) {
  const shared_message m = std::make_shared<plain_message>(plain_message{type_id, std::move(payload)});
  const auto current = snapshot();
  if (const auto found = current->find(type_id); found != current->end())
    for (const auto& to : found->second)
      if (to.id == subscription)
        caf::anon_send(to.actor, m);
}

void plain_bus::keep_history(std::uint16_t type_id, std::size_t depth) {
  const std::lock_guard lock(mutex_);
  if (depth == 0) {
    history_.erase(type_id);
    return;
  }
  auto& [kept_depth, messages] = history_[type_id];
  kept_depth = depth;
  while (messages.size() > depth)
    messages.pop_front();
}

void plain_bus::flush() {
  caf::scoped_actor self(system_);
  for (const auto& [type_id, destinations] : *snapshot())
    for (const auto& to : destinations)
      self->request(to.actor, caf::infinite, settle::value).receive([](settle) {}, [](const caf::error&) {});
}

} // namespace mycelium::reference
