// Any text as the headers of a NATS message, one "Name: value" a line: it is refused, with the name of a header, or it
// is an envelope, which written and read again is the same. Any text as a pattern and as a subject, too.
#include "tools/nats/headers.hpp"
#include "tools/nats/subjects.hpp"

#include <cstdlib>
#include <map>

namespace {

class lines final : public mycelium::nats::header_source {
public:
  using map = std::map<std::string, std::string, std::less<>>;

  explicit lines(std::string_view text) {
    while (!text.empty()) {
      const auto line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      const auto colon = line.find(": ");
      // A header's value ends with its first zero, as libnats gives it.
      if (colon != std::string_view::npos)
        values_[std::string(line.substr(0, colon))] = std::string(line.substr(colon + 2)).c_str();
    }
  }
  explicit lines(map values) : values_(std::move(values)) {}
  const char* value(const char* name) override {
    const auto found = values_.find(name);
    return found != values_.end() ? found->second.c_str() : nullptr;
  }

private:
  map values_;
};

lines::map written(const mycelium::nats::carried& what) {
  lines::map headers;
  mycelium::nats::write_headers(what, [&](const char* name, const char* value) { headers[name] = value; });
  return headers;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mycelium::nats;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  lines headers(text);
  const auto read = read_headers(headers);
  if (!read) {
    if (read.error().text.find("header") == std::string::npos || read.error().text.size() > 300)
      std::abort();
  } else if (read->node != 0) {
    const auto once = written(*read);
    lines again(once);
    const auto reread = read_headers(again);
    if (!reread || written(*reread) != once)
      std::abort();
  }
  const auto half = text.substr(0, size / 2);
  static_cast<void>(matches(half, text.substr(size / 2)));
  const auto subject = escaped(half);
  if (!matches(">", subject) || !matches(subject, subject) || !is_prefix("a." + subject))
    std::abort();
  return 0;
}
