#include "tools/schema_compiler/evolution.hpp"

#include "schema/canonical.hpp"

#include <algorithm>
#include <map>

namespace mycelium::schema_compiler {
namespace {

using schema::base_type;
using schema::declarations;
using schema::enumeration;
using schema::field;
using schema::object;

template <class Named>
const Named* by_name(const std::vector<Named>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string attribute_text(const std::vector<schema::attribute>& attributes, std::string_view key) {
  const auto* value = schema::find_attribute(attributes, key);
  return value ? *value : std::string("none");
}

class comparison {
public:
  comparison(const declarations& before, const declarations& after) : before_(before), after_(after) {}

  std::vector<change> run() {
    for (const auto& old : before_.objects)
      if (const auto* now = by_name(after_.objects, old.name))
        compare_objects(old, *now);
      else
        removed_object(old);
    for (const auto& now : after_.objects)
      if (!by_name(before_.objects, now.name))
        note(now.name, std::string(now.is_struct ? "struct" : "table") + " added");
    for (const auto& old : before_.enums)
      if (const auto* now = by_name(after_.enums, old.name))
        compare_enums(old, *now);
      else
        removed(old.name, false, "removed");
    for (const auto& now : after_.enums)
      if (!by_name(before_.enums, now.name))
        note(now.name, now.is_union ? "union added" : "enum added");
    std::stable_sort(changes_.begin(), changes_.end(), [](const auto& a, const auto& b) { return a.where < b.where; });
    return std::move(changes_);
  }

private:
  void note(std::string where, std::string what) {
    changes_.push_back({false, std::move(where), false, std::move(what)});
  }
  void breaking(std::string where, std::string what) {
    changes_.push_back({true, std::move(where), false, std::move(what)});
  }
  void removed(std::string where, bool breaks, std::string what) {
    changes_.push_back({breaks, std::move(where), true, std::move(what)});
  }

  void removed_object(const object& old) {
    const auto* type_id = schema::find_attribute(old.attributes, "type_id");
    if (!type_id) // whoever refers to it is reported
      return removed(old.name, false, "removed");
    for (const auto& now : after_.objects)
      if (attribute_text(now.attributes, "type_id") == *type_id)
        return breaking(now.name,
                        "type_id " + *type_id + " belonged to " + old.name + "; a new message needs a new type_id");
    removed(old.name, true, "message removed, which others may still send or await; keep it");
  }

  void compare_objects(const object& old, const object& now) {
    if (old.is_struct != now.is_struct)
      return breaking(now.name, old.is_struct ? "was a struct; make the table a new type"
                                              : "was a table; make the struct a new type");
    for (const auto* key : {"type_id", "topic"}) {
      const auto from = attribute_text(old.attributes, key);
      const auto to = attribute_text(now.attributes, key);
      if (from != to && from == "none" && std::string_view(key) == "type_id")
        note(now.name, "became a message with type_id " + to);
      else if (from != to && schema::find_attribute(old.attributes, "type_id"))
        breaking(now.name, std::string(key) + " changed from " + from + " to " + to + "; it has to stay");
    }
    old.is_struct ? compare_structs(old, now) : compare_tables(old, now);
  }

  // A struct has no room to grow: its bytes are what they were.
  void compare_structs(const object& old, const object& now) {
    if (old.size != now.size || old.alignment != now.alignment || old.fields.size() != now.fields.size())
      return breaking(now.name, "layout of the struct changed; a struct is frozen, make a new one or a table");
    for (std::size_t i = 0; i < old.fields.size(); ++i) {
      const auto& from = old.fields[i];
      const auto& to = now.fields[i];
      const auto where = now.name + "." + to.name;
      if (from.slot != to.slot || type_text(before_, from.type) != type_text(after_, to.type))
        breaking(where, "layout of the struct changed; a struct is frozen, make a new one or a table");
      else if (from.name != to.name)
        renamed(where, old, now, from, to);
    }
  }

  void compare_tables(const object& old, const object& now) {
    for (std::size_t id = 0; id < old.fields.size(); ++id) {
      const auto& from = old.fields[id];
      if (id < now.fields.size())
        compare_fields(old, now, from, now.fields[id]);
      else if (!by_name(now.fields, from.name))
        removed(old.name + "." + from.name, true, "removed; mark it (deprecated) instead");
    }
    for (std::size_t id = old.fields.size(); id < now.fields.size(); ++id) {
      const auto& added = now.fields[id];
      if (added.required)
        breaking(now.name + "." + added.name, "added as required, which older messages lack; add it without");
      else
        note(now.name + "." + added.name, "added with id " + std::to_string(added.id));
    }
  }

  void renamed(const std::string& where, const object& old, const object& now, const field& from, const field& to) {
    if (const auto* moved = by_name(now.fields, from.name))
      breaking(now.name + "." + moved->name, "id changed from " + std::to_string(from.id) + " to " +
                                                 std::to_string(moved->id) +
                                                 "; add fields at the end, or give every field its id");
    else if (by_name(old.fields, to.name) == nullptr)
      note(where, "renamed from " + from.name + " (programs have to be changed, messages stay as they are)");
  }

  void compare_fields(const object& old, const object& now, const field& from, const field& to) {
    const auto where = now.name + "." + to.name;
    if (from.name != to.name) {
      const bool shifted = by_name(now.fields, from.name) || by_name(old.fields, to.name);
      if (shifted && by_name(now.fields, from.name))
        return renamed(where, old, now, from, to);
      if (type_text(before_, from.type) != type_text(after_, to.type))
        return removed(old.name + "." + from.name, true,
                       "removed, and its id " + std::to_string(from.id) + " given to " + to.name +
                           "; mark it (deprecated) instead");
      renamed(where, old, now, from, to);
    }
    const auto before = type_text(before_, from.type);
    const auto after = type_text(after_, to.type);
    if (before != after)
      return breaking(where, "type changed from " + before + " to " + after + "; deprecate the field and add another");
    if (value_text(from) != value_text(to))
      breaking(where, "default changed from " + value_text(from) + " to " + value_text(to) +
                          ", which changes what older messages say; keep it");
    if (from.required != to.required)
      breaking(where, to.required ? "became required, which older messages may lack"
                                  : "is no longer required, which older programs insist on");
    if (from.key != to.key)
      breaking(where, "key changed, and with it the order that older programs search in");
    if (from.deprecated != to.deprecated)
      note(where, to.deprecated ? "deprecated" : "no longer deprecated");
  }

  // The default of a scalar, as the canonical form has it.
  std::string value_text(const field& field) const {
    if (!schema::is_scalar(field.type.base))
      return "none";
    return field.optional ? "null" : schema::default_text(field);
  }

  static std::string type_text(const declarations& all, const schema::type& type) {
    return schema::type_text(all, type);
  }

  void compare_enums(const enumeration& old, const enumeration& now) {
    if (old.is_union != now.is_union || old.underlying != now.underlying)
      return breaking(now.name, "underlying type changed; make a new enum");
    for (const auto& from : old.values) {
      const auto* to = by_name(now.values, from.name);
      if (!to)
        missing_value(old, now, from);
      else if (to->value != from.value)
        breaking(now.name + "." + to->name, "value changed from " + std::to_string(from.value) + " to " +
                                                std::to_string(to->value) + "; add values with numbers of their own");
      else if (type_text(before_, from.member) != type_text(after_, to->member))
        breaking(now.name + "." + to->name, "member changed from " + type_text(before_, from.member) + " to " +
                                                type_text(after_, to->member) + "; add another member");
    }
    for (const auto& to : now.values) {
      const auto same = [&](const auto& each) { return each.value == to.value || each.name == to.name; };
      if (std::none_of(old.values.begin(), old.values.end(), same))
        note(now.name + "." + to.name, "added");
    }
  }

  void missing_value(const enumeration& old, const enumeration& now, const schema::enum_value& from) {
    const auto same = [&](const auto& each) { return each.value == from.value; };
    const auto to = std::find_if(now.values.begin(), now.values.end(), same);
    if (to == now.values.end())
      removed(old.name + "." + from.name, true, "removed, which older messages may hold; keep it");
    else if (type_text(before_, from.member) != type_text(after_, to->member))
      breaking(now.name + "." + to->name, "took the number of " + from.name + "; add it with a number of its own");
    else
      note(now.name + "." + to->name,
           "renamed from " + from.name + " (programs have to be changed, messages stay as they are)");
  }

  const declarations& before_;
  const declarations& after_;
  std::vector<change> changes_;
};

} // namespace

std::vector<change> compare(const declarations& before, const declarations& after) {
  return comparison(before, after).run();
}

} // namespace mycelium::schema_compiler
