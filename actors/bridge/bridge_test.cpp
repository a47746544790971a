// Buses of one process, joined over real sockets.
#include "actors/bridge/test_node.hpp"

#include <latch>

namespace mycelium::bridge {
namespace {

class bridges : public testing::TestWithParam<const char*> {
protected:
  std::string at(int which = 0) const {
    return std::string(GetParam()) == "unix" ? folder_.at(which) : "tcp:127.0.0.1:0";
  }
  const socket_folder folder_;
};

INSTANTIATE_TEST_SUITE_P(all, bridges, testing::Values("unix", "tcp"), [](const auto& what) { return what.param; });

TEST_P(bridges, carry_what_the_other_side_wants) {
  inbox got;
  node a("a");
  node b("b");
  b.subscribe(got);
  b.dial(a.listen(at()));
  a.wanted();
  EXPECT_EQ(a.publish("hello"), status::success);
  EXPECT_EQ(a.publish(""), status::success);
  EXPECT_EQ(a.publish("nobody wants this", type + 1), status::success);
  ASSERT_TRUE(got.wait_for(2));
  EXPECT_EQ(got.all(), (std::vector<std::string>{"hello", ""}));
}

TEST_P(bridges, keep_order_and_lose_nothing) {
  constexpr int count = 50'000;
  inbox got;
  node a("a");
  node b("b");
  b.subscribe(got);
  b.dial(a.listen(at()));
  a.wanted();
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(a.publish(std::to_string(i)), status::success);
  ASSERT_TRUE(got.wait_for(count));
  const auto all = got.all();
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(all[std::size_t(i)], std::to_string(i));
  a.close(); // waits for acknowledgement of all
}

TEST_P(bridges, acknowledge_what_came_before_they_leave) {
  for (int i = 0; i < 20; ++i) {
    inbox got;
    node a("a");
    node b("b");
    b.subscribe(got);
    b.dial(a.listen(at(i)));
    a.wanted();
    a.publish("now or never");
    ASSERT_TRUE(got.wait_for(1));
    b.close();
    bridge_stats seen;
    do
      seen = a.link().stats();
    while (seen.links_cut == 0);
    EXPECT_TRUE(seen.neighbours.empty()); // who said that it goes is not waited for
    EXPECT_EQ(seen.gone.sent, 1u);
    EXPECT_EQ(seen.gone.acknowledged, 1u);
    EXPECT_EQ(seen.gone.lost, 0u);
  }
}

TEST_P(bridges, go_both_ways_without_an_echo) {
  inbox at_a;
  inbox at_b;
  node a("a");
  node b("b");
  a.subscribe(at_a);
  b.subscribe(at_b);
  b.dial(a.listen(at()));
  a.wanted(type, 2);
  b.wanted(type, 2);
  a.publish("from a");
  ASSERT_TRUE(at_b.wait_for(1));
  b.publish("from b");
  ASSERT_TRUE(at_a.wait_for(2));
  a.close();
  b.close();
  EXPECT_EQ(at_a.all(), (std::vector<std::string>{"from a", "from b"}));
  EXPECT_EQ(at_b.all(), (std::vector<std::string>{"from a", "from b"}));
}

TEST_P(bridges, carry_payloads_of_all_sizes) {
  inbox got;
  node a("a");
  node b("b");
  b.subscribe(got);
  b.dial(a.listen(at()));
  a.wanted();
  std::vector<std::string> sent;
  for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 4095u, 65536u, 1u << 20, 10u << 20})
    a.publish(sent.emplace_back(size, char('a' + size % 26)));
  ASSERT_TRUE(got.wait_for(sent.size()));
  EXPECT_EQ(got.all(), sent);
}

TEST_P(bridges, end_a_subscription_when_the_last_subscriber_there_has_gone) {
  inbox got;
  node a("a");
  inbox other;
  node b("b");
  const auto id = b.subscribe(got);
  b.dial(a.listen(at()));
  a.wanted();
  ASSERT_TRUE(b.bus().unsubscribe(id));
  b.subscribe(other, type + 1); // comes after it
  a.wanted(type + 1);
  EXPECT_EQ(a.bus().stats().subscriptions, 1u);
}

