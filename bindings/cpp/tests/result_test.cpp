// Results: a value or a failure, never both.
#include "waiting.hpp"

#include <memory>

namespace mycelium::cpp_tests {
namespace {

TEST(result, holds_a_value_or_a_failure) {
  const result<int> good = 7;
  EXPECT_TRUE(good);
  EXPECT_EQ(*good, 7);
  EXPECT_EQ(good.value(), 7);
  EXPECT_EQ(good.code(), status::success);
  const result<int> bad = failure{status::full, "no room"};
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.code(), status::full);
  EXPECT_EQ(bad.error().text, "no room");
  EXPECT_EQ(result<int>(bad).value_or(3), 3);
  EXPECT_EQ(result<int>(good).value_or(3), 7);
}

TEST(result, of_void_holds_success_or_a_failure) {
  const result<void> good;
  EXPECT_TRUE(good);
  EXPECT_EQ(good.code(), status::success);
  EXPECT_NO_THROW(good.value());
  const result<void> bad = failure{status::closed, "over"};
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.code(), status::closed);
}

TEST(result, value_throws_what_went_wrong) {
  const result<void> nothing = failure{status::timeout, "too late"};
  const result<int> none = failure{status::timeout, "too late"};
  for (const auto& call : {std::function<void()>([&] { nothing.value(); }), {[&] { (void)none.value(); }}})
    try {
      call();
      ADD_FAILURE() << "did not throw";
    } catch (const bad_result& thrown) {
      EXPECT_EQ(thrown.code(), status::timeout);
      EXPECT_STREQ(thrown.what(), "MYCELIUM_ERROR_TIMEOUT: too late");
    }
}

TEST(result, may_hold_what_only_moves) {
  result<std::unique_ptr<int>> held = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = std::move(held).value();
  EXPECT_EQ(*taken, 5);
}

TEST(result, a_failed_call_carries_the_words_of_the_library) {
  const auto bus = new_runtime();
  const auto refused = bus.publish(0, bytes_of("no type"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), status::invalid_argument);
  EXPECT_NE(refused.error().text.find("type_id 0"), std::string::npos) << refused.error().text;
}

TEST(result, decode_says_what_is_wrong_with_a_payload) {
  const auto refused = decode<TextMessage>(bytes_of("short"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.code(), status::invalid_payload);
  EXPECT_NE(refused.error().text.find("1001"), std::string::npos) << refused.error().text;
  EXPECT_NE(refused.error().text.find("shorter than any table"), std::string::npos) << refused.error().text;
  const TextMessage sent{.sender = "me", .content = "whole"};
  EXPECT_EQ(decode<TextMessage>(sent.encode()).value(), sent);
}

} // namespace
} // namespace mycelium::cpp_tests
