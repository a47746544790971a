#include "tools/schema_compiler/rust_codec.hpp"

#include "tools/schema_compiler/fill.hpp"

#include <algorithm>

namespace mycelium::schema_compiler {
namespace {

std::string truth(bool value) { return value ? "true" : "false"; }

bool stands_inline(const field& field) {
  return field.type.holds == container::one &&
         (field.type.kind == value_kind::scalar || field.type.kind == value_kind::structure);
}

std::string read_call(const rust_scope& in, const field& field) {
  const bool many = field.type.holds == container::vector;
  switch (field.type.kind) {
  case value_kind::scalar:
    if (many)
      return "values(&table, $id, $required)";
    return field.optional ? "optional(&table, $id)" : "value(&table, $id, " + rust_default(in, field) + ")";
  case value_kind::string:
    return many ? "strings(&table, $id, $required)" : "string(&table, $id, $required)";
  case value_kind::structure:
    if (many)
      return "values(&table, $id, $required)";
    return field.required ? "required(&table, $id)" : "optional(&table, $id)";
  case value_kind::table:
    if (many)
      return "tables(&table, $id, $required)";
    return rust_is_option(field) ? "table(&table, $id, $required)" : "required_table(&table, $id)";
  case value_kind::union_value:
    break;
  }
  return "union(&table, $id, $required)";
}

std::string read_field(const rust_scope& in, const field& field) {
  return fill("        let value_$id = from." + read_call(in, field) + "?;\n",
              {{"id", std::to_string(field.id)}, {"required", truth(field.required)}});
}

// What stands outside the table, written before it: "let child_2 = ...;".
std::string write_child(const rust_scope& in, const field& field, const declared_name& holder) {
  const bool many = field.type.holds == container::vector;
  std::string call;
  switch (field.type.kind) {
  case value_kind::scalar:
  case value_kind::structure:
    call = "to.values(&self.$name, $required)?";
    break;
  case value_kind::string:
    call = many ? "to.strings(&self.$name, $required)?" : "to.string(&self.$name, $required)?";
    break;
  case value_kind::table:
    call = many                                       ? "to.tables(&self.$name, $required)?"
           : field.required && !rust_is_option(field) ? "$codec::Table::write(&self.$name, to)?"
           : field.required                           ? "to.required_table(&self.$name, \"$full\")?"
                                                      : "to.table(&self.$name)?";
    break;
  case value_kind::union_value:
    call = field.required ? "to.required_union(&self.$name, \"$full\")?" : "to.union(&self.$name)?";
    break;
  }
  return fill("        let child_$id = " + call + ";\n", {{"codec", in.codec},
                                                          {"id", std::to_string(field.id)},
                                                          {"name", rust_field(field)},
                                                          {"required", truth(field.required)},
                                                          {"full", holder.full + "." + field.name}});
}

std::string write_slot(const rust_scope& in, const table& table, const slot_write& write) {
  const auto& field = table.fields[write.field];
  const bool number = field.type.kind == value_kind::scalar;
  const std::string_view call = write.union_type        ? "add_kind(&mut fields, $before, &self.$name)"
                                : !stands_inline(field) ? "add_offset(&mut fields, $id, child_$id)"
                                : rust_is_option(field) ? "add_optional(&mut fields, $id, &self.$name)"
                                : number                ? "add(&mut fields, $id, self.$name, $standard)"
                                                        : "put(&mut fields, $id, &self.$name)";
  return "        to." +
         fill(call, {{"before", std::to_string(field.id - 1)},
                     {"id", std::to_string(field.id)},
                     {"name", rust_field(field)},
                     {"standard", number && !field.optional && stands_inline(field) ? rust_default(in, field) : ""}}) +
         ";\n";
}

// How many ids the vtable may need, and the most bytes that fields and vtable can take, each with what aligns it.
std::size_t slots(const table& each) {
  std::size_t out = 0;
  for (const auto& field : each.fields)
    out = std::max(out, std::size_t{field.id} + 1);
  return out;
}

std::size_t room(const table& each) {
  std::size_t out = 4 + 3 + 4 + 2 * slots(each);
  for (const auto& field : each.fields) {
    const bool in_place = stands_inline(field);
    out += in_place ? field.type.size + field.type.alignment - 1 : 4 + 3;
    out += field.type.kind == value_kind::union_value ? 1 : 0;
  }
  return out;
}

} // namespace

std::string rust_struct_codec(const rust_scope& in, std::size_t index) {
  const auto& each = in.from.structs[index];
  std::string loads;
  std::string stores;
  std::uint32_t end = 0;
  const auto gap = [&](std::uint32_t until) {
    if (until > end)
      stores += "        to[" + std::to_string(end) + ".." + std::to_string(until) + "].fill(0);\n";
  };
  for (const auto& field : each.fields) {
    gap(field.slot);
    const auto size = field.type.size * (field.type.holds == container::array ? field.type.length : 1);
    end = field.slot + size;
    const auto range = std::to_string(field.slot) + ".." + std::to_string(end);
    loads += fill("            $name: $codec::Plain::load(&from[$range]),\n",
                  {{"name", rust_field(field)}, {"codec", in.codec}, {"range", range}});
    stores += fill("        $codec::Plain::store(&self.$name, &mut to[$range]);\n",
                   {{"name", rust_field(field)}, {"codec", in.codec}, {"range", range}});
  }
  gap(each.size);
  return fill(R"(
impl $codec::Plain for $name {
    const SIZE: usize = $size;
    const ALIGNMENT: usize = $alignment;

    #[inline]
    fn load(from: &[u8]) -> Self {
        let from = &from[..$size];
        Self {
$loads        }
    }

    #[inline]
    fn store(&self, to: &mut [u8]) {
        let to = &mut to[..$size];
$stores    }
}
)",
              {{"codec", in.codec},
               {"name", in.names.structs[index]},
               {"size", std::to_string(each.size)},
               {"alignment", std::to_string(each.alignment)},
               {"loads", loads},
               {"stores", stores}});
}

