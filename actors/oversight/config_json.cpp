#include "actors/oversight/config_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace mycelium::oversight {
namespace {

using json = nlohmann::ordered_json;

struct field {
  const char* name;
  double backfire_config::*real;
  std::uint32_t backfire_config::*count;
};

// In the order of the table in the documentation.
constexpr std::array fields{
    field{"coherence_threshold", &backfire_config::coherence_threshold, nullptr},
    field{"hard_limit", &backfire_config::hard_limit, nullptr},
    field{"soft_limit", &backfire_config::soft_limit, nullptr},
    field{"w_logic", &backfire_config::w_logic, nullptr},
    field{"w_fact", &backfire_config::w_fact, nullptr},
    field{"window_size", nullptr, &backfire_config::window_size},
    field{"window_threshold", &backfire_config::window_threshold, nullptr},
    field{"trend_window", nullptr, &backfire_config::trend_window},
    field{"trend_threshold", &backfire_config::trend_threshold, nullptr},
    field{"history_window", nullptr, &backfire_config::history_window},
    field{"deadline_ms", &backfire_config::deadline_ms, nullptr},
    field{"logit_entropy_limit", &backfire_config::logit_entropy_limit, nullptr},
};

// Takes the parser's events as they come: nothing is built, so that no input can take more memory than itself.
class reader {
public:
  backfire_config config;
  std::string complaint; // "" while all is well

  bool start_object(std::size_t) { return ++depth_ == 1 || refuse_value("an object"); }
  bool end_object() { return --depth_, true; }
  bool start_array(std::size_t) { return refuse_value("an array"); }
  bool end_array() { return true; }
  bool null() { return refuse_value("null"); }
  bool boolean(bool value) { return refuse_value(value ? "true" : "false"); }
  bool string(std::string&) { return refuse_value("a string"); }
  bool binary(json::binary_t&) { return refuse_value("binary"); }

  bool key(std::string& name) {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const field& each) { return name == each.name; });
    if (found == fields.end())
      return refuse("unknown field " + quoted(name) + "; the fields are " + names());
    current_ = std::size_t(found - fields.begin());
    if (seen_[current_])
      return refuse("field " + quoted(name) + " stands twice");
    return seen_[current_] = true;
  }

  bool number_integer(std::int64_t value) { return take(double(value), std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) { return take(double(value), std::to_string(value)); }
  bool number_float(double value, const std::string& text) { return take(value, text); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    return refuse("this is no JSON: error at byte " + std::to_string(position));
  }

private:
  // In ASCII, so that it may be cut anywhere.
  static std::string quoted(const std::string& name) {
    const auto text = json(name).dump(-1, ' ', true);
    return text.size() <= 64 ? text : text.substr(0, 64) + "...";
  }
  static std::string names() {
    std::string all;
    for (const auto& each : fields)
      all += (all.empty() ? "" : ", ") + std::string(each.name);
    return all;
  }

  bool refuse(std::string text) {
    if (complaint.empty())
      complaint = "config error: " + std::move(text);
    return false;
  }
  bool refuse_value(const char* what) {
    if (depth_ == 0)
      return refuse(std::string("a JSON object with fields is wanted, not ") + what);
    return refuse(std::string(fields[current_].name) + " must be a number, is " + what);
  }

  bool take(double value, const std::string& text) {
    if (depth_ == 0)
      return refuse_value("a number");
    const auto& at = fields[current_];
    if (at.real != nullptr)
      config.*at.real = value;
    else if (!(value >= 0) || std::nearbyint(value) != value)
      return refuse(std::string(at.name) + " must be a whole number >= 0, is " + text.substr(0, 64));
    else
      config.*at.count = std::uint32_t(std::min(value, 4294967295.0)); // too many is for check() to say
    return true;
  }

  std::size_t current_ = 0;
  std::array<bool, fields.size()> seen_{};
  int depth_ = 0;
};

} // namespace

result<backfire_config> read_config(std::string_view text) {
  reader events;
  if (!json::sax_parse(text.begin(), text.end(), &events))
    return failure{status::invalid_argument, events.complaint};
  if (const auto right = events.config.check(); !right)
    return right.error();
  return events.config;
}

std::string write_config(const backfire_config& config) {
  json out;
  for (const auto& each : fields)
    if (each.real != nullptr)
      out[each.name] = config.*each.real;
    else
      out[each.name] = config.*each.count;
  return out.dump();
}

} // namespace mycelium::oversight
