#include "actors/bridge/type_set.hpp"

#include "actors/bridge/toml_file.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace mycelium::bridge {
namespace {

std::optional<std::uint16_t> id_in(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value != 0 ? std::optional(value) : std::nullopt;
}

bool is_number_or_range(std::string_view text) {
  return text.find_first_not_of("0123456789-") == std::string_view::npos &&
         text.find_first_of("0123456789") != std::string_view::npos;
}

result<void> add_entry(const toml::node& entry, type_set& to) {
  if (const auto id = entry.value_exact<std::int64_t>()) {
    if (*id < 1 || *id > 65535)
      return failure{status::invalid_argument, "holds a type id that is not in 1 to 65535"};
    to.add(static_cast<std::uint16_t>(*id), static_cast<std::uint16_t>(*id));
    return {};
  }
  const auto text = entry.value_exact<std::string>();
  if (!text || text->empty())
    return failure{status::invalid_argument,
                   "holds something that is neither a type id, a range \"1000-1999\", a topic nor \"*\""};
  return to.add(*text);
}

} // namespace

// All that touch the new range become one with it.
void type_set::add(std::uint16_t first, std::uint16_t last) {
  const auto begin = std::ranges::partition_point(ranges_, [&](const auto& each) { return each.second + 1 < first; });
  auto end = begin;
  for (; end != ranges_.end() && end->first <= last + 1; ++end) {
    first = std::min(first, end->first);
    last = std::max(last, end->second);
  }
  ranges_.insert(ranges_.erase(begin, end), {first, last});
}

result<void> type_set::add(std::string_view text) {
  if (text == "*") {
    add(1, 65535);
    return {};
  }
  if (!is_number_or_range(text)) {
    topics_.emplace_back(text);
    return {};
  }
  const auto dash = std::min(text.find('-'), text.size());
  const auto first = id_in(text.substr(0, dash));
  const auto last = dash == text.size() ? first : id_in(text.substr(dash + 1));
  if (!first || !last || *last < *first)
    return failure{status::invalid_argument, "holds a range that is none: write \"1000-1999\", with ids in 1 to 65535"};
  add(*first, *last);
  return {};
}

result<type_set> type_set::parse(std::string_view list) {
  type_set set;
  for (;;) {
    const auto comma = std::min(list.find(','), list.size());
    auto text = list.substr(0, comma);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    text = text.substr(0, text.find_last_not_of(' ') + 1);
    if (text.empty())
      return failure{status::invalid_argument, "holds nothing where a type should be: write \"20001, sensors\""};
    if (auto added = set.add(text); !added)
      return added.error();
    if (comma == list.size())
      return set;
    list.remove_prefix(comma + 1);
  }
}

result<type_set> type_set::read(const toml_file& file, const toml::table& table, std::string_view key) {
  type_set set;
  const auto* node = table.get(key);
  if (node == nullptr)
    return set;
  const auto add = [&](const toml::node& entry) -> result<void> {
    if (auto added = add_entry(entry, set); !added)
      return failure{file.wrong(entry.source(), "key '" + std::string(key) + "' " + added.error().text)};
    return {};
  };
  if (!node->is_array()) {
    if (auto added = add(*node); !added)
      return added.error();
    return set;
  }
  for (const auto& entry : *node->as_array())
    if (auto added = add(entry); !added)
      return added.error();
  return set;
}

bool type_set::contains(std::uint16_t type_id, const schema::registry& types) const {
  const auto above = std::ranges::upper_bound(ranges_, type_id, {}, &std::pair<std::uint16_t, std::uint16_t>::first);
  if (above != ranges_.begin() && type_id <= std::prev(above)->second)
    return true;
  if (topics_.empty() || !types.contains(type_id))
    return false;
  const auto known = types.find(type_id);
  return known && !known->topic.empty() && std::ranges::find(topics_, known->topic) != topics_.end();
}

} // namespace mycelium::bridge
