#include "tools/schema_compiler/rust_types.hpp"

#include "tools/schema_compiler/fill.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <set>

namespace mycelium::schema_compiler {
namespace {

constexpr std::string_view enum_functions = R"rust(
#[allow(dead_code)]
impl $name {
    /// The number.
    pub const fn bits(self) -> $type {
        self.0
    }

    /// Its name, if the schema has one for this number.
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
$arms            _ => None,
        }
    }
}

impl ::std::fmt::Debug for $name {
    fn fmt(&self, to: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        match self.name() {
            Some(name) => to.write_str(name),
            None => ::std::write!(to, "$name({})", self.0),
        }
    }
}

impl $codec::Plain for $name {
    const SIZE: usize = <$type as $codec::Plain>::SIZE;
    const ALIGNMENT: usize = <$type as $codec::Plain>::ALIGNMENT;

    #[inline]
    fn load(from: &[u8]) -> Self {
        Self($codec::Plain::load(from))
    }

    #[inline]
    fn store(&self, to: &mut [u8]) {
        $codec::Plain::store(&self.0, to);
    }
}
)rust";

constexpr std::string_view flag_functions = R"(
#[allow(dead_code)]
impl $name {
    /// Whether every flag of the other is among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl ::std::ops::BitOr for $name {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl ::std::ops::BitAnd for $name {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl ::std::ops::Not for $name {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0)
    }
}
)";

constexpr std::string_view table_functions = R"(
#[allow(dead_code)]
impl $name {
$constants    /// The canonical encoding: the same value is the same bytes in every language. Fails if a required field is missing.
    pub fn encode(&self) -> Result<Vec<u8>, $codec::EncodeError> {
        $codec::encode(self)
    }

    /// Reads bytes that may come from anywhere; they may stand at any address.
    #[inline]
    pub fn decode(payload: &[u8]) -> Result<Self, $codec::DecodeError> {
        $codec::decode(payload)
    }
}
)";

constexpr std::string_view message_constants = R"(    /// The number of this type of message.
    pub const TYPE_ID: u16 = $id;
    /// What groups messages.
    pub const TOPIC: &'static str = $topic;
    /// The name in the schema.
    pub const TYPE_NAME: &'static str = $full;
    /// Digest of what this type means: equal in programs that can exchange it.
    pub const TYPE_DIGEST: [u8; 32] = [
        $digest,
    ];

)";

constexpr std::string_view message_trait = R"(
impl $codec::Message for $name {
    const TYPE_ID: u16 = $id;
    const TOPIC: &'static str = Self::TOPIC;

    fn encode(&self) -> Result<Vec<u8>, $codec::EncodeError> {
        $codec::encode(self)
    }

    #[inline]
    fn decode(payload: &[u8]) -> Result<Self, $codec::DecodeError> {
        $codec::decode(payload)
    }

    fn with_encoded<R>(&self, take: impl FnOnce(&[u8]) -> R) -> Result<R, $codec::EncodeError> {
        $codec::with_encoded(self, take)
    }
}
)";

