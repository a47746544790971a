// Types that are delivered at least once: what a node had not delivered goes to the next node of its name.
#include "actors/bridge/test_node.hpp"

#include <latch>
#include <numeric>

namespace mycelium::bridge {
namespace {

constexpr std::uint16_t other_type = type + 1;

class stuck;

class successors : public testing::Test {
protected:
  static settings quick() {
    settings how;
    how.first_retry = 1ms;
    how.last_retry = 5ms;
    return how;
  }
  static settings at_least_once(const char* types = "20001") {
    auto how = quick();
    how.at_least_once = *type_set::parse(types);
    return how;
  }
  static std::vector<std::string> numbers(int from, int to) {
    std::vector<std::string> all;
    for (int i = from; i < to; ++i)
      all.push_back(std::to_string(i));
    return all;
  }
  static void publish(node& by, int from, int to, std::uint16_t type_id = type) {
    for (const auto& each : numbers(from, to))
      ASSERT_EQ(by.publish(each, type_id), status::success);
  }
  // Links b with a; b acknowledges so many messages, and stands still in the callback for the first.
  static void stand_still(node& b, stuck& in, node& a, const address& at, int with);
  static outbox_stats to_neighbour(node& of) {
    const auto stats = of.link().stats();
    return stats.neighbours.empty() ? outbox_stats{} : stats.neighbours[0].out;
  }

