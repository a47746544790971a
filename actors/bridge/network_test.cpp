#include "actors/bridge/network.hpp"

#include <gtest/gtest.h>
#include <random>
#include <set>

namespace mycelium::bridge {
namespace {

constexpr std::uint16_t type = 1001;

// Nodes that tell each other everything at once.
class world {
public:
  explicit world(std::size_t count) {
    for (node_id id = 1; id <= count; ++id)
      nodes.emplace(id, network(id, "n" + std::to_string(id)));
  }

  void link(node_id a, node_id b) {
    edges[a].insert(b);
    edges[b].insert(a);
  }
  void cut(node_id a, node_id b) {
    edges[a].erase(b);
    edges[b].erase(a);
  }
  void cut_and_keep(node_id a, node_id b) {
    cut(a, b);
    kept[a].insert(b);
    kept[b].insert(a);
  }
  void settle() {
    for (auto& [id, node] : nodes)
      node.set_neighbours({edges[id].begin(), edges[id].end()}, {kept[id].begin(), kept[id].end()});
    for (bool news = true; news;) {
      news = false;
      for (auto& [id, node] : nodes)
        for (const auto neighbour : edges[id])
          for (const auto& [of, state] : nodes.at(neighbour).nodes())
            news |= node.learn(state);
    }
  }

  // Sends a message from its origin along the ways; counts how often each node gets it, be it only kept for it, and the
  // links it crosses.
  std::map<node_id, int> send(node_id origin) {
    std::map<node_id, int> got;
    crossed = 0;
    std::vector<node_id> next{origin};
    for (std::size_t i = 0; i < next.size() && i < 10'000; ++i) {
      ++got[next[i]];
      for (const auto to : nodes.at(next[i]).next(origin, type)) {
        EXPECT_TRUE(edges[next[i]].contains(to) || kept[next[i]].contains(to));
        next.push_back(to);
        ++crossed;
      }
    }
    return got;
  }

  std::map<node_id, network> nodes;
  std::map<node_id, std::set<node_id>> edges;
  std::map<node_id, std::set<node_id>> kept; // links that were cut, whose ends keep what is for the other
  int crossed = 0;
};

TEST(network, of_two_sends_what_is_wanted_and_nothing_else) {
  world two(2);
  two.link(1, 2);
  two.nodes.at(2).set_wants({type});
  two.settle();
  EXPECT_EQ(two.nodes.at(1).next(1, type), std::vector<node_id>{2});
  EXPECT_TRUE(two.nodes.at(1).next(1, type + 1).empty());
  EXPECT_TRUE(two.nodes.at(2).next(1, type).empty()); // no echo
  EXPECT_EQ(two.nodes.at(1).types_for(2), std::vector<std::uint16_t>{type});
  EXPECT_TRUE(two.nodes.at(2).types_for(1).empty());
}

TEST(network, of_a_line_passes_on) {
  world line(4);
  for (node_id id = 1; id < 4; ++id)
    line.link(id, id + 1);
  line.nodes.at(4).set_wants({type});
  line.settle();
  EXPECT_EQ(line.send(1), (std::map<node_id, int>{{1, 1}, {2, 1}, {3, 1}, {4, 1}}));
  EXPECT_EQ(line.nodes.at(2).types_for(3), std::vector<std::uint16_t>{type});
}

TEST(network, of_any_shape_brings_a_message_to_all_who_want_it_once_and_crosses_no_link_twice) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const std::size_t count = random() % 9 + 2;
    world any(count);
    for (node_id id = 2; id <= count; ++id)
      any.link(id, random() % (id - 1) + 1); // connected
    for (std::size_t extra = random() % (2 * count); extra > 0; --extra)
      if (const node_id a = random() % count + 1, b = random() % count + 1; a != b)
        any.link(a, b);
    std::set<node_id> want;
    for (node_id id = 1; id <= count; ++id)
      if (random() % 2 == 0) {
        want.insert(id);
        any.nodes.at(id).set_wants({type});
      }
    any.settle();
    const node_id origin = random() % count + 1;
    const auto got = any.send(origin);
    for (const auto id : want)
      EXPECT_TRUE(id == origin || got.contains(id)) << "node " << id << " of " << count << ", round " << round;
    for (const auto& [id, times] : got)
      EXPECT_EQ(times, 1) << "node " << id << ", round " << round;
    EXPECT_LT(any.crossed, int(count));
  }
}

