#include "tools/cli/terminal_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace mycelium::cli {
namespace {

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string room(width - std::min(width, width_of(text)), ' ');
  return right ? room + text : text + room;
}

} // namespace

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::vector<std::string> text_table::lines() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    widths.push_back(width_of(columns[i].title));
    for (const auto& row : rows)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < columns.size(); ++i)
    out[0] += (i == 0 ? "" : "  ") + padded(columns[i].title, widths[i], columns[i].number);
  for (const auto& row : rows) {
    auto& line = out.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i)
      line += (i == 0 ? "" : "  ") + padded(row[i], widths[i], columns[i].number);
    line.erase(line.find_last_not_of(' ') + 1);
  }
  out[0].erase(out[0].find_last_not_of(' ') + 1);
  return out;
}

std::string short_number(double value) {
  constexpr std::array units{"", "k", "M", "G", "T", "P", "E"};
  std::size_t unit = 0;
  for (; std::abs(value) >= 999.5 && unit + 1 < units.size(); ++unit)
    value /= 1000;
  std::array<char, 32> text{};
  const bool whole = std::abs(value) >= 99.95 || (unit == 0 && value == std::floor(value));
  const char* format = whole ? "%.0f%s" : std::abs(value) >= 9.995 ? "%.1f%s" : "%.2f%s";
  std::snprintf(text.data(), text.size(), format, value, units[unit]);
  return text.data();
}

std::string short_time(double seconds) {
  const auto all = static_cast<long long>(std::max(seconds, 0.0));
  std::array<char, 32> text{};
  if (all < 60)
    std::snprintf(text.data(), text.size(), "%llds", all);
  else if (all < 3600)
    std::snprintf(text.data(), text.size(), "%lldm%02llds", all / 60, all % 60);
  else if (all < 86400)
    std::snprintf(text.data(), text.size(), "%lldh%02lldm", all / 3600, all / 60 % 60);
  else
    std::snprintf(text.data(), text.size(), "%lldd%02lldh", all / 86400, all / 3600 % 24);
  return text.data();
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte >= 0x20 && byte != 0x7f && !c1) {
      out += text[i];
      continue;
    }
    std::array<char, 8> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", c1 ? static_cast<unsigned char>(text[++i]) : byte);
    out += escaped.data();
  }
  return out;
}

std::string time_text(std::int64_t ns_since_1970) {
  constexpr std::int64_t second = 1'000'000'000;
  auto rest = ns_since_1970 % second;
  auto seconds = static_cast<std::time_t>(ns_since_1970 / second);
  if (rest < 0) {
    rest += second;
    --seconds;
  }
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%09lldZ", static_cast<long long>(rest));
  return text.data();
}

} // namespace mycelium::cli