  socket_folder folder_;
};

// A subscriber whose first callback does not return until it is let go.
class stuck {
public:
  std::uint64_t subscribe(node& at, std::uint16_t type_id = type) {
    runtime::subscription_options options;
    options.type_id = type_id;
    options.block_timeout_ns = patience;
    options.user_data = this;
    options.on_message = [](const MyceliumMessage*, void* user_data) {
      auto* self = static_cast<stuck*>(user_data);
      self->has_begun_.count_down();
      self->may_go_on_.wait();
    };
    return *at.bus().subscribe(std::move(options));
  }
  void wait() { has_begun_.wait(); }
  void let_go() { may_go_on_.count_down(); }

private:
  std::latch has_begun_{1};
  std::latch may_go_on_{1};
};

void successors::stand_still(node& b, stuck& in, node& a, const address& at, int with) {
  in.subscribe(b);
  b.dial(at);
  a.wanted();
  publish(a, 0, with);
  in.wait();
  while (to_neighbour(a).acknowledged < std::uint64_t(with))
    std::this_thread::yield();
}

TEST_F(successors, give_a_receipt_when_a_message_is_delivered_and_not_before) {
  node a("a", at_least_once());
  stuck here;
  node b("b", quick());
  stand_still(b, here, a, a.listen(folder_.at()), 10);
  // The first is in the callback.
  EXPECT_EQ(to_neighbour(a).unconfirmed, 10u);
  here.let_go();
  while (to_neighbour(a).unconfirmed != 0)
    std::this_thread::yield();
}

TEST_F(successors, get_what_was_acknowledged_and_not_delivered) {
  node a("a", at_least_once());
  const auto at = a.listen(folder_.at());
  stuck here;
  node b("worker", quick());
  stand_still(b, here, a, at, 100);
  // It leaves without having delivered them: its runtime closes at a deadline that has passed.
  EXPECT_FALSE(b.bus().close(deadline::in(0)));
  while (a.link().stats().links_cut == 0)
    std::this_thread::yield();
  publish(a, 100, 200); // nobody is there
  inbox got;
  node again("worker", quick());
  again.subscribe(got);
  again.dial(at);
  ASSERT_TRUE(got.wait_for(200));
  publish(a, 200, 300);
  ASSERT_TRUE(got.wait_for(300));
  EXPECT_EQ(got.all(), numbers(0, 300));
  while (to_neighbour(a).unconfirmed != 0)
    std::this_thread::yield();
  here.let_go();
}

TEST_F(successors, that_subscribe_late_get_it_when_they_do) {
  node a("a", at_least_once("20001, 20002"));
  const auto at = a.listen(folder_.at());
  inbox first;
  auto b = std::make_unique<node>("worker", quick());
  b->subscribe(first);
  b->subscribe(first, other_type);
  b->dial(at);
  a.wanted(type);
  a.wanted(other_type);
  b.reset();
  while (a.link().stats().links_cut == 0)
    std::this_thread::yield();
  publish(a, 0, 50);
  publish(a, 50, 100, other_type);
  inbox later;
  inbox got;
  node again("worker", quick());
  again.dial(at);
  again.linked(1);
  a.linked(1);
  publish(a, 100, 150);
  again.subscribe(got);
  ASSERT_TRUE(got.wait_for(100));
  publish(a, 150, 200);
  ASSERT_TRUE(got.wait_for(150));
  auto expected = numbers(0, 50);
  for (const auto& each : numbers(100, 200))
    expected.push_back(each);
  EXPECT_EQ(got.all(), expected);
  again.subscribe(later, other_type);
  ASSERT_TRUE(later.wait_for(50));
  EXPECT_EQ(later.all(), numbers(50, 100));
}

TEST_F(successors, of_a_hub_get_what_it_had_not_passed_on) {
  const auto at = folder_.at();
  auto hub = std::make_unique<node>("hub", quick());
  hub->listen(at);
  const auto place = *parse_address(at);
  node a("a", at_least_once());
  a.dial(place);
  inbox got;
  node b("b", quick());
  stuck here;
  here.subscribe(b);
  b.subscribe(got);
  b.dial(place);
  a.wanted();
  publish(a, 0, 100);
  here.wait();
  // It leaves. What b has got stands in b's mailbox, and nobody has told a of it.
  (void)hub->bus().close(deadline::in(0));
  hub.reset();
  publish(a, 100, 200);
  hub = std::make_unique<node>("hub", quick());
  hub->listen(at);
  here.let_go();
  ASSERT_TRUE(got.wait_for(200));
  publish(a, 200, 300);
  ASSERT_TRUE(got.wait_for(300));
  EXPECT_EQ(got.all(), numbers(0, 300)); // b knows what it had before: nothing comes twice to a process that lives
}

TEST_F(successors, of_another_name_or_for_other_types_get_nothing) {
  auto how = at_least_once("20002");
  how.linger = 1s; // in which all of this is published
  node a("a", how);
  const auto at = a.listen(folder_.at());
  inbox first;
  auto b = std::make_unique<node>("worker", quick());
  b->subscribe(first);
  b->subscribe(first, other_type);
  b->dial(at);
  a.wanted(type);
  a.wanted(other_type);
  b.reset();
  while (a.link().stats().links_cut == 0)
    std::this_thread::yield();
  publish(a, 0, 10);
  publish(a, 10, 20, other_type);
  inbox got;
  node stranger("somebody", quick());
  stranger.subscribe(got);
  stranger.subscribe(got, other_type);
  stranger.dial(at);
  a.linked(1);
  while (a.link().stats().gone.lost == 0) // worker has been given up
    std::this_thread::yield();
  EXPECT_EQ(a.link().stats().gone.lost, 20u);
  while (a.publish("last") == status::success && got.all().empty())
    std::this_thread::yield();
  EXPECT_EQ(got.all().front(), "last");
}

TEST_F(successors, get_what_publishers_wait_with_for_room) {
  constexpr int publishers = 4;
  constexpr int each = 100;
  auto how = at_least_once();
  how.capacity = 16;
  how.block_timeout_ns = patience;
  node a("a", how);
  const auto at = a.listen(folder_.at());
  stuck here;
  node b("worker", quick());
  stand_still(b, here, a, at, 1);
  std::vector<std::jthread> threads;
  for (int i = 0; i < publishers; ++i)
    threads.emplace_back([&, i] { publish(a, 1 + i * each, 1 + (i + 1) * each); });
  while (to_neighbour(a).waiting < 16)
    std::this_thread::yield();
  EXPECT_FALSE(b.bus().close(deadline::in(0)));
  inbox got;
  node again("worker", quick());
  again.subscribe(got);
  again.dial(at);
  ASSERT_TRUE(got.wait_for(1 + publishers * each));
  auto all = got.all();
  const auto by_number = [](const std::string& text) { return std::stoi(text); };
  for (int i = 0; i < publishers; ++i) {
    auto of_one = all;
    std::erase_if(of_one, [&](const auto& text) { return by_number(text) == 0 || (by_number(text) - 1) / each != i; });
    EXPECT_EQ(of_one, numbers(1 + i * each, 1 + (i + 1) * each));
  }
  here.let_go();
}

TEST_F(successors, do_not_wait_for_publishers_of_what_is_not_theirs) {
  auto how = at_least_once("20001,20002");
  how.capacity = 16;
  how.block_timeout_ns = patience;
  node a("a", how);
  const auto at = a.listen(folder_.at());
  stuck here;
  inbox others;
  node b("worker", quick());
  b.subscribe(others, other_type);
  stand_still(b, here, a, at, 1);
  a.wanted(other_type);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (a.publish("of another type", other_type) != status::closed) {
      }
    });
  threads.emplace_back([&] { publish(a, 1, 50); });
  while (to_neighbour(a).unconfirmed < 16)
    std::this_thread::yield();
  EXPECT_FALSE(b.bus().close(deadline::in(0)));
  inbox got;
  node again("worker", quick());
  again.subscribe(got);
  again.dial(at);
  EXPECT_TRUE(got.wait_for(50));
  EXPECT_EQ(got.all(), numbers(0, 50));
  (void)a.bus().close(deadline::in(0));
  threads.clear();
  here.let_go();
}

