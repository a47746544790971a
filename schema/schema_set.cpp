#include "schema/built_in.hpp"
#include "schema/messages.hpp"
#include "schema/payload_check.hpp"
#include "schema/payload_plan.hpp"

#include <algorithm>

namespace mycelium::schema {

struct schema_set::contents {
  digest set_digest{};
  std::vector<message_type> types;
  std::vector<std::uint32_t> tables; // tables[i] is where the plan has types[i]
  payload_plan plan;
};

schema_set::schema_set() : contents_(std::make_unique<contents>()) {}
schema_set::~schema_set() = default;

result<std::shared_ptr<const schema_set>> schema_set::load(bytes bfbs) {
  const auto all = read_declarations(bfbs);
  if (!all)
    return all.error();
  auto found = find_messages(*all);
  if (!found)
    return found.error();

  const std::shared_ptr<schema_set> set(new schema_set);
  set->contents_->set_digest = found->set_digest;
  set->contents_->plan = plan_payloads(*all);
  for (auto& each : found->tables) {
    set->contents_->types.push_back(std::move(each.type));
    set->contents_->tables.push_back(static_cast<std::uint32_t>(each.object));
  }
  return std::shared_ptr<const schema_set>(set);
}

const std::shared_ptr<const schema_set>& schema_set::built_in() {
  static const std::shared_ptr<const schema_set> set = *load(built_in_bfbs());
  return set;
}

const digest& schema_set::set_digest() const noexcept { return contents_->set_digest; }

const std::vector<message_type>& schema_set::types() const noexcept { return contents_->types; }

const message_type* schema_set::find(std::uint16_t type_id) const noexcept {
  const auto& types = contents_->types;
  const auto at = std::lower_bound(types.begin(), types.end(), type_id,
                                   [](const message_type& type, std::uint16_t id) { return type.type_id < id; });
  return at != types.end() && at->type_id == type_id ? &*at : nullptr;
}

result<void> schema_set::verify(std::uint16_t type_id, bytes payload, verify_level level) const {
  const auto* type = find(type_id);
  if (!type)
    return failure{status::unknown_type, "type_id " + std::to_string(type_id) + " is not in this schema"};
  if (level == verify_level::none)
    return {};
  const auto index = static_cast<std::size_t>(type - contents_->types.data());
  const auto found = level == verify_level::size ? check_root(payload)
                                                 : check_payload(contents_->plan, contents_->tables[index], payload);
  if (!found)
    return {};
  return failure{status::invalid_payload, "payload of " + std::to_string(payload.size()) + " bytes is no " +
                                              type->name + ": " + found->what + " (byte " +
                                              std::to_string(found->offset) + ")"};
}

} // namespace mycelium::schema
