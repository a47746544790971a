#include "schema/check_declarations.hpp"
#include "schema/declarations.hpp"
#include "schema/reflection_plan.hpp"

#include <flatbuffers/reflection_generated.h>

#include <algorithm>
#include <cstring>

namespace mycelium::schema {
namespace {

constexpr std::size_t max_bfbs = 16u << 20;

failure malformed(std::string what) {
  return {status::invalid_argument,
          "not a usable binary schema: " + what + "; make it with flatc -b --schema or mycelium schema compile --bfbs"};
}

std::string text(const flatbuffers::String* string) { return string ? string->str() : std::string(); }

template <class Vector>
std::vector<std::string> lines(const Vector* strings) {
  std::vector<std::string> out;
  if (strings)
    for (const auto* line : *strings)
      out.push_back(text(line));
  return out;
}

template <class Vector>
std::vector<attribute> attributes_of(const Vector* pairs) {
  std::vector<attribute> out;
  if (pairs)
    for (const auto* pair : *pairs)
      out.push_back({text(pair->key()), text(pair->value())});
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return out;
}

// As a byte: a value outside the enumeration must not become one of its type before it is checked.
base_type base_of(const reflection::Type* from, flatbuffers::voffset_t slot) {
  const auto number = reinterpret_cast<const flatbuffers::Table*>(from)->GetField<std::uint8_t>(slot, 0);
  return number <= static_cast<std::uint8_t>(base_type::array) ? static_cast<base_type>(number) : base_type::none;
}

type type_of(const reflection::Type* from) {
  if (!from)
    return {};
  return {base_of(from, reflection::Type::VT_BASE_TYPE), base_of(from, reflection::Type::VT_ELEMENT), from->index(),
          from->fixed_length()};
}

field field_of(const reflection::Field& from) {
  field out;
  out.name = text(from.name());
  out.type = type_of(from.type());
  out.id = from.id();
  out.slot = from.offset();
  out.default_integer = from.default_integer();
  out.default_real = from.default_real();
  out.deprecated = from.deprecated();
  out.required = from.required();
  out.key = from.key();
  out.optional = from.optional();
  out.attributes = attributes_of(from.attributes());
  out.docs = lines(from.documentation());
  return out;
}

object object_of(const reflection::Object& from) {
  object out;
  out.name = text(from.name());
  out.is_struct = from.is_struct();
  out.alignment = static_cast<std::uint32_t>(from.minalign());
  out.size = static_cast<std::uint32_t>(from.bytesize());
  for (const auto* each : *from.fields())
    out.fields.push_back(field_of(*each));
  std::sort(out.fields.begin(), out.fields.end(), [](const field& a, const field& b) { return a.id < b.id; });
  out.attributes = attributes_of(from.attributes());
  out.docs = lines(from.documentation());
  return out;
}

enumeration enumeration_of(const reflection::Enum& from) {
  enumeration out;
  out.name = text(from.name());
  out.is_union = from.is_union();
  out.underlying = type_of(from.underlying_type()).base;
  for (const auto* each : *from.values())
    out.values.push_back(
        {text(each->name()), each->value(), type_of(each->union_type()), lines(each->documentation())});
  out.attributes = attributes_of(from.attributes());
  out.docs = lines(from.documentation());
  return out;
}

} // namespace

std::size_t size_of(base_type type) {
  static constexpr std::size_t sizes[] = {0, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 4, 4, 4, 4, 0};
  return sizes[static_cast<std::size_t>(type)];
}

const std::string* find_attribute(const std::vector<attribute>& attributes, std::string_view key) {
  for (const auto& each : attributes)
    if (each.key == key)
      return &each.value;
  return nullptr;
}

result<declarations> read_declarations(bytes bfbs) {
  if (bfbs.size() > max_bfbs)
    return malformed("it is over 16 MiB");
  const std::vector<std::uint8_t> aligned(bfbs.begin(), bfbs.end()); // the caller's bytes may stand anywhere
  if (aligned.size() < 8 || std::memcmp(aligned.data() + 4, reflection::SchemaIdentifier(), 4) != 0)
    return malformed("it does not begin with the identifier BFBS");
  if (const auto found = check_payload(reflection_plan(), reflection_root, aligned))
    return malformed(std::string(found->what) + " (byte " + std::to_string(found->offset) + ")");

  const auto* schema = reflection::GetSchema(aligned.data());
  declarations out;
  for (const auto* each : *schema->objects())
    out.objects.push_back(object_of(*each));
  for (const auto* each : *schema->enums())
    out.enums.push_back(enumeration_of(*each));
  if (auto wrong = check_declarations(out))
    return malformed(std::move(*wrong));
  return out;
}

} // namespace mycelium::schema