TEST_F(successors, find_a_bound_and_a_publisher_that_waits) {
  auto how = at_least_once();
  how.capacity = 16;
  how.when_full = runtime::policy::fail;
  node a("a", how);
  node b("b", quick());
  stuck here;
  here.subscribe(b);
  b.dial(a.listen(folder_.at()));
  a.wanted();
  publish(a, 0, 1);
  here.wait();
  int accepted = 1;
  while (a.publish("more") == status::success && accepted < 100'000)
    ++accepted;
  EXPECT_LT(accepted, 100'000);
  while (to_neighbour(a).unconfirmed < 16)
    std::this_thread::yield();
  EXPECT_EQ(to_neighbour(a).unconfirmed, 16u);
  here.let_go();
  while (to_neighbour(a).unconfirmed + to_neighbour(a).waiting != 0)
    std::this_thread::yield();
  EXPECT_EQ(to_neighbour(a).sent, std::uint64_t(accepted));
}

TEST_F(successors, two_of_a_name_that_live_both_get_what_they_want) {
  node a("a", at_least_once());
  const auto at = a.listen(folder_.at());
  inbox first;
  inbox second;
  node b("twin", quick());
  b.subscribe(first);
  b.dial(at);
  a.wanted();
  node c("twin", quick());
  c.subscribe(second);
  c.dial(at);
  a.wanted(type, 2);
  publish(a, 0, 100);
  ASSERT_TRUE(first.wait_for(100));
  ASSERT_TRUE(second.wait_for(100));
  EXPECT_EQ(first.all(), numbers(0, 100));
  EXPECT_EQ(second.all(), numbers(0, 100));
}

TEST_F(successors, that_are_there_before_the_one_before_has_gone_get_the_rest_then) {
  node a("a", at_least_once());
  const auto at = a.listen(folder_.at());
  stuck here;
  node b("worker", quick());
  stand_still(b, here, a, at, 10);
  inbox got;
  node next("worker", quick());
  next.subscribe(got);
  next.dial(at);
  a.wanted(type, 2);
  publish(a, 10, 3000); // more than is remembered one by one
  ASSERT_TRUE(got.wait_for(2990));
  EXPECT_FALSE(b.bus().close(deadline::in(0)));
  ASSERT_TRUE(got.wait_for(3000));
  auto all = numbers(10, 3000);
  for (const auto& each : numbers(0, 10))
    all.push_back(each);
  EXPECT_EQ(got.all(), all);
  here.let_go();
}

TEST_F(successors, find_what_history_keeps_confirmed_all_the_same) {
  node a("a", at_least_once());
  inbox got;
  node b("b", quick());
  ASSERT_TRUE(b.bus().keep_history(type, 8));
  b.subscribe(got);
  b.dial(a.listen(folder_.at()));
  a.wanted();
  publish(a, 0, 4);
  ASSERT_TRUE(got.wait_for(4));
  while (to_neighbour(a).acknowledged < 4 || to_neighbour(a).unconfirmed != 0)
    std::this_thread::yield();
}

} // namespace
} // namespace mycelium::bridge
