#include "actors/bridge/permissions.hpp"

#include "actors/bridge/toml_file.hpp"
#include "actors/bridge/whole_file.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

namespace mycelium::bridge {
namespace {

constexpr std::size_t most_rules = 10'000;
constexpr unsigned v4_prefix = 96; // bits of ::ffff:0:0/96, in front of an IPv4 address

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

struct parsed_address {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4 = false;
};

std::optional<parsed_address> parse_ip(std::string_view text) {
  const std::string terminated(text);
  parsed_address parsed;
  if (inet_pton(AF_INET6, terminated.c_str(), parsed.bytes.data()) == 1)
    return parsed;
  if (inet_pton(AF_INET, terminated.c_str(), parsed.bytes.data() + 12) != 1)
    return std::nullopt;
  parsed.bytes[10] = parsed.bytes[11] = 0xff;
  parsed.is_v4 = true;
  return parsed;
}

// In linear time for any pattern: the last * takes one character more whenever the rest does not fit.
bool fits_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return std::ranges::all_of(pattern.substr(p), [](char c) { return c == '*'; });
}

result<std::vector<std::uint32_t>> uids_of(const toml_file& file, const toml::table& table) {
  std::vector<std::uint32_t> uids;
  const auto* node = table.get("uid");
  if (node == nullptr)
    return uids;
  const auto add = [&](const toml::node& entry) -> result<void> {
    const auto uid = entry.value_exact<std::int64_t>();
    if (!uid || *uid < 0 || *uid >= std::numeric_limits<std::uint32_t>::max())
      return failure{file.wrong(entry.source(), "key 'uid' is no number of a user and no array of them")};
    uids.push_back(static_cast<std::uint32_t>(*uid));
    return {};
  };
  if (!node->is_array()) {
    if (auto added = add(*node); !added)
      return added.error();
    return uids;
  }
  for (const auto& entry : *node->as_array())
    if (auto added = add(entry); !added)
      return added.error();
  return uids;
}

result<std::vector<address_range>> addresses_of(const toml_file& file, const toml::table& table) {
  const auto texts = file.texts(table, "address");
  if (!texts)
    return texts.error();
  std::vector<address_range> ranges;
  for (const auto& text : *texts) {
    auto range = address_range::parse(text);
    if (!range)
      return file.wrong(table.get("address")->source(), "key 'address': " + range.error().text);
    ranges.push_back(*range);
  }
  return ranges;
}

// `anyone = true` has to be said: a rule that has lost its condition must not let everybody in.
result<bool> check_conditions(const toml_file& file, const toml::table& table) {
  const auto* anyone = table.get("anyone");
  const bool has_condition =
      table.contains("name") || table.contains("certificate") || table.contains("uid") || table.contains("address");
  if (anyone == nullptr) {
    if (!has_condition)
      return file.wrong(table.source(), "who is allowed? give name, certificate, uid or address, or anyone = true");
    return false;
  }
  if (anyone->value_exact<bool>() != true)
    return file.wrong(anyone->source(), "key 'anyone' is true or left out");
  if (has_condition)
    return file.wrong(anyone->source(), "key 'anyone' stands beside a condition that it would undo");
  return true;
}

result<rule_ptr> read_rule(const toml_file& file, const toml::table& table) {
  if (auto known = file.only(table, {"name", "certificate", "uid", "address", "anyone", "publish", "receive"}); !known)
    return known.error();
  const auto anyone = check_conditions(file, table);
  auto names = file.texts(table, "name");
  auto certificates = file.texts(table, "certificate");
  auto uids = uids_of(file, table);
  auto addresses = addresses_of(file, table);
  auto publish = type_set::read(file, table, "publish");
  auto receive = type_set::read(file, table, "receive");
  for (const auto* problem : {anyone ? nullptr : &anyone.error(), names ? nullptr : &names.error(),
                              certificates ? nullptr : &certificates.error(), uids ? nullptr : &uids.error(),
                              addresses ? nullptr : &addresses.error(), publish ? nullptr : &publish.error(),
                              receive ? nullptr : &receive.error()})
    if (problem != nullptr)
      return *problem;
  for (const char* key : {"name", "certificate", "uid", "address"})
    if (const auto* list = table.get_as<toml::array>(key); list != nullptr && list->empty())
      return file.wrong(list->source(), "key '" + std::string(key) + "' is empty: nobody would fit");
  return std::make_shared<const rule>(rule{.where = file.path() + ":" + std::to_string(table.source().begin.line),
                                           .anyone = *anyone,
                                           .names = std::move(*names),
                                           .certificates = std::move(*certificates),
                                           .uids = std::move(*uids),
                                           .addresses = std::move(*addresses),
                                           .publish = std::move(*publish),
                                           .receive = std::move(*receive)});
}

} // namespace

