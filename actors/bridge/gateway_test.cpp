// What a gateway brings goes through the mesh as what was published in it does.
#include "actors/bridge/test_node.hpp"

namespace mycelium::bridge {
namespace {

constexpr std::uint64_t far_node = 4711;

// `text` outlives it.
remote_message message_of(std::uint64_t sequence, const std::string& text, std::uint64_t node = far_node) {
  remote_message made;
  made.what.type_id = type;
  made.from = {.node = node, .publisher_id = 3, .sequence = sequence, .timestamp_ns = 5, .link = 0, .hops = 1};
  made.payload = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  return made;
}

// Two gateways of a mesh bring the same messages, one of them in another order: each subscriber gets each once.
TEST(gateways, of_one_mesh_bring_a_message_once) {
  const socket_folder folder;
  inbox at_a;
  inbox at_b;
  node a("a");
  node b("b");
  a.subscribe(at_a);
  b.subscribe(at_b);
  const auto first = *a.link().open_gateway();
  const auto second = *b.link().open_gateway();
  b.dial(a.listen(folder.at()));
  a.wanted(type, 2);
  b.wanted(type, 2);
  const std::string text = "far";
  std::array one{message_of(1, text), message_of(2, text), message_of(3, text)};
  std::array other{message_of(2, text), message_of(1, text), message_of(3, text)};
  ASSERT_TRUE(a.link().publish(first, one));
  ASSERT_TRUE(b.link().publish(second, other));
  ASSERT_TRUE(at_a.wait_for(3));
  ASSERT_TRUE(at_b.wait_for(3));
  a.publish("last");
  ASSERT_TRUE(at_a.wait_for(4));
  ASSERT_TRUE(at_b.wait_for(4));
  a.close();
  b.close();
  EXPECT_EQ(at_a.all().size(), 4u);
  EXPECT_EQ(at_b.all().size(), 4u);
}

TEST(gateways, do_not_bring_what_this_node_published_itself) {
  inbox got;
  node a("a");
  a.subscribe(got);
  const auto gateway = *a.link().open_gateway();
  const std::string own = "echo";
  const std::string news = "news";
  std::array echo{message_of(1, own, a.link().node()), message_of(1, news)};
  ASSERT_TRUE(a.link().publish(gateway, echo));
  EXPECT_EQ(echo[0].outcome, status::deferred);
  EXPECT_EQ(echo[1].outcome, status::success);
  ASSERT_TRUE(got.wait_for(1));
  EXPECT_EQ(got.all(), std::vector<std::string>{"news"});
}

// A publish that finds a full mailbox waits, and goes on where it stopped.
TEST(gateways, wait_for_room) {
  constexpr std::uint64_t count = 50'000;
  inbox got;
  node a("a");
  a.subscribe(got); // 4096 places
  const auto gateway = *a.link().open_gateway();
  const std::string text = "x";
  std::vector<remote_message> all;
  for (std::uint64_t sequence = 1; sequence <= count; ++sequence)
    all.push_back(message_of(sequence, text));
  ASSERT_TRUE(a.link().publish(gateway, all));
  ASSERT_TRUE(got.wait_for(count));
  const auto sequences = got.sequences();
  for (std::uint64_t i = 0; i < count; ++i)
    ASSERT_EQ(sequences[i], i + 1);
}

// What only gateways want is carried to them, and is nothing that anybody wants from elsewhere.
TEST(gateways, see_what_subscribers_want_and_not_what_gateways_do) {
  const socket_folder folder;
  inbox carried;
  inbox got;
  node a("a");
  node b("b");
  ASSERT_TRUE(a.link().open_gateway());
  ASSERT_TRUE(b.link().open_gateway());
  runtime::subscription_options options;
  options.type_id = type;
  options.carries = true;
  options.user_data = &carried;
  options.on_message = [](const MyceliumMessage* m, void* user_data) {
    static_cast<inbox*>(user_data)->add(*reinterpret_cast<const message*>(m));
  };
  ASSERT_TRUE(b.bus().subscribe(std::move(options)));
  b.subscribe(got, type + 1);
  b.dial(a.listen(folder.at()));
  a.wanted(type);
  a.wanted(type + 1);
  std::uint64_t version = 0;
  std::vector<std::uint16_t> wanted;
  while (wanted.empty()) {
    auto news = a.link().wanted_types(version, deadline::in(patience));
    ASSERT_TRUE(news);
    wanted = std::move(*news);
  }
  EXPECT_EQ(wanted, std::vector<std::uint16_t>{type + 1});
  EXPECT_TRUE(a.link().knows(b.link().node()));
  EXPECT_FALSE(a.link().knows(far_node));
  a.publish("to be carried");
  EXPECT_TRUE(carried.wait_for(1));
}

// A key stays in the mesh as long as somebody there subscribes: what a gateway brings does not go to its own.
TEST(gateways, are_chosen_by_a_key_last) {
  inbox carried;
  inbox got;
  node a("a");
  const auto gateway = *a.link().open_gateway();
  runtime::subscription_options options;
  options.type_id = type;
  options.carries = true;
  options.user_data = &carried;
  options.on_message = [](const MyceliumMessage* m, void* user_data) {
    static_cast<inbox*>(user_data)->add(*reinterpret_cast<const message*>(m));
  };
  ASSERT_TRUE(a.bus().subscribe(std::move(options)));
  const std::string text = "for one";
  const auto keyed = [&](std::uint64_t sequence) {
    auto made = message_of(sequence, text);
    made.what.to = runtime::destination::key;
    made.what.destination_key = sequence;
    return made;
  };
  std::array alone{keyed(1)};
  ASSERT_TRUE(a.link().publish(gateway, alone));
  ASSERT_TRUE(carried.wait_for(1));
  a.subscribe(got);
  std::vector<remote_message> all;
  for (std::uint64_t sequence = 2; sequence <= 101; ++sequence)
    all.push_back(keyed(sequence));
  ASSERT_TRUE(a.link().publish(gateway, all));
  ASSERT_TRUE(got.wait_for(100));
  EXPECT_EQ(carried.all().size(), 1u);
}

} // namespace
} // namespace mycelium::bridge
