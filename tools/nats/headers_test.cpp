// Envelopes as headers: what is written is read, and nothing else is.
#include "tools/nats/headers.hpp"

#include <gtest/gtest.h>

#include <map>

namespace mycelium::nats {
namespace {

class given final : public header_source {
public:
  given() = default;
  given(std::initializer_list<std::pair<const std::string, std::string>> values) : values_(values) {}
  const char* value(const char* name) override {
    const auto found = values_.find(name);
    return found != values_.end() ? found->second.c_str() : nullptr;
  }
  void set(const char* name, const char* value) { values_[name] = value; }
  void remove(const char* name) { values_.erase(name); }

  const std::map<std::string, std::string>& all() const { return values_; }

private:
  std::map<std::string, std::string> values_;
};

carried whole() {
  carried what;
  auto& e = what.envelope;
  e.struct_size = sizeof e;
  e.type_id = 1001;
  e.priority = 7;
  e.has_trace = 1;
  e.destination = MYCELIUM_TO_KEY;
  e.destination_key = UINT64_MAX;
  e.correlation_id = 12345678901234567890u;
  e.sequence = 42;
  e.publisher_id = 9;
  e.timestamp_ns = -5;
  e.trace_id[15] = 0xab;
  e.span_id[0] = 1;
  e.trace_flags = 1;
  what.digest.emplace();
  what.digest->fill(0x5c);
  what.mesh = "north";
  what.node = 0xff01;
  what.hops = 3;
  return what;
}

given written(const carried& what) {
  given headers;
  write_headers(what, [&](const char* name, const char* value) { headers.set(name, value); });
  return headers;
}

TEST(headers, carry_the_whole_envelope) {
  auto headers = written(whole());
  EXPECT_STREQ(headers.value("traceparent"), "00-000000000000000000000000000000ab-0100000000000000-01");
  EXPECT_STREQ(headers.value("Mycelium-Origin"), "000000000000ff01");
  const auto read = read_headers(headers);
  ASSERT_TRUE(read) << read.error().text;
  const auto expected = whole();
  EXPECT_EQ(written(*read).all(), written(expected).all());
  EXPECT_EQ(read->envelope.priority, 7);
  EXPECT_EQ(read->envelope.timestamp_ns, -5);
  EXPECT_EQ(read->envelope.trace_id[15], 0xab);
  EXPECT_EQ(read->digest, expected.digest);
  EXPECT_EQ(read->mesh, expected.mesh);
  EXPECT_EQ(read->node, expected.node);
  EXPECT_EQ(read->hops, expected.hops);
  EXPECT_EQ(message_id_of(*read), "000000000000ff01-9-42");
}

TEST(headers, need_not_be_there) {
  given nothing;
  const auto read = read_headers(nothing);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->node, 0u);
  EXPECT_EQ(read->envelope.type_id, 0);
  given some{{"Mycelium-Key", "8"}, {"Mycelium-Type", "1001"}, {"Other", "\xff\n"}};
  const auto with_key = read_headers(some);
  ASSERT_TRUE(with_key);
  EXPECT_EQ(with_key->envelope.destination, MYCELIUM_TO_KEY);
  EXPECT_EQ(with_key->envelope.destination_key, 8u);
}

TEST(headers, of_an_origin_come_together) {
  for (const auto* missing : {header::publisher, header::sequence, header::timestamp}) {
    auto headers = written(whole());
    headers.remove(missing);
    EXPECT_FALSE(read_headers(headers)) << missing;
  }
}

TEST(headers, that_are_wrong_are_refused_by_name) {
  const std::vector<std::pair<const char*, std::vector<const char*>>> wrong{
      {header::type, {"", "x", "-1", "65536", "1001 ", "0x3e9", "1e3"}},
      {header::schema, {"", "5c", "zz", "5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C5C"}},
      {header::origin, {"", "1", "0000000000000000", "000000000000FF01", "000000000000ff0g", "000000000000ff011"}},
      {header::publisher, {"", "-1", "18446744073709551616"}},
      {header::sequence, {"", "0", "one"}},
      {header::timestamp, {"", "now", "9223372036854775808"}},
      {header::hops, {"", "-1", "4294967296"}},
      {header::key, {"", "k"}},
      {header::correlation, {"", " 1"}},
      {header::priority, {"256", "-1"}},
      {header::trace,
       {"", "00", "00-000000000000000000000000000000ab-0100000000000000",
        "ff-000000000000000000000000000000ab-0100000000000000-01",
        "00-00000000000000000000000000000000-0100000000000000-01",
        "00-000000000000000000000000000000ab-0000000000000000-01",
        "00-000000000000000000000000000000ab-0100000000000000-01-x",
        "00-000000000000000000000000000000AB-0100000000000000-01",
        "00_000000000000000000000000000000ab-0100000000000000-01"}}};
  for (const auto& [name, values] : wrong)
    for (const auto* value : values) {
      auto headers = written(whole());
      headers.set(name, value);
      const auto read = read_headers(headers);
      EXPECT_FALSE(read) << name << ": " << value;
      if (!read) {
        EXPECT_NE(read.error().text.find(name == header::sequence && std::string(value) == "0" ? header::origin : name),
                  std::string::npos)
            << read.error().text;
      }
    }
}

TEST(headers, of_a_later_trace_context_are_read) {
  auto headers = written(whole());
  headers.set(header::trace, "01-000000000000000000000000000000ab-0100000000000000-01-more");
  EXPECT_TRUE(read_headers(headers));
}

TEST(headers, in_errors_are_short_and_printable) {
  given headers;
  headers.set(header::type, ("\x1b[31m" + std::string(10'000, 'x')).c_str());
  const auto read = read_headers(headers);
  ASSERT_FALSE(read);
  EXPECT_LT(read.error().text.size(), 200u);
  EXPECT_EQ(read.error().text.find('\x1b'), std::string::npos);
}

} // namespace
} // namespace mycelium::nats
