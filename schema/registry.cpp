#include "schema/registry.hpp"

#include <algorithm>
#include <map>

namespace mycelium::schema {
namespace {

constexpr std::uint16_t first_application_id = 1000;

failure unknown(std::uint16_t type_id) {
  return {status::unknown_type, "no schema is registered for type_id " + std::to_string(type_id) +
                                    "; register its .bfbs, or do not ask for strict types"};
}

} // namespace

registry::registry() { insert(schema_set::built_in()); }

registry::~registry() {
  for (auto& each : pages_)
    delete each.load(std::memory_order_relaxed);
}

const schema_set* registry::set_of(std::uint16_t type_id) const noexcept {
  const auto* entries = pages_[type_id >> 8].load(std::memory_order_acquire);
  return entries ? (*entries)[type_id & 255].load(std::memory_order_acquire) : nullptr;
}

result<void> registry::admit(const schema_set& set) const {
  for (const auto& type : set.types()) {
    const auto* known = set_of(type.type_id);
    if (known && known->find(type.type_id)->type_digest != type.type_digest)
      return failure{status::digest, "type_id " + std::to_string(type.type_id) + " is known as another " +
                                         known->find(type.type_id)->name + " than this " + type.name +
                                         "; build both from one schema, or give the new type an id of its own"};
    if (!known && type.type_id < first_application_id)
      return failure{status::invalid_argument, "type_id " + std::to_string(type.type_id) + " of " + type.name +
                                                   " is reserved for the system; use 1000 to 49999"};
  }
  return {};
}

void registry::insert(std::shared_ptr<const schema_set> set) {
  const auto* kept = sets_.emplace_back(std::move(set)).get();
  for (const auto& type : kept->types()) {
    auto& slot = pages_[type.type_id >> 8];
    auto* entries = slot.load(std::memory_order_relaxed);
    if (!entries) {
      entries = new page{};
      slot.store(entries, std::memory_order_release);
    }
    auto& entry = (*entries)[type.type_id & 255];
    if (!entry.load(std::memory_order_relaxed))
      entry.store(kept, std::memory_order_release);
  }
}

result<digest> registry::add(bytes bfbs) {
  auto set = schema_set::load(bfbs);
  if (!set)
    return set.error();
  const auto added = (*set)->set_digest();
  const std::lock_guard lock(mutex_);
  const auto same = [&](const auto& each) { return each->set_digest() == added; };
  if (std::any_of(sets_.begin(), sets_.end(), same))
    return added;
  if (auto admitted = admit(**set); !admitted)
    return admitted.error();
  insert(std::move(*set));
  return added;
}

bool registry::knows_set(const digest& set) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(sets_.begin(), sets_.end(), [&](const auto& each) { return each->set_digest() == set; });
}

result<message_type> registry::find(std::uint16_t type_id) const {
  const auto* set = set_of(type_id);
  if (!set)
    return unknown(type_id);
  return *set->find(type_id);
}

result<void> registry::verify(std::uint16_t type_id, bytes payload, verify_level level) const {
  const auto* set = set_of(type_id);
  return set ? set->verify(type_id, payload, level) : unknown(type_id);
}

bool registry::contains(std::uint16_t type_id) const noexcept { return set_of(type_id) != nullptr; }

std::vector<message_type> registry::types() const {
  std::map<std::uint16_t, message_type> all;
  const std::lock_guard lock(mutex_);
  for (const auto& set : sets_)
    for (const auto& type : set->types())
      all.try_emplace(type.type_id, type);
  std::vector<message_type> sorted;
  for (auto& [type_id, type] : all)
    sorted.push_back(std::move(type));
  return sorted;
}

} // namespace mycelium::schema
