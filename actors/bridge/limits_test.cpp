// Limits of one link: what comes faster than it may waits, what is more than it may is refused, and others notice
// nothing.
#include "actors/bridge/limits.hpp"
#include "actors/bridge/test_stranger.hpp"

#include <latch>

namespace mycelium::bridge {
namespace {

using clock = std::chrono::steady_clock;

TEST(token_bucket, lets_a_burst_pass_and_then_so_much_a_second) {
  token_bucket bucket(100, 10);
  auto now = clock::time_point(1000s);
  bucket.take(10, now);
  EXPECT_EQ(bucket.debt(), 0ns);
  bucket.take(5, now);
  EXPECT_EQ(bucket.debt(), 50ms);
  bucket.take(0, now += 50ms);
  EXPECT_EQ(bucket.debt(), 0ns);
  bucket.take(11, now += 10s); // it holds no more than the burst
  EXPECT_EQ(bucket.debt(), 10ms);
}

TEST(token_bucket, without_a_rate_has_no_limit) {
  token_bucket bucket(0, 0);
  bucket.take(1e18, clock::now());
  EXPECT_EQ(bucket.debt(), 0ns);
}

class limited : public testing::Test {
protected:
  static settings with(limits of_one_link) {
    settings how;
    how.of_one_link = of_one_link;
    return how;
  }
  // How long it takes until all have come, of which none may be lost.
  clock::duration time_to_pass(const limits& how, int count, std::size_t size) {
    inbox got;
    node a("a", with(how));
    a.subscribe(got);
    node b("b");
    b.dial(a.listen(folder_.at()));
    b.wanted();
    const auto begin = clock::now();
    const std::string filler(size, 'x');
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(b.publish(std::to_string(i) + filler), status::success);
    EXPECT_TRUE(got.wait_for(std::size_t(count)));
    const auto passed = clock::now() - begin;
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(got.all()[std::size_t(i)], std::to_string(i) + filler);
    EXPECT_EQ(b.link().stats().links_made, 1u);
    return passed;
  }
  static byte_buffer request(std::uint64_t sequence, std::uint64_t correlation) {
    frame what;
    what.header.type_id = type;
    what.header.flags = flag_request;
    what.header.sequence = sequence;
    what.header.correlation = correlation;
    what.envelope.origin = 77;
    what.envelope.sequence = sequence;
    byte_buffer out;
    append_frame(out, what);
    return out;
  }
  static wire::NodeStateT state_of(std::uint64_t node, std::vector<std::uint64_t> neighbours) {
    wire::NodeStateT state;
    state.node = node;
    state.version = 1;
    state.neighbours = std::move(neighbours);
    return state;
  }

