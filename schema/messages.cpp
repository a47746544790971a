#include "schema/messages.hpp"

#include "schema/canonical.hpp"
#include "schema/sha256.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace mycelium::schema {
namespace {

// Text hashed for the digests of one set's types. A type is hashed with everything that it refers to, so that a small
// schema made to be slow could ask for gigabytes.
constexpr std::size_t max_hashed = 64u << 20;

failure invalid(std::string what) { return {status::invalid_argument, std::move(what)}; }

result<std::uint16_t> type_id_of(const object& object, const std::string& value) {
  std::uint16_t id = 0;
  const auto* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, id);
  if (error != std::errc() || stop != end || id == 0)
    return invalid(object.name + ": type_id \"" + value + "\" is no number of 1 to 65535");
  if (object.is_struct)
    return invalid(object.name + ": only a table can have a type_id; put the struct into a table");
  return id;
}

} // namespace

result<messages> find_messages(const declarations& all) {
  const auto texts = canonical_texts(all);
  messages out;
  out.set_digest = sha256(canonical_set(all, texts));
  std::size_t hashed = 0;
  for (std::size_t i = 0; i < all.objects.size(); ++i) {
    const auto& object = all.objects[i];
    const auto* value = find_attribute(object.attributes, "type_id");
    const auto* topic = find_attribute(object.attributes, "topic");
    if (!value && topic)
      return invalid(object.name + ": has a topic but no type_id; give it one or take the topic away");
    if (!value)
      continue;
    const auto id = type_id_of(object, *value);
    if (!id)
      return id.error();
    const auto text = canonical_type(all, texts, i);
    hashed += text.size();
    if (hashed > max_hashed)
      return invalid("the schema's types refer to each other too often; split it into several");
    out.tables.push_back({{*id, object.name, topic ? *topic : std::string(), sha256(text)}, i});
  }
  std::sort(out.tables.begin(), out.tables.end(),
            [](const auto& a, const auto& b) { return a.type.type_id < b.type.type_id; });
  for (std::size_t i = 1; i < out.tables.size(); ++i) {
    const auto& [first, second] = std::tie(out.tables[i - 1].type, out.tables[i].type);
    if (first.type_id == second.type_id)
      return invalid(second.name + ": type_id " + std::to_string(second.type_id) + " is that of " + first.name +
                     " already; each message needs one of its own");
  }
  if (out.tables.empty())
    return invalid("no table has a type_id; declare attribute \"type_id\" and write table T (type_id: 1000) { ... }");
  return out;
}

} // namespace mycelium::schema