std::string rust_union_codec(const rust_scope& in, std::size_t index) {
  const auto& each = in.from.unions[index];
  std::string kinds;
  std::string reads;
  std::string writes;
  for (const auto& member : each.members) {
    const auto arm = [&](std::string_view pattern) {
      return fill(pattern,
                  {{"variant", rust_variant(member)}, {"kind", std::to_string(member.value)}, {"codec", in.codec}});
    };
    kinds += arm("            Self::$variant(_) => $kind,\n");
    reads += arm("            $kind => Self::$variant($codec::Table::read(from, target)?),\n");
    writes += arm("            Self::$variant(member) => $codec::Table::write(member, to),\n");
  }
  return fill(
      R"(
impl $codec::Union for $name {
    fn kind(&self) -> u8 {
        match self {
$kinds        }
    }

    fn read(
        from: &mut $codec::Reader<'_>,
        kind: u8,
        target: usize,
    ) -> Result<Option<Self>, $codec::DecodeError> {
        Ok(Some(match kind {
$reads            _ => return Ok(None),
        }))
    }

    fn write(&self, to: &mut $codec::Builder) -> Result<$codec::Offset, $codec::EncodeError> {
        match self {
$writes        }
    }
}
)",
      {{"codec", in.codec}, {"name", in.names.unions[index]}, {"kinds", kinds}, {"reads", reads}, {"writes", writes}});
}

std::string rust_table_codec(const rust_scope& in, std::size_t index) {
  const auto& each = in.from.tables[index];
  std::string reads;
  std::string values;
  std::string children;
  std::string writes;
  for (const auto& field : each.fields) {
    reads += read_field(in, field);
    values += fill("            $name: value_$id,\n", {{"name", rust_field(field)}, {"id", std::to_string(field.id)}});
    if (!stands_inline(field))
      children += write_child(in, field, each.name);
  }
  for (const auto& write : each.writes)
    writes += write_slot(in, each, write);
  return fill(R"(
impl $codec::Table for $name {
    #[inline]
    fn read(from: &mut $codec::Reader<'_>, start: usize) -> Result<Self, $codec::DecodeError> {
        $enter;
$reads        from.leave();
        Ok(Self {
$values        })
    }

    fn write(&self, to: &mut $codec::Builder) -> Result<$codec::Offset, $codec::EncodeError> {
$children        $fields = to.begin::<$slots>($room)?;
$writes        Ok(to.end(fields))
    }
}
)",
              {{"codec", in.codec},
               {"name", in.names.tables[index]},
               {"enter", each.fields.empty() ? "from.enter(start)?" : "let table = from.enter(start)?"},
               {"reads", reads},
               {"values", values},
               {"children", children},
               {"fields", each.fields.empty() ? "let fields" : "let mut fields"},
               {"slots", std::to_string(slots(each))},
               {"room", std::to_string(room(each))},
               {"writes", writes}});
}

} // namespace mycelium::schema_compiler