TEST(network, without_a_node_goes_round_the_other_way) {
  world ring(4);
  for (node_id id = 1; id <= 4; ++id)
    ring.link(id, id % 4 + 1);
  ring.nodes.at(3).set_wants({type});
  ring.settle();
  EXPECT_EQ(ring.send(1), (std::map<node_id, int>{{1, 1}, {2, 1}, {3, 1}}));
  ring.cut(1, 2);
  ring.cut(2, 3); // it has died: it says nothing any more
  ring.nodes.erase(2);
  ring.edges.erase(2);
  ring.settle();
  EXPECT_EQ(ring.send(1), (std::map<node_id, int>{{1, 1}, {3, 1}, {4, 1}}));
  EXPECT_EQ(ring.nodes.at(1).reachable(), (std::vector<node_id>{1, 3, 4}));
}

TEST(network, keeps_what_is_for_a_node_that_is_cut_off_where_it_was) {
  world line(4);
  for (node_id id = 1; id < 4; ++id)
    line.link(id, id + 1);
  line.nodes.at(4).set_wants({type});
  line.settle();
  line.cut_and_keep(3, 4);
  line.settle();
  EXPECT_EQ(line.send(1), (std::map<node_id, int>{{1, 1}, {2, 1}, {3, 1}, {4, 1}}));
  EXPECT_EQ(line.nodes.at(1).types_for(2), std::vector<std::uint16_t>{type});
  EXPECT_EQ(line.nodes.at(1).wanted(), std::vector<std::uint16_t>{type});
  EXPECT_EQ(line.nodes.at(1).reachable(), (std::vector<node_id>{1, 2, 3}));
  EXPECT_EQ(line.nodes.at(1).reachable(network::over::kept), (std::vector<node_id>{1, 2, 3, 4}));
  EXPECT_EQ(line.nodes.at(4).reachable(network::over::kept), (std::vector<node_id>{1, 2, 3, 4}));

  line.kept.clear(); // nobody waits for it any more
  line.settle();
  EXPECT_TRUE(line.nodes.at(1).next(1, type).empty());
  EXPECT_TRUE(line.nodes.at(1).types_for(2).empty());
}

TEST(network, keeps_nothing_where_another_way_leads) {
  world ring(4);
  for (node_id id = 1; id <= 4; ++id)
    ring.link(id, id % 4 + 1);
  ring.nodes.at(3).set_wants({type});
  ring.settle();
  ring.cut_and_keep(2, 3);
  ring.settle();
  EXPECT_EQ(ring.send(1), (std::map<node_id, int>{{1, 1}, {4, 1}, {3, 1}}));
  EXPECT_EQ(ring.send(2), (std::map<node_id, int>{{2, 1}, {1, 1}, {4, 1}, {3, 1}}));
  EXPECT_TRUE(ring.nodes.at(2).types_for(3).empty());
}

TEST(network, keeps_for_one_of_two_ways_when_both_are_cut) {
  world ring(4);
  for (node_id id = 1; id <= 4; ++id)
    ring.link(id, id % 4 + 1);
  ring.nodes.at(3).set_wants({type});
  ring.settle();
  ring.cut_and_keep(2, 3);
  ring.cut_and_keep(3, 4);
  ring.settle();
  for (const node_id origin : {1, 2, 4})
    EXPECT_EQ(ring.send(origin).at(3), 1) << origin;
}

