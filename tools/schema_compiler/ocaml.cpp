#include "tools/schema_compiler/ocaml.hpp"

#include "tools/schema_compiler/fill.hpp"
#include "tools/schema_compiler/ocaml_codec.hpp"
#include "tools/schema_compiler/ocaml_groups.hpp"
#include "tools/schema_compiler/ocaml_names.hpp"
#include "tools/schema_compiler/ocaml_support.hpp"
#include "tools/schema_compiler/ocaml_text.hpp"

#include <set>

namespace mycelium::schema_compiler {
namespace {

constexpr std::string_view interface_head =
    R"ocaml((** Messages of the schema $name.

    Written by [mycelium schema compile --ocaml]: do not edit, change the schema and compile it again.

    Each declaration is a module with a type [t]. A table is a record; [default] is one that holds what the schema says,
    to be used as [{ default with ... }]. [encode] gives the canonical bytes, the same in every language; it raises
    [Invalid_argument] with the field's name for a number that does not fit its field, a string that is not UTF-8, an
    array of another length, a required union that is [None], or tables deeper than 64. [decode] checks every byte that
    it relies on: malformed bytes are an [Error] with the reason, never an exception. A message is a table with a
    [type_id]; its [t] describes it to [Mycelium_native.Runtime.publish] and its like.

    8 to 32 bits, signed or not, are an [int]; 64 bits an [int64], of which an unsigned number has the same bits.
    Vectors of numbers are Bigarrays (unsigned numbers of 32 and 64 bits with the bits of signed ones); those of
    messages that are received from the bus are views of the received memory, without a copy. *)
$aliases
(** Bytes of a message, in memory of anyone's. *)
type payload = (char, Bigarray.int8_unsigned_elt, Bigarray.c_layout) Bigarray.Array1.t

(** Makes Bigarrays of any kind of the payload: from its byte, so many elements. Who owns the payload may offer it. *)
type views = < view : 'a 'b. ('a, 'b) Bigarray.kind -> int -> int -> ('a, 'b, Bigarray.c_layout) Bigarray.Array1.t >

(** What a bus needs to know of messages of one type. An object, so that no library has to be shared to agree on it.
    [decode] must not keep the payload. *)
type 'a message =
  < type_id : int
  ; topic : string
  ; type_name : string
  ; type_digest : string
  ; encode : 'a -> string
  ; decode : views option -> payload -> ('a, string) result >

(** The digest of the whole schema, 32 bytes: what [Runtime.create] compares. *)
val schema_digest : string

(** The schema as FlatBuffers' binary form, for a runtime that does not have it built in. *)
val schema : string
)ocaml";

constexpr std::string_view implementation_head =
    R"ocaml((* Written by mycelium schema compile --ocaml from the schema $name. Do not edit: change the schema and
   compile it again. It is silent under any flags: what it has and this schema does not need is no mistake. *)
[@@@ocaml.warning "-a"]

module Flat = struct
$flat
end

type payload = Flat.payload
type views = Flat.views
type 'a message = 'a Flat.message
$aliases
let schema_digest = $digest
)ocaml";

class emitter {
public:
  emitter(const model& from, const ocaml_names& names) : from_(from), names_(names) {}

  std::string interface() const;
  std::string implementation(schema::bytes bfbs) const;

private:
  std::string aliases(bool documented) const;
  std::string enum_type(std::size_t which) const;
  std::string enum_interface(std::size_t which) const;
  std::string enum_implementation(std::size_t which) const;
  std::string struct_type(std::size_t which) const;
  std::string record(const std::vector<field>& fields, const std::vector<std::string>& labels, bool in_struct) const;
  std::string type_of(const ocaml_node& node) const;
  std::string public_values(const ocaml_node& node) const;
  std::string private_signature(const ocaml_node& node) const;
  std::string codec(const ocaml_node& node) const;
  std::string tail(const ocaml_node& node) const;
  std::string group_interface(const ocaml_group& group) const;
  std::string group_implementation(const ocaml_group& group, std::size_t number) const;
  const std::string& name(const ocaml_node& node) const {
    return node.is_union ? names_.unions[node.index] : names_.tables[node.index];
  }
  const std::vector<std::string>& docs(const ocaml_node& node) const {
    return node.is_union ? from_.unions[node.index].docs : from_.tables[node.index].docs;
  }