  socket_folder folder_;
};

TEST_F(limited, messages_wait_that_come_faster_than_they_may) {
  EXPECT_GE(time_to_pass({.messages = 1000}, 300, 10), 199ms); // 100 at once
}

TEST_F(limited, bytes_wait_that_come_faster_than_they_may) {
  EXPECT_GE(time_to_pass({.bytes = 100'000}, 30, 1000), 190ms); // 10,000 at once
}

TEST_F(limited, a_link_that_is_held_back_does_not_hold_back_others) {
  inbox got;
  inbox other;
  node a("a", with({.messages = 1}));
  a.subscribe(got, type);
  a.subscribe(other, type + 1);
  const auto at = a.listen(folder_.at());
  node slow("slow");
  node quick("quick");
  slow.dial(at);
  quick.dial(at);
  slow.wanted(type);
  quick.wanted(type + 1);
  for (int i = 0; i < 20; ++i)
    slow.publish("much"); // twenty seconds
  quick.publish("little", type + 1);
  EXPECT_TRUE(other.wait_for(1));
  EXPECT_LT(got.all().size(), 20u);
  a.close(); // else slow would wait until all of it has come
}

TEST_F(limited, news_of_nodes_waits_that_comes_faster_than_it_may) {
  inbox got;
  node a("a", with({.control = 10'000})); // a hundred of them at once, and a hundred a second
  a.subscribe(got);
  stranger restless(a.listen(folder_.at()));
  ASSERT_TRUE(restless.greet(8));
  const auto begin = clock::now();
  for (std::uint64_t version = 1; version <= 130; ++version) {
    auto state = state_of(8, {});
    state.version = version;
    restless.say(control::node_state, state);
  }
  restless.send(data(type, 1, "last"));
  ASSERT_TRUE(got.wait_for(1));
  EXPECT_GE(clock::now() - begin, 250ms);
}

TEST_F(limited, links_of_one_user_are_counted) {
  settings how;
  how.max_links_per_peer = 2;
  node a("a", how);
  const auto at = a.listen(folder_.at());
  stranger first(at);
  stranger second(at);
  ASSERT_TRUE(first.greet(1) && second.greet(2));
  stranger third(at);
  EXPECT_TRUE(third.is_closed());
  EXPECT_NE(third.refused_because.find("max_links_per_peer"), std::string::npos) << third.refused_because;
  EXPECT_EQ(third.reason, wire::RefusalReason::TooMany);
}

TEST_F(limited, connections_wait_that_come_faster_than_they_may) {
  settings how;
  how.accepts = 10;
  how.credentials.token = "secret"; // nobody comes up: their number counts
  node a("a", how);
  const auto at = a.listen("tcp:127.0.0.1:0");
  const auto begin = clock::now();
  std::vector<int> all;
  for (int i = 0; i < 15; ++i)
    all.push_back(connect_to_port(at.port));
  for (const int each : all) { // until its Hello
    char byte = 0;
    EXPECT_EQ(::read(each, &byte, 1), 1);
    ::close(each);
  }
  EXPECT_GE(clock::now() - begin, 390ms);
}

TEST_F(limited, nodes_that_one_link_tells_of_are_counted) {
  node a("a", with({.nodes = 4}));
  stranger teller(a.listen(folder_.at()));
  ASSERT_TRUE(teller.greet(8));
  auto own = state_of(8, {a.link().node()});
  for (std::uint64_t node = 100; node < 110; ++node)
    own.neighbours.push_back(node);
  teller.say(control::node_state, own);
  for (std::uint64_t node = 100; node < 110; ++node)
    teller.say(control::node_state, state_of(node, {8}));
  EXPECT_TRUE(a.log().wait_for("tells of more than 4 nodes"));
  EXPECT_EQ(a.link().stats().reachable, 4u); // itself and three more
}

TEST_F(limited, nodes_that_are_gone_do_not_count) {
  inbox got;
  node a("a", with({.nodes = 4}));
  a.subscribe(got);
  stranger teller(a.listen(folder_.at()));
  ASSERT_TRUE(teller.greet(8));
  teller.say(control::node_state, state_of(8, {a.link().node(), 200}));
  for (std::uint64_t node = 100; node < 150; ++node)
    teller.say(control::node_state, state_of(node, {}));
  teller.say(control::node_state, state_of(200, {8}));
  teller.send(data(type, 1, "last"));
  ASSERT_TRUE(got.wait_for(1));
  EXPECT_EQ(a.link().stats().reachable, 2u);
  EXPECT_EQ(a.log().count("tells of more"), 0u);
}

TEST_F(limited, news_of_a_node_that_is_too_long_ends_the_link) {
  node a("a", with({.state_size = 1024}));
  stranger teller(a.listen(folder_.at()));
  ASSERT_TRUE(teller.greet(8));
  teller.say(control::node_state, state_of(8, std::vector<std::uint64_t>(1000, 1)));
  EXPECT_TRUE(teller.is_closed());
  EXPECT_NE(teller.refused_because.find("over the limit of 1024"), std::string::npos) << teller.refused_because;
}

TEST_F(limited, types_that_one_link_is_sent_are_counted) {
  node a("a", with({.types = 3}));
  stranger greedy(a.listen(folder_.at()));
  ASSERT_TRUE(greedy.greet(8));
  auto state = state_of(8, {a.link().node()});
  for (std::uint16_t i = 0; i < 10; ++i)
    state.wants.push_back(std::uint16_t(type + i));
  greedy.say(control::node_state, state);
  a.wanted(type + 2);
  EXPECT_TRUE(a.log().wait_for("wants more than 3 types"));
  EXPECT_FALSE(a.bus().wait_for_subscribers(type + 3, 1, deadline::in(0)));
}

TEST_F(limited, requests_that_are_being_answered_are_counted_and_have_names_of_their_own) {
  std::latch may_end(1);
  node a("a", with({.requests = 2}));
  runtime::subscription_options options;
  options.type_id = type;
  options.user_data = &may_end;
  options.on_message = [](const MyceliumMessage*, void* waits) { static_cast<std::latch*>(waits)->wait(); };
  ASSERT_TRUE(a.bus().subscribe(std::move(options)));
  stranger asking(a.listen(folder_.at()));
  ASSERT_TRUE(asking.greet(8));
  for (std::uint64_t i = 1; i <= 3; ++i)
    asking.send(request(i, i));
  const auto reply = asking.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->correlation, 3u);
  EXPECT_EQ(reply->outcome, std::int16_t(status::full));
  asking.send(request(4, 1));
  EXPECT_TRUE(asking.is_closed());
  EXPECT_NE(asking.refused_because.find("correlation"), std::string::npos) << asking.refused_because;
  may_end.count_down();
}

TEST_F(limited, replies_that_nobody_reads_do_not_pile_up) {
  settings how;
  how.max_frame = 2048;
  node a("a", how);
  stranger deaf(a.listen(folder_.at()));
  ASSERT_TRUE(deaf.greet(8));
  std::uint64_t sequence = 0;
  while (a.log().count("does not read what it is sent") == 0) {
    byte_buffer many;
    for (int i = 0; i < 5000; ++i) { // that nobody serves: each has a reply of one header
      ++sequence;
      const auto each = request(sequence, sequence);
      many.insert(many.end(), each.begin(), each.end());
    }
    deaf.send(many);
    ASSERT_LT(sequence, 10'000'000u);
  }
  EXPECT_EQ(a.link().stats().links_cut, 1u);
}

} // namespace
} // namespace mycelium::bridge
