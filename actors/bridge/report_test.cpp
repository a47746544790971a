// A node's report of itself: who gets it, what it says, and that nobody pays for it who does not ask.
#include "actors/bridge/test_node.hpp"
#include "report_generated.h"
#include "schema/report_type.hpp"

namespace mycelium::bridge {
namespace {

// What the n-th report says.
class reports : public inbox {
public:
  const report::NodeReport* at(std::size_t which) {
    if (!wait_for(which + 1))
      return nullptr;
    kept_.push_back(all()[which]);
    const auto* payload = reinterpret_cast<const std::uint8_t*>(kept_.back().data());
    flatbuffers::Verifier verifier(payload, kept_.back().size());
    return verifier.VerifyBuffer<report::NodeReport>(nullptr) ? flatbuffers::GetRoot<report::NodeReport>(payload)
                                                              : nullptr;
  }
  // The first report for which a condition holds.
  template <class Condition>
  const report::NodeReport* until(Condition holds) {
    for (std::size_t i = 0;; ++i) {
      const auto* found = at(i);
      if (found == nullptr || holds(*found))
        return found;
    }
  }

private:
  std::deque<std::string> kept_;
};

bool is_of(const report::NodeReport& r, const node& whose) {
  return r.node() == const_cast<node&>(whose).link().node();
}

std::size_t reports_published_by(node& whose) {
  const auto traffic = whose.bus().traffic();
  const auto found = traffic.find(schema::report_type_id);
  return found == traffic.end() ? 0 : found->second.published;
}

TEST(node_reports, tell_types_subscriptions_and_links_of_every_node) {
  const socket_folder folder;
  inbox got;
  reports heard;
  node a("a");
  node b("b");
  b.subscribe(got);
  b.dial(a.listen(folder.at()));
  a.wanted();
  for (int i = 0; i < 10; ++i)
    a.publish("12345");
  ASSERT_TRUE(got.wait_for(10));
  b.subscribe(heard, schema::report_type_id);

  const auto* of_a = heard.until(
      [&](const auto& r) { return is_of(r, a) && r.links()->size() == 1 && r.links()->Get(0)->acknowledged() >= 10; });
  ASSERT_NE(of_a, nullptr);
  EXPECT_EQ(of_a->name()->str(), "a");
  EXPECT_EQ(of_a->process(), static_cast<std::uint32_t>(::getpid()));
  ASSERT_GE(of_a->types()->size(), 1u);
  const auto find_type = [](const report::NodeReport& r) {
    for (const auto* each : *r.types())
      if (each->type_id() == type)
        return each;
    return static_cast<const report::NodeTraffic*>(nullptr);
  };
  ASSERT_NE(find_type(*of_a), nullptr);
  EXPECT_EQ(find_type(*of_a)->published(), 10u);
  EXPECT_EQ(find_type(*of_a)->published_bytes(), 50u);
  EXPECT_EQ(find_type(*of_a)->arrived(), 0u);
  const auto* link = of_a->links()->Get(0);
  EXPECT_EQ(link->node(), b.link().node());
  EXPECT_EQ(link->name()->str(), "b");
  EXPECT_TRUE(link->address()->str().starts_with("unix:"));
  EXPECT_GE(link->sent(), 10u);
  EXPECT_EQ(link->dropped() + link->lost(), 0u);
  EXPECT_GT(link->credit(), 0u);
  ASSERT_GE(of_a->subscriptions()->size(), 1u);
  EXPECT_TRUE(of_a->subscriptions()->Get(0)->leads_away());

  // The callback that told of the tenth message may have been under way when b looked.
  const auto delivered_at_b = [](const report::NodeReport& r) {
    for (const auto* each : *r.subscriptions())
      if (each->type_id() == type && !each->leads_away())
        return each->delivered();
    return std::uint64_t{0};
  };
  const auto* of_b = heard.until([&](const auto& r) { return is_of(r, b) && delivered_at_b(r) >= 10; });
  ASSERT_NE(of_b, nullptr);
  ASSERT_NE(find_type(*of_b), nullptr);
  EXPECT_EQ(find_type(*of_b)->arrived(), 10u);
  EXPECT_EQ(find_type(*of_b)->arrived_bytes(), 50u);
  EXPECT_EQ(find_type(*of_b)->published(), 0u);
  EXPECT_EQ(delivered_at_b(*of_b), 10u);
}

TEST(node_reports, come_again_and_end_when_nobody_wants_them) {
  const socket_folder folder;
  reports heard;
  node a("a");
  reports again;
  node b("b");
  b.dial(a.listen(folder.at()));
  b.linked(1);
  EXPECT_EQ(reports_published_by(a), 0u) << "nobody has asked";
  const auto id = b.subscribe(heard, schema::report_type_id);
  ASSERT_TRUE(heard.wait_for(3)); // both nodes' first, and more
  EXPECT_TRUE(b.bus().unsubscribe(id));
  // The other node has been told when the subscription that leads here is gone; what it said until then it said.
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience);
  while (a.bus().is_wanted(schema::report_type_id) && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  ASSERT_FALSE(a.bus().is_wanted(schema::report_type_id));
  // A second subscription starts them anew.
  b.subscribe(again, schema::report_type_id);
  EXPECT_NE(again.until([&](const auto& r) { return is_of(r, a); }), nullptr);
}

TEST(node_reports, a_node_with_thousands_of_subscriptions_lists_the_first_thousand) {
  inbox got;
  reports heard;
  node a("a");
  for (int i = 0; i < 1100; ++i)
    a.subscribe(got);
  a.subscribe(heard, schema::report_type_id);
  const auto* report = heard.at(0);
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->subscriptions()->size(), 1000u);
  EXPECT_EQ(report->more_subscriptions(), 101u);
}

TEST(bridge_metrics, stand_among_those_of_the_runtime) {
  const socket_folder folder;
  inbox got;
  node a("a");
  node b("b \"quoted\"");
  b.subscribe(got);
  b.dial(a.listen(folder.at()));
  a.wanted();
  a.publish("hello");
  ASSERT_TRUE(got.wait_for(1));
  const auto text = a.bus().metrics_text();
  EXPECT_NE(text.find("# TYPE mycelium_bridge_links gauge\n"), std::string::npos) << text;
  EXPECT_NE(text.find("mycelium_bridge_links{runtime=\"a\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("mycelium_link_sent_total{runtime=\"a\",neighbour=\"b \\\"quoted\\\"\",node=\""),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("# EOF\n"));
}

} // namespace
} // namespace mycelium::bridge
