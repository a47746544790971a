#include "tools/nats/headers.hpp"

#include <charconv>
#include <cstring>

namespace mycelium::nats {
namespace {

failure wrong(const char* name, std::string_view value, const char* should) {
  constexpr std::size_t longest = 60; // of foreign text in a log
  std::string text;
  for (const char c : value.substr(0, longest))
    text += c >= ' ' && c < '\x7f' ? c : '?';
  return {status::invalid_argument, std::string("the header ") + name + " is '" + text + "', not " + should};
}

// All of the text has to be the number.
template <class Number>
bool parse(std::string_view text, Number& to, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to, base);
  return error == std::errc{} && end == text.data() + text.size();
}

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

bool parse_bytes(std::string_view text, std::span<std::uint8_t> to) {
  if (text.size() != 2 * to.size() || !is_hex(text))
    return false;
  for (std::size_t i = 0; i < to.size(); ++i)
    if (!parse(text.substr(2 * i, 2), to[i], 16))
      return false;
  return true;
}

// W3C trace context: version-trace_id-span_id-flags. A later version may have more behind it.
bool parse_trace(std::string_view text, MyceliumEnvelope& to) {
  std::uint8_t version = 0;
  const auto is_part = [&](std::size_t at, std::size_t size, std::span<std::uint8_t> bytes) {
    return text[at - 1] == '-' && parse_bytes(text.substr(at, size), bytes);
  };
  if (text.size() < 55 || !parse_bytes(text.substr(0, 2), {&version, 1}) || version == 0xff ||
      (version == 0 ? text.size() != 55 : text.size() > 55 && text[55] != '-'))
    return false;
  if (!is_part(3, 32, to.trace_id) || !is_part(36, 16, to.span_id) || !is_part(53, 2, {&to.trace_flags, 1}))
    return false;
  const auto is_zero = [](std::span<const std::uint8_t> bytes) {
    for (const auto byte : bytes)
      if (byte != 0)
        return false;
    return true;
  };
  to.has_trace = 1;
  return !is_zero(to.trace_id) && !is_zero(to.span_id);
}

class reader {
public:
  explicit reader(header_source& from) : from_(from) {}

  // Leaves `to` as it is where there is no such header.
  template <class Number>
  bool number(const char* name, Number& to, const char* should) {
    return read(name, should, [&](std::string_view text) { return parse(text, to); });
  }
  // Nothing if there is no such header, or it is wrong.
  template <class Parse>
  bool read(const char* name, const char* should, Parse parse_value) {
    const char* value = wrong_ ? nullptr : from_.value(name);
    if (value == nullptr)
      return false;
    if (!parse_value(std::string_view(value))) {
      wrong_ = wrong(name, value, should);
      return false;
    }
    return true;
  }
  const std::optional<failure>& problem() const noexcept { return wrong_; }

private:
  header_source& from_;
  std::optional<failure> wrong_;
};

} // namespace

result<carried> read_headers(header_source& from) {
  reader headers(from);
  carried what;
  auto& e = what.envelope;
  e.struct_size = sizeof e;
  headers.number(header::type, e.type_id, "a type id");
  schema::digest digest{};
  if (headers.read(header::schema, "64 hexadecimal digits", [&](auto text) { return parse_bytes(text, digest); }))
    what.digest = digest;
  headers.read(header::mesh, "a name", [&](auto text) {
    what.mesh = text;
    return true;
  });
  headers.number(header::hops, what.hops, "a number");
  if (headers.number(header::key, e.destination_key, "a number"))
    e.destination = MYCELIUM_TO_KEY;
  headers.number(header::correlation, e.correlation_id, "a number");
  headers.number(header::priority, e.priority, "0 to 255");
  headers.read(header::trace, "a trace context of W3C", [&](auto text) { return parse_trace(text, e); });
  const auto is_node = [&](std::string_view text) {
    return text.size() == 16 && is_hex(text) && parse(text, what.node, 16) && what.node != 0;
  };
  if (headers.read(header::origin, "16 hexadecimal digits", is_node)) {
    // Who names an origin has to tell which of its messages it is.
    const bool is_whole = headers.number(header::publisher, e.publisher_id, "a number") &&
                          headers.number(header::sequence, e.sequence, "a number") &&
                          headers.number(header::timestamp, e.timestamp_ns, "nanoseconds");
    if (!headers.problem() && (!is_whole || e.sequence == 0))
      return failure{status::invalid_argument, std::string("there is a header ") + header::origin +
                                                   ", but not all of publisher, sequence above 0 and timestamp"};
  }
  if (headers.problem())
    return *headers.problem();
  return what;
}

std::string hex(std::span<const std::uint8_t> raw) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : raw) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::string hex(std::uint64_t number) {
  std::string text(16, '0');
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  const auto size = static_cast<std::size_t>(end - digits);
  text.replace(16 - size, size, digits, size);
  return text;
}

std::string message_id_of(const carried& what) {
  return hex(what.node) + '-' + std::to_string(what.envelope.publisher_id) + '-' +
         std::to_string(what.envelope.sequence);
}

std::string traceparent_of(const MyceliumEnvelope& e) {
  return "00-" + hex(e.trace_id) + '-' + hex(e.span_id) + '-' + hex(std::span(&e.trace_flags, 1));
}

} // namespace mycelium::nats
