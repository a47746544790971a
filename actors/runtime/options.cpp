#include "actors/runtime/options.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <thread>

namespace mycelium::runtime {
namespace {

using names = std::map<std::string_view, std::int32_t>;

const names& policy_names() {
  static const names all{{"block", 1}, {"drop_oldest", 2}, {"drop_newest", 3}, {"fail", 4}};
  return all;
}

const names& verify_names() {
  static const names all{{"none", 1}, {"size", 2}, {"full", 3}};
  return all;
}

std::optional<std::string_view> environment(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0')
    return std::nullopt;
  return text;
}

failure bad(std::string_view option, std::string_view value, const std::string& allowed) {
  return {status::invalid_argument, std::string(option) + " is '" + std::string(value) + "'; it may be " + allowed};
}

// Option by option: given, or from the environment, or the default; and its report.
class completer {
public:
  template <class Number>
  void number(Number& field, const char* name, const char* variable, std::uint64_t fallback, std::uint64_t low,
              std::uint64_t high, std::uint64_t unit = 1) {
    std::uint64_t value = fallback;
    bool from_environment = false;
    if (field != 0) {
      value = static_cast<std::uint64_t>(field);
    } else if (const auto text = environment(variable)) {
      std::uint64_t parsed = 0;
      const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), parsed);
      if (error != std::errc{} || end != text->data() + text->size() || parsed > high / unit)
        return fail(bad(variable, *text, range(low, high, unit)));
      value = parsed * unit;
      from_environment = true;
    }
    if (value < low || value > high)
      return fail(bad(from_environment ? variable : name, std::to_string(value / unit), range(low, high, unit)));
    field = static_cast<Number>(value);
    reports.push_back({name, variable, std::to_string(value), from_environment});
  }

  void word(std::int32_t& field, const char* name, const char* variable, const names& allowed, std::int32_t fallback) {
    bool from_environment = false;
    if (field == 0) {
      field = fallback;
      if (const auto text = environment(variable)) {
        const auto found = allowed.find(*text);
        if (found == allowed.end())
          return fail(bad(variable, *text, list(allowed)));
        field = found->second;
        from_environment = true;
      }
    }
    for (const auto& [text, value] : allowed)
      if (value == field)
        return reports.push_back({name, variable, std::string(text), from_environment});
    fail(bad(name, std::to_string(field), "1 to " + std::to_string(allowed.size()) + " (" + list(allowed) + ")"));
  }

  void text(std::string& field, const char* name, const char* variable, const char* fallback) {
    const auto from = field.empty() ? environment(variable) : std::nullopt;
    if (field.empty())
      field = from.value_or(fallback);
    reports.push_back({name, variable, field, from.has_value()});
  }

  void flag(bool& field, const char* name, const char* variable) {
    const auto from = field ? std::nullopt : environment(variable);
    if (from && *from != "0" && *from != "1")
      return fail(bad(variable, *from, "0 or 1"));
    field = field || from == "1";
    reports.push_back({name, variable, field ? "1" : "0", from.has_value()});
  }

  std::vector<option_report> reports;
  std::optional<failure> problem;

private:
  static std::string range(std::uint64_t low, std::uint64_t high, std::uint64_t unit) {
    return "a number from " + std::to_string((low + unit - 1) / unit) + " to " + std::to_string(high / unit);
  }
  static std::string list(const names& allowed) {
    std::string all;
    for (const auto& [text, value] : allowed)
      all += (all.empty() ? "" : ", ") + std::string(text);
    return all;
  }
  void fail(failure why) {
    if (!problem)
      problem = std::move(why);
  }
};

runtime_options apply(runtime_options o, completer& fill) {
  constexpr std::uint64_t millisecond = 1'000'000, forever_ns = static_cast<std::uint64_t>(forever);
  const auto cores = std::max(2u, std::thread::hardware_concurrency());
  fill.text(o.name, "name", "MYCELIUM_NAME", "mycelium");
  fill.number(o.threads, "threads", "MYCELIUM_THREADS", cores - 1, 1, 1024);
  fill.number(o.mailbox_capacity, "mailbox_capacity", "MYCELIUM_MAILBOX_CAPACITY", 4096, 2, max_capacity);
  fill.word(o.when_full, "policy", "MYCELIUM_POLICY", policy_names(), std::int32_t(policy::block));
  fill.word(o.verify, "verify", "MYCELIUM_VERIFY", verify_names(), std::int32_t(schema::verify_level::none));
  fill.number(o.block_timeout_ns, "block_timeout_ns", "MYCELIUM_BLOCK_TIMEOUT_MS", 1000 * millisecond, 1, forever_ns,
              millisecond);
  fill.number(o.close_timeout_ns, "close_timeout_ns", "MYCELIUM_CLOSE_TIMEOUT_MS", 5000 * millisecond, 1, forever_ns,
              millisecond);
  fill.number(o.max_payload, "max_payload", "MYCELIUM_MAX_PAYLOAD", std::uint64_t{16} << 20, 1, std::uint64_t{1} << 31);
  fill.flag(o.strict, "strict", "MYCELIUM_STRICT");
  o.mailbox_capacity = std::bit_ceil(o.mailbox_capacity);
  return o;
}

} // namespace

result<runtime_options> complete(runtime_options given) {
  completer fill;
  auto done = apply(std::move(given), fill);
  if (fill.problem)
    return std::move(*fill.problem);
  return done;
}

result<std::vector<option_report>> report_options() {
  completer fill;
  apply({}, fill);
  if (fill.problem)
    return std::move(*fill.problem);
  return std::move(fill.reports);
}

} // namespace mycelium::runtime