TEST_P(bridges, carry_requests_and_replies) {
  node a("a");
  node b("b");
  runtime::subscription_options serves;
  serves.type_id = type;
  serves.user_data = &b.bus();
  serves.on_message = [](const MyceliumMessage* m, void* user_data) {
    const auto& request = *reinterpret_cast<const message*>(m);
    const std::string text = "you said " + std::string(request.data(), request.data() + request.size());
    EXPECT_TRUE(static_cast<runtime::bus*>(user_data)->reply(
        request, type + 1, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
  };
  ASSERT_TRUE(b.bus().subscribe(std::move(serves)));
  b.dial(a.listen(at()));
  a.wanted();
  const std::string question = "ping";
  const auto reply = a.bus().request(
      {.type_id = type}, {reinterpret_cast<const std::uint8_t*>(question.data()), question.size()}, patience);
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(std::string((*reply)->data(), (*reply)->data() + (*reply)->size()), "you said ping");
}

TEST_P(bridges, say_when_nobody_answers) {
  inbox got; // takes requests and lets them go
  node a("a");
  node b("b");
  b.subscribe(got);
  b.dial(a.listen(at()));
  a.wanted();
  const auto reply = a.bus().request({.type_id = type}, {}, patience);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, status::no_reply);
}

TEST_P(bridges, slow_a_publisher_down_to_what_the_other_side_can_take) {
  settings small;
  small.window = 64 << 10;
  small.capacity = 16;
  small.block_timeout_ns = patience;
  inbox got;
  node a("a", small);
  node b("b", small);
  std::mutex gate;
  struct slow {
    inbox& to;
    std::mutex& gate;
  } subscriber{got, gate};
  runtime::subscription_options options;
  options.type_id = type;
  options.capacity = 16;
  options.block_timeout_ns = patience;
  options.user_data = &subscriber;
  options.on_message = [](const MyceliumMessage* m, void* user_data) {
    auto& to = *static_cast<slow*>(user_data);
    std::lock_guard wait(to.gate);
    to.to.add(*reinterpret_cast<const message*>(m));
  };
  ASSERT_TRUE(b.bus().subscribe(std::move(options)));
  b.dial(a.listen(at()));
  a.wanted();
  const std::string kilobyte(1024, 'x');
  constexpr int count = 2000;
  std::unique_lock closed_gate(gate);
  std::atomic<int> published{0};
  std::thread publisher([&] {
    for (int i = 0; i < count; ++i, ++published)
      EXPECT_EQ(a.publish(kilobyte), status::success);
  });
  // It comes to a stop far below the two megabytes: what fits is two lanes, a window and the sockets.
  const auto waiting = [&] {
    const auto stats = a.link().stats();
    return stats.neighbours.empty() ? 0 : stats.neighbours[0].out.waiting;
  };
  while (waiting() < 16)
    std::this_thread::yield();
  EXPECT_LT(published, count / 2);
  closed_gate.unlock();
  publisher.join();
  EXPECT_TRUE(got.wait_for(count));
}

// Of one type, that both publish and want: what comes must not wait for room on its way back.
class both_ways {
public:
  explicit both_ways(const address& at_a, node& a, node& b) : a_(a), b_(b) {
    a.subscribe(got_at_a_);
    b.subscribe(got_at_b_);
    b.dial(at_a);
    a.wanted(type, 2);
    b.wanted(type, 2);
  }
  static void publish(node& by, int count) {
    const std::string kilobyte(1024, 'x');
    for (int i = 0; i < count && by.publish(kilobyte) == status::success; ++i) {
    }
  }
  template <class Do>
  void at_once(Do what) {
    std::jthread other([&] { what(a_); });
    what(b_);
  }
  inbox& got_at_a() { return got_at_a_; }
  inbox& got_at_b() { return got_at_b_; }

private:
  node& a_;
  node& b_;
  inbox got_at_a_;
  inbox got_at_b_;
};

TEST_P(bridges, are_filled_from_both_ends) {
  settings small;
  small.window = 64 << 10;
  small.capacity = 16;
  small.block_timeout_ns = patience;
  constexpr int each = 5000;
  node a("a", small);
  node b("b", small);
  both_ways flow(a.listen(at()), a, b);
  flow.at_once([](node& by) { both_ways::publish(by, each); });
  EXPECT_TRUE(flow.got_at_a().wait_for(2 * each));
  EXPECT_TRUE(flow.got_at_b().wait_for(2 * each));
  EXPECT_EQ(a.link().stats().neighbours.at(0).out.dropped, 0u);
  EXPECT_EQ(b.link().stats().neighbours.at(0).out.dropped, 0u);
}

TEST_P(bridges, are_left_by_both_ends_at_once) {
  node a("a");
  node b("b");
  both_ways flow(a.listen(at()), a, b);
  std::latch both{2};
  flow.at_once([&](node& by) {
    std::jthread publisher([&] { both_ways::publish(by, 1'000'000); }); // until it closes
    while (by.link().stats().neighbours.at(0).out.sent < 1000)
      std::this_thread::yield();
    both.arrive_and_wait();
    const auto until = deadline::in(patience);
    EXPECT_TRUE(by.bus().close(until));
    EXPECT_FALSE(until.passed());
  });
}

class meshes : public bridges {
protected:
  static constexpr std::size_t count = 4;
  struct crowd {
    std::vector<inbox> got{count};
    std::vector<std::unique_ptr<node>> nodes;
    std::vector<address> where;
  };
  // Each listens and subscribes; then dial(i) links it with some of those before it.
  template <class Dial>
  void gather(crowd& all, Dial dial) const {
    for (std::size_t i = 0; i < count; ++i) {
      all.nodes.push_back(std::make_unique<node>("n" + std::to_string(i)));
      all.where.push_back(all.nodes[i]->listen(at(int(i))));
      all.nodes[i]->subscribe(all.got[i]);
      dial(i);
    }
  }
  // Each is linked with the next, and knows of both its neighbours.
  void gather_ring(crowd& all) const {
    gather(all, [](std::size_t) {});
    for (std::size_t i = 0; i < count; ++i)
      all.nodes[i]->dial(all.where[(i + 1) % count]);
    for (auto& each : all.nodes) {
      each->linked(2);
      each->wanted(type, 3);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(all, meshes, testing::Values("unix", "tcp"), [](const auto& what) { return what.param; });

TEST_P(meshes, of_four_deliver_once_and_do_not_loop) {
  crowd four;
  auto& nodes = four.nodes;
  auto& got = four.got;
  gather(four, [&](std::size_t i) {
    for (std::size_t j = 0; j < i; ++j)
      nodes[i]->dial(four.where[j]);
  });
  for (auto& each : nodes) {
    each->linked(count - 1);
    each->wanted(type, count); // its own and three links
  }
  for (std::size_t i = 0; i < count; ++i)
    for (int k = 0; k < 100; ++k)
      nodes[i]->publish(std::to_string(i) + ":" + std::to_string(k));
  for (auto& each : got)
    ASSERT_TRUE(each.wait_for(count * 100));
  for (auto& each : nodes)
    each->close();
  for (auto& each : got)
    EXPECT_EQ(each.all().size(), count * 100);
}

TEST_P(meshes, pass_on_what_a_node_said_before_it_left) {
  inbox got;
  node middle("middle");
  const auto at_middle = middle.listen(at());
  node end("end");
  end.subscribe(got);
  end.dial(at_middle);
  middle.wanted();
  for (int round = 1; round <= 20; ++round) {
    node speaker("speaker");
    speaker.dial(at_middle);
    speaker.wanted();
    for (int k = 0; k < 100; ++k)
      ASSERT_EQ(speaker.publish(std::to_string(k)), status::success);
    speaker.close();
    ASSERT_TRUE(got.wait_for(std::size_t(round) * 100)) << "round " << round;
  }
  EXPECT_EQ(got.all().size(), 2000u);
}

TEST_P(meshes, lose_nothing_while_they_grow) {
  constexpr std::size_t each_sends = 3000;
  crowd four;
  auto& nodes = four.nodes;
  auto& where = four.where;
  auto& got = four.got;
  gather(four, [&](std::size_t i) {
    if (i != 0)
      nodes[i]->dial(where[i - 1]); // a line
  });
  inbox last;
  nodes[count - 1]->subscribe(last, type + 1);
  for (std::size_t i = 0; i + 1 < count; ++i)
    nodes[i]->wanted(type + 1); // the ends know of each other
  nodes[0]->subscribe(last, type + 2);
  for (std::size_t i = 1; i < count; ++i)
    nodes[i]->wanted(type + 2);
  std::vector<std::thread> publishers;
  for (std::size_t i = 0; i < count; ++i)
    publishers.emplace_back([&, i] {
      for (std::size_t k = 0; k < each_sends; ++k)
        EXPECT_EQ(nodes[i]->publish(std::to_string(i) + ":" + std::to_string(k)), status::success);
    });
  ASSERT_TRUE(got[3].wait_for(100));
  nodes[3]->dial(where[0]); // a ring
  ASSERT_TRUE(got[3].wait_for(count * each_sends / 4));
  nodes[2]->dial(where[0]);
  nodes[3]->dial(where[1]); // a full mesh
  for (auto& each : publishers)
    each.join();
  for (auto& each : got)
    EXPECT_TRUE(each.wait_for(count * each_sends));
  for (auto& each : nodes)
    each->close();
  for (auto& each : got) {
    auto all = each.all();
    std::ranges::sort(all);
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end()); // nothing came twice
    EXPECT_EQ(all.size(), count * each_sends);
  }
}

TEST_P(meshes, count_what_was_on_its_way_over_a_node_that_leaves) {
  constexpr std::size_t each_sends = 3000;
  constexpr std::size_t leaver = 1; // the way from 0 to 2, and back
  crowd four;
  auto& nodes = four.nodes;
  auto& got = four.got;
  gather_ring(four);
  const std::vector<std::size_t> others{0, 2, 3};
  std::vector<std::thread> publishers;
  for (const auto i : others)
    publishers.emplace_back([&, i] {
      for (std::size_t k = 0; k < each_sends; ++k)
        EXPECT_EQ(nodes[i]->publish(std::to_string(i) + ":" + std::to_string(k)), status::success);
    });
  ASSERT_TRUE(got[leaver].wait_for(each_sends / 2));
  nodes[leaver]->close();
  for (auto& each : publishers)
    each.join();
  const auto missing = [&] {
    std::size_t sum = 0;
    for (const auto i : others)
      sum += others.size() * each_sends - got[i].all().size();
    return sum;
  };
  const auto lost = [&] {
    std::size_t sum = 0;
    for (const auto i : others)
      sum += nodes[i]->link().stats().gone.lost;
    return sum;
  };
  for (const auto until = deadline::in(patience); missing() > lost() && !until.passed();)
    std::this_thread::yield();
  EXPECT_LE(missing(), lost());
  for (auto& each : nodes)
    each->close();
  for (const auto i : others) {
    auto all = got[i].all();
    std::ranges::sort(all);
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end()); // nothing came twice
  }
}

TEST_P(meshes, that_are_rings_bring_a_message_round_once) {
  crowd four;
  auto& nodes = four.nodes;
  auto& got = four.got;
  gather_ring(four);
  // Everybody knows of everybody when a message has come round.
  for (int k = 0; k < 100; ++k)
    nodes[0]->publish(std::to_string(k));
  for (auto& each : got)
    ASSERT_TRUE(each.wait_for(100));
  for (auto& each : nodes)
    each->close();
  for (auto& each : got)
    EXPECT_EQ(each.all().size(), 100u);
}

} // namespace
} // namespace mycelium::bridge