result<address_range> address_range::parse(std::string_view text) {
  const auto wrong = [&] {
    return failure{status::invalid_argument,
                   "'" + std::string(text) + "' is no address: write 10.0.0.0/8, fd00::/8 or one address"};
  };
  const auto slash = text.find('/');
  const auto parsed = parse_ip(text.substr(0, slash));
  if (!parsed)
    return wrong();
  const unsigned before = parsed->is_v4 ? v4_prefix : 0;
  address_range range;
  range.network_ = parsed->bytes;
  range.bits_ = 128;
  if (slash != std::string_view::npos) {
    const auto bits = number_in<unsigned>(text.substr(slash + 1));
    if (!bits || *bits > 128 - before)
      return wrong();
    range.bits_ = before + *bits;
  }
  return range;
}

bool address_range::contains(std::string_view address) const {
  const auto parsed = parse_ip(address.substr(0, address.find('%'))); // without a link-local address's interface
  if (!parsed)
    return false;
  const auto whole = bits_ / 8;
  if (std::memcmp(parsed->bytes.data(), network_.data(), whole) != 0)
    return false;
  const auto rest = bits_ % 8;
  const auto mask = static_cast<std::uint8_t>(0xff00u >> rest);
  return rest == 0 || (parsed->bytes[whole] & mask) == (network_[whole] & mask);
}

bool rule::fits(const peer_identity& peer, std::string_view name) const {
  const auto by_pattern = [](const std::vector<std::string>& patterns, std::string_view text) {
    return std::ranges::any_of(patterns, [&](const auto& each) { return fits_pattern(each, text); });
  };
  if (!names.empty() && !by_pattern(names, name))
    return false;
  if (!certificates.empty() &&
      std::ranges::none_of(peer.certificates, [&](const auto& each) { return by_pattern(certificates, each); }))
    return false;
  if (!uids.empty() && (!peer.uid || std::ranges::find(uids, *peer.uid) == uids.end()))
    return false;
  return addresses.empty() ||
         std::ranges::any_of(addresses, [&](const auto& each) { return each.contains(peer.address); });
}

result<permissions> permissions::read(const std::string& path) {
  const auto text = read_whole_file(path);
  if (!text)
    return text.error();
  return parse(*text, path);
}

result<permissions> permissions::parse(std::string_view text, const std::string& path) {
  const auto file = toml_file::parse(text, path);
  if (!file)
    return file.error();
  if (auto known = file->only(file->table(), {"allow"}); !known)
    return known.error();
  permissions all;
  const auto* node = file->table().get("allow");
  if (node == nullptr)
    return all; // nobody
  if (!node->is_array())
    return file->wrong(node->source(), "key 'allow' is no array of tables: write [[allow]]");
  if (node->as_array()->size() > most_rules)
    return file->wrong(node->source(), "more than " + std::to_string(most_rules) + " rules");
  for (const auto& entry : *node->as_array()) {
    if (!entry.is_table())
      return file->wrong(entry.source(), "key 'allow' is no array of tables: write [[allow]]");
    auto read = read_rule(*file, *entry.as_table());
    if (!read)
      return read.error();
    all.rules_.push_back(std::move(*read));
  }
  return all;
}

rule_ptr permissions::rule_for(const peer_identity& peer, std::string_view name) const {
  const auto found = std::ranges::find_if(rules_, [&](const auto& each) { return each->fits(peer, name); });
  return found == rules_.end() ? nullptr : *found;
}

bool permissions::names_user(std::uint32_t uid) const {
  return std::ranges::any_of(
      rules_, [uid](const auto& each) { return std::ranges::find(each->uids, uid) != each->uids.end(); });
}

} // namespace mycelium::bridge