std::string quoted(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Comments of a schema are not Markdown: what looks like code there must not become a test of the documentation.
std::string docs(const std::vector<std::string>& lines, std::string_view indent) {
  std::string out;
  std::string fence; // of the code that is open
  const auto add = [&](const std::string& line) {
    out += std::string(indent) + "///" + (line.empty() ? "" : " ") + line + "\n";
  };
  for (auto line : lines) {
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    const auto first = line.find_first_not_of(' ');
    const auto last = line.find_last_not_of(' ');
    line = first == std::string::npos ? "" : line.substr(first, last - first + 1);
    if (line.starts_with("```") || line.starts_with("~~~")) {
      line.resize(3);
      fence = fence.empty() ? line : "";
      line += fence.empty() ? "" : "text";
    }
    add(line);
  }
  if (!fence.empty())
    add(fence);
  return out;
}

std::string real(double value, bool single) {
  const std::string type = single ? "f32" : "f64";
  if (std::isnan(value))
    return type + "::NAN";
  if (std::isinf(value))
    return type + (value < 0 ? "::NEG_INFINITY" : "::INFINITY");
  char text[40];
  const auto end = single ? std::to_chars(text, std::end(text), static_cast<float>(value)).ptr
                          : std::to_chars(text, std::end(text), value).ptr;
  std::string out(text, end);
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

std::string integer(std::int64_t value, scalar number) {
  if (number == scalar::boolean)
    return value != 0 ? "true" : "false";
  return number == scalar::uint64 ? std::to_string(static_cast<std::uint64_t>(value)) : std::to_string(value);
}

bool is_number(const field& field) {
  return field.type.holds == container::one && field.type.kind == value_kind::scalar && !field.optional;
}

// Whether Rust's own Default for the type of the field is the schema's.
bool default_is_plain(const field& field) {
  if (field.type.holds == container::array)
    return field.type.length <= 32; // longer arrays have none
  return !is_number(field) ||
         (field.default_integer == 0 && field.default_real == 0 && !std::signbit(field.default_real));
}

std::string initial(const rust_scope& in, const field& field) {
  if (field.type.holds == container::array)
    return "[Default::default(); " + std::to_string(field.type.length) + "]";
  return is_number(field) ? rust_default(in, field) : "Default::default()";
}

// "" if Default is derived.
std::string default_functions(const rust_scope& in, const std::string& name, const std::vector<field>& fields) {
  if (std::all_of(fields.begin(), fields.end(), default_is_plain))
    return "";
  std::string values;
  for (const auto& each : fields)
    values += "            " + rust_field(each) + ": " + initial(in, each) + ",\n";
  return fill(R"(
impl Default for $name {
    fn default() -> Self {
        Self {
$values        }
    }
}
)",
              {{"name", name}, {"values", values}});
}

std::string derived(const std::vector<field>& fields, std::string_view always) {
  const bool plain = std::all_of(fields.begin(), fields.end(), default_is_plain);
  return "#[derive(" + std::string(always) + (plain ? ", Default)]\n" : ")]\n");
}

enum class holder { table, structure }; // a struct holds all its fields

std::string member(const rust_scope& in, const field& field, holder of) {
  auto type = rust_value(in, field.type);
  if (field.type.holds == container::array)
    type = "[" + type + "; " + std::to_string(field.type.length) + "]";
  else if (field.type.holds == container::vector)
    type = "Vec<" + type + ">";
  else if (field.recursive)
    type = "Option<Box<" + type + ">>";
  else if (of == holder::table && rust_is_option(field))
    type = "Option<" + type + ">";
  return docs(field.docs, "    ") + "    pub " + rust_field(field) + ": " + type + ",\n";
}

std::string members(const rust_scope& in, const std::vector<field>& fields, holder of) {
  std::string out;
  for (const auto& each : fields)
    out += member(in, each, of);
  return out;
}

} // namespace

std::string rust_value(const rust_scope& in, const field_type& type) {
  switch (type.kind) {
  case value_kind::scalar:
    return type.index == no_index ? rust_scalar(type.number) : in.names.enums[type.index];
  case value_kind::string:
    return "String";
  case value_kind::structure:
    return in.names.structs[type.index];
  case value_kind::table:
    return in.names.tables[type.index];
  case value_kind::union_value:
    break;
  }
  return in.names.unions[type.index];
}

std::string rust_default(const rust_scope& in, const field& field) {
  const auto number = field.type.number;
  if (number == scalar::float32 || number == scalar::float64)
    return real(field.default_real, number == scalar::float32);
  if (field.type.index == no_index)
    return integer(field.default_integer, number);
  const auto& name = in.names.enums[field.type.index];
  for (const auto& value : in.from.enums[field.type.index].values)
    if (value.value == field.default_integer)
      return name + "::" + rust_enum_value(value);
  return name + "(" + integer(field.default_integer, number) + ")";
}

