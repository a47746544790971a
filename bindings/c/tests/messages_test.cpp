// The messages that the C examples read and write by hand, against the code that the schema compiler writes.
#include "bindings/c/examples/messages.h"
#include "examples.hpp"

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace {

namespace generated = mycelium::examples;

using payload = std::vector<std::uint8_t>;

Text view(const std::string& text) { return {text.data(), text.size()}; }
std::string copy(Text text) { return {text.data, text.len}; }

TextMessage to_c(const generated::TextMessage& from) { return {view(from.sender), view(from.content), from.timestamp}; }
CounterUpdate to_c(const generated::CounterUpdate& from) { return {from.counter_id, from.value, from.delta}; }
WordCountRequest to_c(const generated::WordCountRequest& from) { return {view(from.text)}; }
WordCountReply to_c(const generated::WordCountReply& from) { return {from.words, from.bytes}; }

generated::TextMessage from_c(const TextMessage& from) {
  return {.sender = copy(from.sender), .content = copy(from.content), .timestamp = from.timestamp};
}
generated::CounterUpdate from_c(const CounterUpdate& from) {
  return {.counter_id = from.counter_id, .value = from.value, .delta = from.delta};
}
generated::WordCountRequest from_c(const WordCountRequest& from) { return {.text = copy(from.text)}; }
generated::WordCountReply from_c(const WordCountReply& from) { return {.words = from.words, .bytes = from.bytes}; }

// What C has for a generated type.
template <class T>
struct functions;
template <>
struct functions<generated::TextMessage> {
  static constexpr auto encode = text_message_encode;
  static constexpr auto decode = text_message_decode;
  static std::size_t text_size(const generated::TextMessage& of) { return of.sender.size() + of.content.size(); }
};
template <>
struct functions<generated::CounterUpdate> {
  static constexpr auto encode = counter_update_encode;
  static constexpr auto decode = counter_update_decode;
  static std::size_t text_size(const generated::CounterUpdate&) { return 0; }
};
template <>
struct functions<generated::WordCountRequest> {
  static constexpr auto encode = word_count_request_encode;
  static constexpr auto decode = word_count_request_decode;
  static std::size_t text_size(const generated::WordCountRequest& of) { return of.text.size(); }
};
template <>
struct functions<generated::WordCountReply> {
  static constexpr auto encode = word_count_reply_encode;
  static constexpr auto decode = word_count_reply_decode;
  static std::size_t text_size(const generated::WordCountReply&) { return 0; }
};

template <class T>
payload encode_in_c(const T& value, std::size_t capacity) {
  payload buffer(capacity);
  std::size_t size = 0;
  const auto message = to_c(value);
  const auto* first = functions<T>::encode(&message, buffer.data(), buffer.size(), &size);
  return first == nullptr ? payload() : payload(first, first + size);
}

template <class T>
std::optional<T> decode_in_c(const payload& bytes) {
  decltype(to_c(T())) out;
  if (!functions<T>::decode(bytes.data(), bytes.size(), &out))
    return std::nullopt;
  return from_c(out);
}

class random_values {
public:
  std::mt19937 bits{7};

  std::string text() { return std::string(bits() % 3 == 0 ? 0 : bits() % 40, static_cast<char>('a' + bits() % 26)); }
  std::uint64_t number() { return bits() % 3 == 0 ? 0 : std::uint64_t{bits()} << 32 | bits(); }
  std::int32_t small() { return bits() % 3 == 0 ? 0 : static_cast<std::int32_t>(bits()); }

  void fill(generated::TextMessage& out) { out = {.sender = text(), .content = text(), .timestamp = number()}; }
  void fill(generated::CounterUpdate& out) { out = {.counter_id = number(), .value = small(), .delta = small()}; }
  void fill(generated::WordCountRequest& out) { out = {.text = text()}; }
  void fill(generated::WordCountReply& out) { out = {.words = number(), .bytes = number()}; }
};

template <class T>
class c_messages : public testing::Test {};
using message_types = testing::Types<generated::TextMessage, generated::CounterUpdate, generated::WordCountRequest,
                                     generated::WordCountReply>;
TYPED_TEST_SUITE(c_messages, message_types);

TYPED_TEST(c_messages, are_the_same_bytes_as_generated_code_writes) {
  random_values random;
  for (int i = 0; i < 2000; ++i) {
    TypeParam value;
    random.fill(value);
    const auto bytes = value.encode();
    ASSERT_EQ(encode_in_c(value, MESSAGE_SPACE + functions<TypeParam>::text_size(value)), bytes) << "round " << i;
    ASSERT_EQ(decode_in_c<TypeParam>(bytes), value) << "round " << i;
  }
}

TYPED_TEST(c_messages, that_do_not_fit_are_refused) {
  random_values random;
  TypeParam value;
  random.fill(value);
  const auto size = value.encode().size();
  for (std::size_t capacity = 0; capacity < size; ++capacity)
    EXPECT_TRUE(encode_in_c(value, capacity).empty()) << capacity;
  EXPECT_EQ(encode_in_c(value, size).size(), size);
}

TYPED_TEST(c_messages, read_or_refuse_what_generated_code_does) {
  random_values random;
  int accepted = 0;
  for (int i = 0; i < 25'000; ++i) {
    TypeParam value;
    random.fill(value);
    auto bytes = value.encode();
    for (auto edits = 1 + random.bits() % 3; edits > 0; --edits)
      bytes[random.bits() % bytes.size()] =
          static_cast<std::uint8_t>(random.bits() % (random.bits() % 2 == 0 ? 256 : 32));
    if (random.bits() % 8 == 0)
      bytes.resize(random.bits() % (bytes.size() + 1));
    bytes.shrink_to_fit(); // a read past the end is seen under AddressSanitizer
    const auto expected = TypeParam::decode(bytes);
    accepted += expected.has_value();
    ASSERT_EQ(decode_in_c<TypeParam>(bytes), expected) << "round " << i;
  }
  EXPECT_GT(accepted, 1000) << "the test would be empty";
  EXPECT_LT(accepted, 24'000);
}

// All that two bytes can be, in the middle of ASCII; longer sequences are among the random ones.
TEST(c_texts, are_utf8) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      const std::string text{'a', static_cast<char>(first), static_cast<char>(second), 'z'};
      const generated::WordCountRequest value{.text = text};
      bool good = true;
      try {
        value.encode();
      } catch (const std::invalid_argument&) {
        good = false;
      }
      ASSERT_EQ(!encode_in_c(value, 200).empty(), good) << first << " " << second;
    }
}

TEST(c_words, are_runs_of_other_bytes_than_space) {
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::uint64_t>>{
           {"", 0}, {" \t\r\n", 0}, {"one", 1}, {"the quick brown fox", 4}, {"  two\twords ", 2}})
    EXPECT_EQ(count_words(view(text)), words) << text;
}

} // namespace
