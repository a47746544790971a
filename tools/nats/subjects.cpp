#include "tools/nats/subjects.hpp"

#include <algorithm>
#include <charconv>

namespace mycelium::nats {
namespace {

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('.') + 1); }

// The first token, and what is left of the text behind its dot.
std::string_view take_token(std::string_view& text) {
  const auto dot = text.find('.');
  const auto token = text.substr(0, dot);
  text = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  return token;
}

std::optional<std::uint16_t> number_of(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0)
    return std::nullopt;
  return number;
}

bool chooses(const std::string& pattern, const schema::message_type& type) {
  return pattern == std::to_string(type.type_id) || pattern == type.name || pattern == last_part(type.name) ||
         (!type.topic.empty() && pattern == type.topic) || matches(pattern, subject_of(type));
}

bool is_plain(char c) { return c > ' ' && c < '\x7f' && c != '*' && c != '>' && c != '%' && c != '_'; }

std::string escaped_token(std::string_view token) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  if (token.empty())
    return "_";
  std::string text;
  for (const char c : token) {
    // An underscore alone would be an empty token; among others it stays as it is.
    if (is_plain(c) || (c == '_' && token.size() > 1)) {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += '%';
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

} // namespace

bool matches(std::string_view pattern, std::string_view subject) {
  while (!pattern.empty() && !subject.empty()) {
    const auto wanted = take_token(pattern);
    if (wanted == ">")
      return pattern.empty();
    const auto token = take_token(subject);
    if (wanted != "*" && wanted != token)
      return false;
  }
  return pattern.empty() && subject.empty();
}

std::string escaped(std::string_view name) {
  std::string text;
  for (;;) {
    const auto end = name.find_first_of("./");
    text += escaped_token(name.substr(0, end));
    if (end == std::string_view::npos)
      return text;
    text += '.';
    name.remove_prefix(end + 1);
  }
}

std::string subject_of(const schema::message_type& type) {
  const auto name = type.name.empty() ? std::to_string(type.type_id) : std::string(last_part(type.name));
  return escaped(type.topic) + '.' + escaped(name);
}

bool is_prefix(std::string_view text) {
  if (text.empty() || text.starts_with('$') || text.starts_with('_'))
    return false;
  for (;;) {
    const auto dot = text.find('.');
    const auto token = text.substr(0, dot);
    if (token.empty() || !std::ranges::all_of(token, [](char c) { return is_plain(c) || c == '_' || c == '%'; }))
      return false;
    if (dot == std::string_view::npos)
      return true;
    text.remove_prefix(dot + 1);
  }
}

result<subject_map> subject_map::choose(const std::vector<schema::message_type>& known,
                                        const std::vector<std::string>& patterns,
                                        const std::vector<std::string>& durable, const std::string& prefix) {
  const auto wrong = [](const std::string& text) { return failure{status::invalid_argument, text}; };
  if (!is_prefix(prefix))
    return wrong("'" + prefix + "' cannot begin a subject: NATS takes words with dots between them, not $ or _ first");
  subject_map chosen;
  const auto choose_by = [&](const std::string& pattern, bool is_durable) -> result<void> {
    bool any = false;
    const auto add = [&](const schema::message_type& type, std::optional<schema::digest> digest) {
      any = true;
      return chosen.add({type.type_id, type.name, digest, prefix + '.' + subject_of(type), is_durable});
    };
    for (const auto& type : known)
      if (chooses(pattern, type))
        if (auto added = add(type, type.type_digest); !added)
          return added;
    if (const auto number = number_of(pattern); !any && number)
      return add({.type_id = *number, .name = {}, .topic = {}, .type_digest = {}}, std::nullopt);
    return any ? result<void>()
               : wrong("no message type is called '" + pattern +
                       "', and none has it as its topic or subject; `mycelium info` lists the built-in types, others "
                       "need their schema");
  };
  for (const auto& pattern : patterns)
    if (auto done = choose_by(pattern, false); !done)
      return done.error();
  for (const auto& pattern : durable)
    if (auto done = choose_by(pattern, true); !done)
      return done.error();
  return chosen;
}

result<void> subject_map::add(const chosen_type& type) {
  const auto [entry, is_new] = types_.try_emplace(type.type_id, type);
  entry->second.durable = entry->second.durable || type.durable;
  const auto [at, is_free] = by_subject_.try_emplace(type.subject, type.type_id);
  if (!is_free && at->second != type.type_id)
    return failure{status::invalid_argument, "types " + std::to_string(at->second) + " and " +
                                                 std::to_string(type.type_id) + " have the same subject " +
                                                 type.subject + "; choose one of them, or give them other topics"};
  return {};
}

const chosen_type* subject_map::find(std::uint16_t type_id) const {
  const auto at = types_.find(type_id);
  return at != types_.end() ? &at->second : nullptr;
}

const chosen_type* subject_map::find(std::string_view subject) const {
  const auto at = by_subject_.find(subject);
  return at != by_subject_.end() ? find(at->second) : nullptr;
}

} // namespace mycelium::nats
