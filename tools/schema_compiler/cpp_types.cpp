#include "tools/schema_compiler/cpp_types.hpp"

#include "tools/schema_compiler/cpp_names.hpp"
#include "tools/schema_compiler/fill.hpp"

#include <algorithm>

namespace mycelium::schema_compiler {
namespace {

constexpr std::string_view flag_operators = R"(
constexpr $name operator|($name a, $name b) {
  return static_cast<$name>(static_cast<$type>(a) | static_cast<$type>(b));
}
constexpr $name operator&($name a, $name b) {
  return static_cast<$name>(static_cast<$type>(a) & static_cast<$type>(b));
}
constexpr $name operator~($name a) { return static_cast<$name>(~static_cast<$type>(a)); }
)";

constexpr std::string_view message_head = R"(  static constexpr std::uint16_t type_id = $id;
  static constexpr std::string_view topic = "$topic";
  static constexpr std::string_view type_name = "$full";
  static constexpr std::array<std::uint8_t, 32> type_digest = {
      $digest};

)";

constexpr std::string_view table_tail = R"(
  // The canonical encoding: the same value is the same bytes in every language. Throws std::invalid_argument if a
  // required field is missing.
  std::vector<std::uint8_t> encode() const;
  // The same into a builder that is used again; the bytes are valid until its next use.
  std::span<const std::uint8_t> encode($support::builder& builder) const;
  // Nothing if payload is no $name; *why says what is wrong with it. It may stand at any address.
  static std::optional<$name> decode(std::span<const std::uint8_t> payload, $support::flaw* why = nullptr);

  friend bool operator==(const $name&, const $name&) = default;
};
)";

std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || c == '?') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += '\\';
      for (const int shift : {6, 3, 0}) // octal ends after three digits, whatever follows
        out += static_cast<char>('0' + ((byte >> shift) & 7));
    } else {
      out += c;
    }
  }
  return out;
}

std::string member_line(const model& model, const field& field, const std::string& type, const declared_name& holder) {
  const bool number = field.type.holds == container::one && field.type.kind == value_kind::scalar && !field.optional;
  return cpp_docs(field.docs, "  ") +
         fill("  $type $name$initial;\n", {{"type", type},
                                           {"name", cpp_field(field, holder)},
                                           {"initial", number ? " = " + cpp_default(model, field) : "{}"}});
}

// Whether a struct in memory is the struct in the payload: nothing between its fields, and every pattern of bits a
// value.
bool is_dense(const model& model, const structure& each) {
  std::uint32_t sum = 0;
  for (const auto& field : each.fields) {
    if (field.type.kind == value_kind::scalar && field.type.number == scalar::boolean)
      return false;
    if (field.type.kind == value_kind::structure && !is_dense(model, model.structs[field.type.index]))
      return false;
    sum += field.type.size * (field.type.holds == container::array ? field.type.length : 1);
  }
  return sum == each.size;
}

} // namespace

std::string cpp_enum(const enumeration& each) {
  const auto name = cpp_local(each.name);
  const auto type = cpp_scalar(each.underlying);
  auto out = cpp_docs(each.docs, "") + fill("enum class $name : $type {\n", {{"name", name}, {"type", type}});
  for (const auto& value : each.values) {
    const bool is_unsigned = each.underlying == scalar::uint64;
    const auto number = is_unsigned ? std::to_string(static_cast<std::uint64_t>(value.value)) + "u"
                        : value.value == std::numeric_limits<std::int64_t>::min() ? "-9223372036854775807 - 1"
                                                                                  : std::to_string(value.value);
    out += cpp_docs(value.docs, "  ") +
           fill("  $name = $number,\n", {{"name", cpp_enum_value(value)}, {"number", number}});
  }
  out += "};\n";
  return each.bit_flags ? out + fill(flag_operators, {{"name", name}, {"type", type}}) : out;
}

std::string cpp_struct(const model& model, const structure& each) {
  const auto name = cpp_local(each.name);
  const bool dense = is_dense(model, each);
  auto out = cpp_docs(each.docs, "") + fill(R"(struct $name {
  static constexpr std::size_t wire_size = $size;
  static constexpr std::size_t wire_alignment = $alignment;
  static constexpr bool wire_dense = $dense;

)",
                                            {{"name", name},
                                             {"size", std::to_string(each.size)},
                                             {"alignment", std::to_string(each.alignment)},
                                             {"dense", dense ? "true" : "false"}});
  for (const auto& field : each.fields)
    out += member_line(model, field, cpp_struct_member(model, field), each.name);
  out += fill("\n  friend bool operator==(const $name&, const $name&) = default;\n};\n", {{"name", name}});
  if (dense)
    out += fill("static_assert(sizeof($name) == $name::wire_size);\n", {{"name", name}});
  return out;
}

std::string cpp_union(const model& model, const union_type& each) {
  std::string alternatives = "std::monostate";
  std::string docs = "// Holds std::monostate (nothing, or a member that a newer schema added)";
  for (std::size_t i = 0; i < each.members.size(); ++i) {
    const auto& member = each.members[i];
    const auto type = cpp_full(model.tables[member.table].name);
    alternatives += ", " + (member.recursive ? std::string(cpp_support) + "::box<" + type + ">" : type);
    docs += ", " + std::to_string(i + 1) + " " + member.name;
  }
  return cpp_docs(each.docs, "") + docs + ".\n" +
         fill("using $name = std::variant<$alternatives>;\n",
              {{"name", cpp_local(each.name)}, {"alternatives", alternatives}});
}

std::string cpp_table(const model& model, const table& each) {
  const auto name = cpp_local(each.name);
  auto out = cpp_docs(each.docs, "") + "struct " + name + " {\n";
  if (each.message)
    out += fill(message_head, {{"id", std::to_string(each.message->type_id)},
                               {"topic", quoted(each.message->topic)},
                               {"full", each.name.full},
                               {"digest", cpp_digest(each.message->type_digest)}});
  for (const auto& field : each.fields)
    out += member_line(model, field, cpp_table_member(model, field), each.name);
  return out + fill(table_tail, {{"name", name}, {"support", cpp_support}});
}

} // namespace mycelium::schema_compiler