TEST(network, keeps_for_the_way_that_was_cut_last) {
  for (const auto& [absent, way] : {std::pair(std::vector<node_id>{2, 3}, node_id{2}), {{3, 2}, node_id{3}}}) {
    network me(1, "me");
    me.set_neighbours({}, absent);
    for (const node_id hub : {2, 3})
      me.learn({.id = hub, .version = 1, .name = "", .neighbours = {1, 4}, .wants = {}});
    me.learn({.id = 4, .version = 1, .name = "", .neighbours = {2, 3}, .wants = {type}});
    EXPECT_EQ(me.next(1, type), std::vector<node_id>{way});
  }
}

TEST(network, of_any_shape_keeps_a_message_once_for_all_who_want_it) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    const std::size_t count = random() % 9 + 2;
    world any(count);
    for (node_id id = 2; id <= count; ++id)
      any.link(id, random() % (id - 1) + 1); // connected
    for (std::size_t extra = random() % count; extra > 0; --extra)
      if (const node_id a = random() % count + 1, b = random() % count + 1; a != b)
        any.link(a, b);
    for (node_id id = 1; id <= count; ++id)
      any.nodes.at(id).set_wants({type});
    any.settle();
    for (std::size_t cuts = random() % 3 + 1; cuts > 0; --cuts) {
      const node_id a = random() % count + 1;
      if (any.edges[a].empty())
        continue;
      any.cut_and_keep(a, *any.edges[a].begin());
      any.settle();
    }
    const node_id origin = random() % count + 1;
    const auto got = any.send(origin);
    EXPECT_EQ(got.size(), count) << "round " << round;
    for (const auto& [id, times] : got)
      EXPECT_EQ(times, 1) << "node " << id << ", round " << round;
  }
}

TEST(network, passes_on_what_a_node_said_that_has_gone_since) {
  world line(4);
  for (node_id id = 1; id < 4; ++id)
    line.link(id, id + 1);
  line.nodes.at(4).set_wants({type});
  line.settle();
  line.cut(1, 2);
  line.settle();
  EXPECT_EQ(line.nodes.at(2).next(1, type), std::vector<node_id>{3});
  EXPECT_EQ(line.nodes.at(3).next(1, type), std::vector<node_id>{4});
  EXPECT_EQ(line.nodes.at(3).next(99, type), std::vector<node_id>{4}); // or that it has never heard of
}

TEST(network, counts_a_neighbour_as_linked_whatever_is_heard_of_it) {
  network me(1, "me");
  me.learn({.id = 2, .version = 5, .name = "", .neighbours = {3}, .wants = {type}});
  me.learn({.id = 3, .version = 5, .name = "", .neighbours = {1, 2}, .wants = {type}});
  me.set_neighbours({2, 3});
  EXPECT_EQ(me.next(1, type), (std::vector<node_id>{2, 3}));
  EXPECT_TRUE(me.next(2, type).empty()); // 2 says that it goes by 3, but has agreed to the link
  me.learn({.id = 2, .version = 6, .name = "", .neighbours = {3, 4}, .wants = {type}});
  EXPECT_EQ(me.next(1, type), (std::vector<node_id>{2, 3}));
  me.learn({.id = 2, .version = 7, .name = "", .neighbours = {3}, .wants = {type}, .absent = {1}}); // it was cut
  EXPECT_EQ(me.next(1, type), std::vector<node_id>{3});
  me.set_neighbours({3}, {2});
  me.set_neighbours({2, 3}); // and made anew
  EXPECT_EQ(me.next(1, type), (std::vector<node_id>{2, 3}));
}

