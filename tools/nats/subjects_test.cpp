// Types and their subjects.
#include "tools/nats/subjects.hpp"

#include <gtest/gtest.h>

namespace mycelium::nats {
namespace {

schema::message_type type(std::uint16_t id, const char* name, const char* topic) {
  return {.type_id = id, .name = name, .topic = topic, .type_digest = {}};
}

const std::vector<schema::message_type> known{type(1001, "shop.Order", "orders"), type(1002, "shop.Bill", "orders"),
                                              type(1003, "lab.Sample", "lab/left.arm"), type(1004, "lab.Bare", "")};

std::vector<std::uint16_t> chosen(const std::vector<std::string>& patterns,
                                  const std::vector<std::string>& durable = {}) {
  const auto map = subject_map::choose(known, patterns, durable, "mycelium");
  std::vector<std::uint16_t> ids;
  if (map)
    for (const auto& [id, each] : map->all())
      ids.push_back(id);
  return ids;
}

using ids = std::vector<std::uint16_t>;

TEST(subjects, match_as_nats_does) {
  EXPECT_TRUE(matches("a.b", "a.b"));
  EXPECT_TRUE(matches("a.*", "a.b"));
  EXPECT_TRUE(matches("*.b", "a.b"));
  EXPECT_TRUE(matches(">", "a.b.c"));
  EXPECT_TRUE(matches("a.>", "a.b.c"));
  EXPECT_FALSE(matches("a.*", "a.b.c"));
  EXPECT_FALSE(matches("a.>", "a"));
  EXPECT_FALSE(matches("a", "a.b"));
  EXPECT_FALSE(matches("a.b", "a"));
  EXPECT_FALSE(matches("a.>.c", "a.b.c"));
  EXPECT_FALSE(matches("", "a"));
}

TEST(subjects, hold_what_nats_takes) {
  EXPECT_EQ(escaped("examples"), "examples");
  EXPECT_EQ(escaped("lab/left.arm"), "lab.left.arm");
  EXPECT_EQ(escaped("two words*>%"), "two%20words%2A%3E%25");
  EXPECT_EQ(escaped("\xc3\xa4"), "%C3%A4");
  EXPECT_EQ(escaped(""), "_");
  EXPECT_EQ(escaped("_"), "%5F");
  EXPECT_EQ(escaped("a_b"), "a_b");
  EXPECT_EQ(escaped("/a//b."), "_.a._.b._");
  EXPECT_EQ(subject_of(known[0]), "orders.Order");
  EXPECT_EQ(subject_of(known[2]), "lab.left.arm.Sample");
  EXPECT_EQ(subject_of(known[3]), "_.Bare");
  EXPECT_EQ(subject_of(type(50001, "", "")), "_.50001");
}

TEST(subjects, are_chosen_by_name_topic_number_and_pattern) {
  EXPECT_EQ(chosen({"1001"}), ids{1001});
  EXPECT_EQ(chosen({"shop.Bill"}), ids{1002});
  EXPECT_EQ(chosen({"Bill"}), ids{1002});
  EXPECT_EQ(chosen({"orders"}), (ids{1001, 1002}));
  EXPECT_EQ(chosen({"orders.*"}), (ids{1001, 1002}));
  EXPECT_EQ(chosen({"lab/left.arm"}), ids{1003});
  EXPECT_EQ(chosen({"lab.>"}), ids{1003});
  EXPECT_EQ(chosen({">"}), (ids{1001, 1002, 1003, 1004}));
  EXPECT_EQ(chosen({"*.Order", "Bare"}), (ids{1001, 1004}));
  EXPECT_EQ(chosen({"50001"}), ids{50001});
}

TEST(subjects, of_durable_types_are_marked) {
  const auto map = subject_map::choose(known, {"orders"}, {"Order", "lab.>"}, "m.x");
  ASSERT_TRUE(map);
  EXPECT_TRUE(map->find(std::uint16_t{1001})->durable);
  EXPECT_FALSE(map->find(std::uint16_t{1002})->durable);
  EXPECT_TRUE(map->find(std::uint16_t{1003})->durable);
  EXPECT_EQ(map->find("m.x.orders.Bill")->type_id, 1002);
  EXPECT_EQ(map->find("m.x.orders.bill"), nullptr);
  EXPECT_EQ(map->find(std::uint16_t{1004}), nullptr);
}

TEST(subjects, are_refused_where_they_cannot_be) {
  EXPECT_FALSE(subject_map::choose(known, {"nothing"}, {}, "mycelium"));
  EXPECT_FALSE(subject_map::choose(known, {"0"}, {}, "mycelium"));
  EXPECT_FALSE(subject_map::choose(known, {"70000"}, {}, "mycelium"));
  for (const auto* prefix : {"", ".", "a.", ".a", "a..b", "a b", "a.*", ">", "$JS", "_INBOX"})
    EXPECT_FALSE(subject_map::choose(known, {">"}, {}, prefix)) << prefix;
  auto two = known;
  two.push_back(type(2001, "other.Order", "orders"));
  const auto clash = subject_map::choose(two, {"orders"}, {}, "mycelium");
  ASSERT_FALSE(clash);
  EXPECT_NE(clash.error().text.find("mycelium.orders.Order"), std::string::npos);
}

} // namespace
} // namespace mycelium::nats
