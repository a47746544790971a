#include "tools/cli/message_text.hpp"

#include "tools/cli/terminal_text.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <charconv>

namespace mycelium::cli {
namespace {

// Text on one line, quoted only where it would be misread.
std::string scalar_text(const json& value) {
  if (!value.is_string())
    return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  const bool plain = !text.empty() && text.front() != ' ' && text.back() != ' ' && text.front() != '"' &&
                     text.find('\n') == std::string::npos;
  return printable(plain ? text : value.dump());
}

bool is_short(const json& value) {
  return value.is_array() && std::ranges::none_of(value, [](const json& each) { return each.is_structured(); });
}

json envelope_json(const MyceliumEnvelope& e) {
  json out{{"publisher", e.publisher_id},
           {"sequence", e.sequence},
           {"timestamp_ns", e.timestamp_ns},
           {"time", time_text(e.timestamp_ns)},
           {"priority", e.priority}};
  if (e.correlation_id != 0)
    out["correlation"] = e.correlation_id;
  if (e.destination == MYCELIUM_TO_KEY)
    out["key"] = e.destination_key;
  if (e.has_trace != 0) {
    out["trace_id"] = recording::to_hex(e.trace_id);
    out["span_id"] = recording::to_hex(e.span_id);
    out["trace_flags"] = e.trace_flags;
  }
  return out;
}

bool compare(const json& a, const std::string& op, const json& b) {
  if (op == "~")
    return a.is_string() &&
           a.get_ref<const std::string&>().find(b.is_string() ? b.get<std::string>() : b.dump()) != std::string::npos;
  if (op == "==")
    return a == b;
  if (op == "!=")
    return a != b;
  if (a.is_number() != b.is_number() || a.is_string() != b.is_string())
    return false; // JSON would compare a number with a text by their kinds
  return op == "<" ? a < b : op == "<=" ? a <= b : op == ">" ? a > b : a >= b;
}

} // namespace

const json* find_field(const json& value, const std::string& path) {
  const auto* at = &value;
  for (std::size_t i = 0; i < path.size();) {
    if (path[i] == '[') {
      std::size_t index = 0;
      const auto* end = path.data() + path.size();
      const auto read = std::from_chars(path.data() + i + 1, end, index);
      if (read.ec != std::errc() || read.ptr == end || *read.ptr != ']' || !at->is_array() || index >= at->size())
        return nullptr;
      at = &(*at)[index];
      i = static_cast<std::size_t>(read.ptr - path.data()) + 1;
      continue;
    }
    i += path[i] == '.' ? 1 : 0;
    const auto end = std::min(path.find_first_of(".[", i), path.size());
    const auto found = at->is_object() ? at->find(path.substr(i, end - i)) : at->end();
    if (found == at->end())
      return nullptr;
    at = &*found;
    i = end;
  }
  return at;
}

result<condition> condition::parse(const std::string& text) {
  const auto op = text.find_first_of("=!<>~");
  const auto trimmed = [](const std::string& part) {
    const auto begin = part.find_first_not_of(' ');
    return begin == std::string::npos ? std::string() : part.substr(begin, part.find_last_not_of(' ') - begin + 1);
  };
  condition made;
  if (op != std::string::npos && op > 0) {
    const std::size_t length = op + 1 < text.size() && text[op + 1] == '=' ? 2 : 1;
    made.op_ = text.substr(op, length);
    made.path_ = trimmed(text.substr(0, op));
    const auto operand = trimmed(text.substr(op + length));
    made.operand_ = json::accept(operand) ? json::parse(operand) : json(operand);
  }
  constexpr std::array known{"==", "!=", "<", "<=", ">", ">=", "~"};
  if (made.path_.empty() || std::ranges::find(known, made.op_) == known.end())
    return failure{status::invalid_argument,
                   "--filter '" + text + "': write FIELD OP VALUE, where OP is one of == != < <= > >= ~ (contains)"};
  return made;
}

bool condition::holds(const json& value) const {
  const auto* field = find_field(value, path_);
  return field != nullptr && compare(*field, op_, operand_);
}

void add_showing_options(CLI::App& app, showing& how) {
  auto* text = app.add_flag("--text,!--json", how.text, "print for people, or with --json an object a line");
  app.add_flag("--envelope", how.envelope, "print also who published it and when");
  app.add_flag("--raw", how.raw, "print the payload's bytes in hexadecimal")->excludes(text);
  app.add_option("--field", how.field, "print this field only: items[2].name")->type_name("PATH");
  app.add_option(
         "--filter", how.filters,
         "only messages for which 'FIELD OP VALUE' holds; OP is == != < <= > >= or ~ (contains); may be repeated")
      ->type_name("CONDITION")
      ->allow_extra_args(false);
}

result<message_text> message_text::of(const bus_types& types, const showing& how) {
  message_text made(types, how);
  for (const auto& each : how.filters) {
    auto parsed = condition::parse(each);
    if (!parsed)
      return parsed.error();
    made.conditions_.push_back(std::move(*parsed));
  }
  return made;
}

std::optional<std::string> message_text::of(const MyceliumMessage* message) const {
  const auto payload = payload_of(message);
  const auto type_id = mycelium_message_type_id(message);
  const auto read = types_.to_json(type_id, payload);
  const bool hex = how_.raw || !read;
  if (!conditions_.empty() &&
      (!read || !std::ranges::all_of(conditions_, [&](const condition& each) { return each.holds(*read); })))
    return std::nullopt;
  json value;
  if (!how_.field.empty()) {
    if (const auto* field = read ? find_field(*read, how_.field) : nullptr)
      value = *field;
    return (how_.text || value.is_string() ? scalar_text(value) : value.dump()) + "\n";
  }
  if (!hex)
    value = *read;
  else
    value = {{"hex", recording::to_hex(payload)}};
  if (!read && read.error().code != status::unknown_type)
    value["error"] = read.error().text;
  return how_.text ? as_text(message, value) : as_json(message, value);
}

std::string message_text::as_json(const MyceliumMessage* message, const json& value) const {
  const auto type_id = mycelium_message_type_id(message);
  json line{{"type", types_.name_of(type_id)}, {"type_id", type_id}};
  if (how_.envelope)
    line["envelope"] = envelope_json(envelope_of(message));
  line["message"] = value;
  return line.dump() + "\n";
}

std::string message_text::as_text(const MyceliumMessage* message, const json& value) const {
  auto text = printable(types_.name_of(mycelium_message_type_id(message)));
  if (how_.envelope) {
    const auto envelope = envelope_of(message);
    text += "  " + time_text(envelope.timestamp_ns) + "  publisher " + std::to_string(envelope.publisher_id) +
            "  sequence " + std::to_string(envelope.sequence);
  }
  return text + "\n" + as_lines(value, 2) + "\n";
}

std::string as_lines(const json& value, std::size_t indent) {
  std::string text;
  const auto add = [&](const std::string& key, const json& each) {
    text += std::string(indent, ' ') + key;
    if (!each.is_structured() || each.empty() || is_short(each))
      text += " " + (each.is_structured() ? printable(each.dump()) : scalar_text(each)) + "\n";
    else
      text += "\n" + as_lines(each, indent + 2);
  };
  if (value.is_array())
    for (const auto& each : value)
      add("-", each);
  else
    for (const auto& [key, each] : value.items())
      add(key + ":", each);
  return text;
}

} // namespace mycelium::cli