TEST(network, goes_on_by_earlier_ways_until_they_have_aged_twice) {
  world three(3);
  three.link(1, 2);
  three.link(2, 3);
  three.nodes.at(3).set_wants({type});
  three.settle();
  auto& first = three.nodes.at(1);
  auto& middle = three.nodes.at(2);
  EXPECT_TRUE(first.leads_to(2, 1, type) && middle.leads_to(3, 1, type));
  first.age_earlier_ways();
  first.age_earlier_ways();
  EXPECT_FALSE(first.has_earlier_ways());
  three.link(1, 3);
  three.settle();
  EXPECT_EQ(first.next(1, type), std::vector<node_id>{3});
  for (int age = 0; age < 2; ++age) {
    EXPECT_TRUE(first.leads_to(3, 1, type));
    EXPECT_TRUE(first.leads_to(2, 1, type)); // what was published before may still have to be sent
    EXPECT_TRUE(middle.leads_to(3, 1, type));
    EXPECT_EQ(middle.types_for(3), std::vector<std::uint16_t>{type});
    EXPECT_TRUE(first.has_earlier_ways());
    first.age_earlier_ways();
    middle.age_earlier_ways();
  }
  EXPECT_TRUE(first.leads_to(3, 1, type));
  EXPECT_FALSE(first.leads_to(2, 1, type));
  EXPECT_FALSE(middle.leads_to(3, 1, type));
  EXPECT_FALSE(first.has_earlier_ways());
}

TEST(network, keeps_nothing_for_an_absent_node_by_an_earlier_way) {
  world ring(3);
  for (node_id id = 1; id <= 3; ++id)
    ring.link(id, id % 3 + 1);
  ring.nodes.at(3).set_wants({type});
  ring.settle();
  EXPECT_TRUE(ring.nodes.at(1).leads_to(3, 1, type));
  ring.cut_and_keep(1, 3);
  ring.settle();
  EXPECT_TRUE(ring.nodes.at(1).leads_to(2, 1, type));
  EXPECT_FALSE(ring.nodes.at(1).leads_to(3, 1, type));
  EXPECT_TRUE(ring.nodes.at(1).types_for(3).empty());
}

TEST(network, tells_of_the_nearest_first_and_of_links_before_what_is_only_kept) {
  world line(5);
  line.link(3, 5);
  line.link(5, 1);
  line.link(1, 2);
  line.cut_and_keep(3, 4);
  line.settle();
  auto& me = line.nodes.at(3);
  me.learn({.id = 4, .version = 1, .name = "", .neighbours = {}, .wants = {}, .absent = {3}});
  me.learn({.id = 6, .version = 1, .name = "", .neighbours = {}, .wants = {}});
  EXPECT_EQ(me.nearest_first(), (std::vector<node_id>{3, 5, 1, 2, 4, 6}));
}

TEST(network, forgets_what_is_no_longer_wanted) {
  world three(3);
  three.link(1, 2);
  three.link(2, 3);
  three.link(3, 1);
  three.nodes.at(3).set_wants({type});
  three.settle();
  EXPECT_FALSE(three.nodes.at(1).next(1, type).empty());
  three.nodes.at(3).set_wants({});
  three.settle();
  for (auto& [id, node] : three.nodes)
    EXPECT_TRUE(node.next(1, type).empty() && node.types_for(id % 3 + 1).empty());
}

TEST(network, takes_no_old_news_nor_lies_about_itself) {
  network me(1, "me");
  EXPECT_TRUE(me.learn({.id = 2, .version = 5, .name = "", .neighbours = {1}, .wants = {}}));
  EXPECT_FALSE(me.learn({.id = 2, .version = 5, .name = "", .neighbours = {}, .wants = {}}));
  EXPECT_FALSE(me.learn({.id = 2, .version = 4, .name = "", .neighbours = {}, .wants = {}}));
  EXPECT_FALSE(me.learn({.id = 1, .version = 99, .name = "", .neighbours = {}, .wants = {type}}));
  EXPECT_TRUE(me.self().wants.empty());
}

TEST(network, has_a_bound_and_makes_room_by_forgetting_who_is_gone) {
  network me(1, "me");
  for (node_id id = 2; id <= network::max_nodes + 100; ++id)
    me.learn({.id = id, .version = 1, .name = "", .neighbours = {}, .wants = {}});
  EXPECT_LE(me.nodes().size(), network::max_nodes);
  EXPECT_TRUE(me.next(12345, type).empty()); // nobody has heard of it
}

} // namespace
} // namespace mycelium::bridge