bool rust_is_option(const field& field) {
  if (field.type.holds != container::one)
    return false;
  const auto kind = field.type.kind;
  return field.optional || field.recursive || kind == value_kind::union_value ||
         (!field.required && (kind == value_kind::structure || kind == value_kind::table));
}

std::string rust_enum(const rust_scope& in, std::size_t index) {
  const auto& each = in.from.enums[index];
  const auto& name = in.names.enums[index];
  std::string values;
  std::string arms;
  std::set<std::int64_t> named;
  for (const auto& value : each.values) {
    const auto number = integer(value.value, each.underlying);
    values += docs(value.docs, "    ") + "    pub const " + rust_enum_value(value) + ": Self = Self(" + number + ");\n";
    if (named.insert(value.value).second)
      arms += "            " + number + " => Some(" + quoted(value.name) + "),\n";
  }
  auto out =
      docs(each.docs, "") + "#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]\n" +
      rust_allow(is_camel_case(name)) +
      fill("pub struct $name(pub $type);\n\n#[allow(dead_code, non_upper_case_globals)]\nimpl $name {\n$values}\n",
           {{"name", name}, {"type", rust_scalar(each.underlying)}, {"values", values}});
  out += fill(enum_functions,
              {{"name", name}, {"type", rust_scalar(each.underlying)}, {"arms", arms}, {"codec", in.codec}});
  return each.bit_flags ? out + fill(flag_functions, {{"name", name}}) : out;
}

std::string rust_struct(const rust_scope& in, std::size_t index) {
  const auto& each = in.from.structs[index];
  const auto& name = in.names.structs[index];
  return docs(each.docs, "") + derived(each.fields, "Clone, Copy, Debug, PartialEq") +
         rust_allow(is_camel_case(name), each.fields) + "pub struct " + name + " {\n" +
         members(in, each.fields, holder::structure) + "}\n" + default_functions(in, name, each.fields);
}

std::string rust_union(const rust_scope& in, std::size_t index) {
  const auto& each = in.from.unions[index];
  const auto& name = in.names.unions[index];
  std::string variants;
  bool camel = is_camel_case(name);
  for (const auto& member : each.members) {
    const auto& type = in.names.tables[member.table];
    camel = camel && is_camel_case(rust_variant(member));

    variants += docs(member.docs, "    ") +
                fill("    $variant($type),\n",
                     {{"variant", rust_variant(member)}, {"type", member.recursive ? "Box<" + type + ">" : type}});
  }
  return docs(each.docs, "") + "#[derive(Clone, Debug, PartialEq)]\n" + rust_allow(camel) + "pub enum " + name +
         " {\n" + variants + "}\n";
}

std::string rust_table(const rust_scope& in, std::size_t index) {
  const auto& each = in.from.tables[index];
  const auto& name = in.names.tables[index];
  auto out = docs(each.docs, "") + derived(each.fields, "Clone, Debug, PartialEq") +
             rust_allow(is_camel_case(name), each.fields) + "pub struct " + name + " {\n" +
             members(in, each.fields, holder::table) + "}\n" + default_functions(in, name, each.fields);
  std::string constants;
  const auto id = each.message ? std::to_string(each.message->type_id) : "";
  if (each.message)
    constants = fill(message_constants, {{"id", id},
                                         {"topic", quoted(each.message->topic)},
                                         {"full", quoted(each.name.full)},
                                         {"digest", rust_digest(each.message->type_digest, "        ")}});
  out += fill(table_functions, {{"name", name}, {"constants", constants}, {"codec", in.codec}});
  return each.message ? out + fill(message_trait, {{"name", name}, {"id", id}, {"codec", in.codec}}) : out;
}

std::string rust_digest(const schema::digest& digest, std::string_view indent) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    out += i == 0 ? "0x" : i % 16 == 0 ? ",\n" + std::string(indent) + "0x" : ", 0x";
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

} // namespace mycelium::schema_compiler