  const model& from_;
  const ocaml_names& names_;
};

// Types of the vectors that this schema has.
std::string emitter::aliases(bool documented) const {
  static constexpr std::pair<const char*, const char*> types[] = {
      {"int8s", "(int, Bigarray.int8_signed_elt"},   {"uint8s", "(int, Bigarray.int8_unsigned_elt"},
      {"int16s", "(int, Bigarray.int16_signed_elt"}, {"uint16s", "(int, Bigarray.int16_unsigned_elt"},
      {"int32s", "(int32, Bigarray.int32_elt"},      {"int64s", "(int64, Bigarray.int64_elt"},
      {"float32s", "(float, Bigarray.float32_elt"},  {"float64s", "(float, Bigarray.float64_elt"}};
  std::set<std::string> used;
  for (const auto& table : from_.tables)
    for (const auto& field : table.fields)
      if (field.type.holds == container::vector && is_bigarray(field.type))
        used.insert(ocaml_vector(field.type.number));
  std::string out;
  for (const auto& [name, type] : types)
    if (used.contains(name))
      out += std::string("type ") + name + " = " +
             (documented ? std::string(type) + ", Bigarray.c_layout) Bigarray.Array1.t" : std::string("Flat.") + name) +
             "\n";
  return out.empty() ? out : "\n" + out;
}

std::string emitter::enum_type(std::size_t which) const {
  const auto& each = from_.enums[which];
  const std::string number = is_wide(each.underlying) ? "int64" : "int";
  if (each.bit_flags)
    return "  type t = " + number + "\n";
  std::string out = "  type t =\n";
  for (std::size_t i = 0; i < each.values.size(); ++i)
    out += ocaml_part("| " + names_.enum_values[which][i], "", each.values[i].docs);
  return out + "    | Unknown of " + number + "  (** a number that the schema does not name *)\n";
}

std::string emitter::enum_interface(std::size_t which) const {
  const auto& each = from_.enums[which];
  const std::string number = is_wide(each.underlying) ? "int64" : "int";
  auto out =
      "\n" + ocaml_comment(each.docs, "") + "module " + names_.enums[which] + " : sig\n" + enum_type(which) + "\n";
  for (std::size_t i = 0; each.bit_flags && i < each.values.size(); ++i)
    out += ocaml_comment(each.values[i].docs, "  ") + "  val " + names_.enum_values[which][i] + " : t" +
           ocaml_attribute(each.values[i].docs) + "\n";
  if (!each.bit_flags)
    out += "  val to_" + number + " : t -> " + number + "\n  val of_" + number + " : " + number + " -> t\n";
  return out + "end" + ocaml_attribute(each.docs) + "\n";
}

std::string emitter::enum_implementation(std::size_t which) const {
  const auto& each = from_.enums[which];
  auto out = "\nmodule " + names_.enums[which] + " = struct\n" + enum_type(which) + "\n";
  for (std::size_t i = 0; each.bit_flags && i < each.values.size(); ++i)
    out +=
        "  let " + names_.enum_values[which][i] + " = " + ocaml_integer(each.underlying, each.values[i].value) + "\n";
  return out + ocaml_enum_codec(each, names_.enum_values[which]) + "end\n";
}

std::string emitter::record(const std::vector<field>& fields, const std::vector<std::string>& labels,
                            bool in_struct) const {
  if (fields.empty())
    return "  type t = unit\n";
  std::string out = "  type t = {\n";
  std::string line = "  type t =";
  bool documented = false;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto type = in_struct ? ocaml_struct_field(names_, fields[i]) : ocaml_table_field(names_, fields[i]);
    out += ocaml_part(labels[i] + " : " + type, ";", fields[i].docs);
    line += (i == 0 ? " { " : "; ") + labels[i] + " : " + type;
    documented = documented || !fields[i].docs.empty();
  }
  return !documented && line.size() < 90 ? line + " }\n" : out + "  }\n";
}

std::string emitter::struct_type(std::size_t which) const {
  return record(from_.structs[which].fields, names_.struct_fields[which], true);
}

std::string emitter::type_of(const ocaml_node& node) const {
  if (!node.is_union)
    return record(from_.tables[node.index].fields, names_.table_fields[node.index], false);
  const auto& each = from_.unions[node.index];
  if (each.members.empty())
    return "  type t = |\n";
  std::string out = "  type t =\n";
  for (std::size_t i = 0; i < each.members.size(); ++i)
    out += ocaml_part("| " + names_.union_members[node.index][i] + " of " + names_.tables[each.members[i].table] + ".t",
                      "", each.members[i].docs);
  return out;
}

std::string emitter::public_values(const ocaml_node& node) const {
  if (node.is_union)
    return "";
  const auto& each = from_.tables[node.index];
  std::string out = "\n";
  if (!ocaml_table_default(from_, names_, node.index).empty())
    out += "  val default : t\n";
  out += "  val type_name : string\n  val encode : t -> string\n  val decode : string -> (t, string) result\n";
  if (each.message)
    out += "  val type_id : int\n  val topic : string\n  val type_digest : string\n  val t : t message\n";
  return out;
}

std::string emitter::private_signature(const ocaml_node& node) const {
  return type_of(node) + "\n  val write : Flat.builder -> t -> int\n" +
         (node.is_union ? "  val number : t -> int\n  val read : Flat.reader -> int -> int -> t option\n"
                        : "  val read : Flat.reader -> int -> t\n");
}

