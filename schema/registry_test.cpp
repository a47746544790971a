#include "schema/from_text.hpp"
#include "schema/registry.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace mycelium::schema {
namespace {

result<digest> add(registry& types, const std::string& fbs) { return types.add(testing::bfbs_from_text(fbs)); }

TEST(registry, knows_the_built_in_set) {
  const registry types;
  EXPECT_TRUE(types.contains(1001));
  EXPECT_FALSE(types.contains(0));
  EXPECT_FALSE(types.contains(65535));
  EXPECT_TRUE(types.knows_set(schema_set::built_in()->set_digest()));
  EXPECT_EQ(types.find(1002)->name, "mycelium.examples.CounterUpdate");
  EXPECT_EQ(types.find(2000).error().code, status::unknown_type);
  EXPECT_EQ(types.verify(2000, {}, verify_level::none).error().code, status::unknown_type);
}

TEST(registry, takes_a_set_and_checks_payloads_of_it) {
  registry types;
  const auto added = add(types, "table T (type_id: 2000, topic: \"mine\") { x: string (required); }");
  ASSERT_TRUE(added) << added.error().text;
  EXPECT_TRUE(types.contains(2000));
  EXPECT_TRUE(types.knows_set(*added));
  EXPECT_EQ(types.find(2000)->topic, "mine");
  EXPECT_EQ(types.verify(2000, std::vector<std::uint8_t>(12), verify_level::full).error().code,
            status::invalid_payload);
  EXPECT_TRUE(types.verify(2000, std::vector<std::uint8_t>(12), verify_level::none));
}

TEST(registry, a_set_twice_is_one_set) {
  registry types;
  const auto first = add(types, "table T (type_id: 2000) {}");
  const auto second = add(types, "table T (type_id: 2000) {}");
  EXPECT_EQ(*first, *second);
}

TEST(registry, a_type_that_two_sets_share_is_left_alone) {
  registry types;
  ASSERT_TRUE(add(types, "table T (type_id: 2000) { x: int; }"));
  ASSERT_TRUE(add(types, "table T (type_id: 2000) { x: int; } table U (type_id: 2001) {}"));
  EXPECT_TRUE(types.contains(2001));
}

TEST(registry, a_known_id_with_another_digest_adds_nothing) {
  registry types;
  ASSERT_TRUE(add(types, "table T (type_id: 2001) { x: int; }"));
  const auto other =
      add(types, "table S (type_id: 2000) {} table T (type_id: 2001) { x: long; } table U (type_id: 2002) {}");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, status::digest);
  EXPECT_NE(other.error().text.find("2001"), std::string::npos);
  EXPECT_FALSE(types.contains(2000));
  EXPECT_FALSE(types.contains(2002));
}

TEST(registry, ids_of_the_system_are_reserved) {
  registry types;
  EXPECT_EQ(add(types, "table T (type_id: 999) {}").error().code, status::invalid_argument);
  EXPECT_FALSE(types.contains(999));
  EXPECT_TRUE(add(types, "table T (type_id: 1000) {}"));
}

TEST(registry, malformed_bytes_are_an_argument_error) {
  registry types;
  EXPECT_EQ(types.add(std::vector<std::uint8_t>(100)).error().code, status::invalid_argument);
}

TEST(registry, readers_see_whole_types_while_sets_are_added) {
  registry types;
  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done)
      for (std::uint16_t id = 2000; id < 2100; ++id)
        if (types.contains(id)) {
          const auto found = types.find(id);
          ASSERT_TRUE(found);
          ASSERT_EQ(found->type_id, id);
          ASSERT_TRUE(types.verify(id, {}, verify_level::none));
        }
  });
  for (int id = 2000; id < 2100; ++id)
    EXPECT_TRUE(add(types, "table T" + std::to_string(id) + " (type_id: " + std::to_string(id) + ") {}"));
  done = true;
  reader.join();
}

} // namespace
} // namespace mycelium::schema