std::string emitter::codec(const ocaml_node& node) const {
  return type_of(node) + "\n" +
         (node.is_union ? ocaml_union_codec(from_, names_, node.index) : ocaml_table_codec(from_, names_, node.index));
}

std::string emitter::tail(const ocaml_node& node) const {
  if (node.is_union)
    return "";
  const auto& each = from_.tables[node.index];
  const auto initial = ocaml_table_default(from_, names_, node.index);
  std::string out = initial.empty() ? "" : "\n  let default : t = " + initial + "\n";
  out += "\n  let type_name = " + ocaml_string(each.name.full) +
         "\n  let encode v = Flat.encode write v\n  let decode text = Flat.decode_string type_name read text\n";
  if (each.message)
    out += "  let type_id = " + std::to_string(each.message->type_id) +
           "\n  let topic = " + ocaml_string(each.message->topic) +
           "\n  let type_digest = " + ocaml_digest(each.message->type_digest) +
           "\n  let t = Flat.message ~type_id ~topic ~type_name ~type_digest ~write ~read\n";
  return out;
}

std::string emitter::group_interface(const ocaml_group& group) const {
  std::string out;
  for (const auto& node : group.nodes) {
    const bool first = &node == &group.nodes.front();
    out += "\n" + ocaml_comment(docs(node), "") +
           (!first            ? "and "
            : group.recursive ? "module rec "
                              : "module ") +
           name(node) + " : sig\n" + type_of(node) + public_values(node) + "end" + ocaml_attribute(docs(node)) + "\n";
  }
  return out;
}

// What refers to each other is written as recursive modules of functions. Such modules cannot hold values: they stand
// in a module of their own, and are named and completed after it. No name of a schema has a ' in it.
std::string emitter::group_implementation(const ocaml_group& group, std::size_t number) const {
  const auto& nodes = group.nodes;
  if (!group.recursive)
    return "\nmodule " + name(nodes.front()) + " = struct\n" + codec(nodes.front()) + tail(nodes.front()) + "end\n";
  const auto all = "Group'" + std::to_string(number);
  std::string out = "\nmodule " + all + " = struct\n";
  for (const auto& node : nodes)
    out += (&node == &nodes.front() ? "module rec " : "\nand ") + name(node) + " : sig\n" + private_signature(node) +
           "end = struct\n" + codec(node) + "end\n";
  out += "end\n";
  for (const auto& node : nodes)
    out += "\nmodule " + name(node) +
           (node.is_union ? " = " + all + "." + name(node) + "\n"
                          : " = struct\n  include " + all + "." + name(node) + "\n" + tail(node) + "end\n");
  return out;
}

std::string emitter::interface() const {
  auto out = fill(interface_head, {{"name", from_.name}, {"aliases", aliases(true)}});
  for (std::size_t i = 0; i < from_.enums.size(); ++i)
    out += enum_interface(i);
  for (std::size_t i = 0; i < from_.structs.size(); ++i)
    out += "\n" + ocaml_comment(from_.structs[i].docs, "") + "module " + names_.structs[i] + " : sig\n" +
           struct_type(i) + "\n  val default : t\nend" + ocaml_attribute(from_.structs[i].docs) + "\n";
  for (const auto& group : ocaml_groups(from_))
    out += group_interface(group);
  return out;
}

std::string emitter::implementation(schema::bytes bfbs) const {
  std::string flat;
  for (const auto part : {flat_read_ml(), flat_write_ml(), flat_describe_ml()})
    flat += (flat.empty() ? "" : "\n") + std::string(reinterpret_cast<const char*>(part.data()), part.size());
  auto out = fill(
      implementation_head,
      {{"name", from_.name}, {"flat", flat}, {"aliases", aliases(false)}, {"digest", ocaml_digest(from_.set_digest)}});
  for (std::size_t i = 0; i < from_.enums.size(); ++i)
    out += enum_implementation(i);
  for (std::size_t i = 0; i < from_.structs.size(); ++i)
    out += "\nmodule " + names_.structs[i] + " = struct\n" + struct_type(i) + "\n" +
           ocaml_struct_codec(from_, names_, i) + "\n  let default : t = " + ocaml_struct_default(from_, names_, i) +
           "\nend\n";
  std::size_t number = 0;
  for (const auto& group : ocaml_groups(from_))
    out += group_implementation(group, ++number);
  return out + "\nlet schema =\n  " + ocaml_bytes(bfbs) + "\n";
}

} // namespace

result<std::vector<ocaml_file>> emit_ocaml(const model& from, schema::bytes bfbs) {
  const auto names = name_for_ocaml(from);
  if (!names)
    return names.error();
  const emitter out(from, *names);
  return std::vector<ocaml_file>{{names->module + ".mli", out.interface()},
                                 {names->module + ".ml", out.implementation(bfbs)}};
}

} // namespace mycelium::schema_compiler
