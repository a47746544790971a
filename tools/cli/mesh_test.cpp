#include "tools/cli/mesh.hpp"

#include "tools/cli/bus_source.hpp"

#include <gtest/gtest.h>

namespace mycelium::cli {
namespace {

constexpr std::int64_t second = 1'000'000'000;

class meshes : public testing::Test {
protected:
  // A report as it is read from a message: every number is there.
  static json report(std::uint64_t node, std::uint64_t published, std::uint64_t to = 0, std::uint64_t sent = 0) {
    json out{{"node", node}, {"name", "n" + std::to_string(node)}, {"host", "here"}, {"version", "1"}};
    for (const auto* key : {"process", "uptime_ns", "published", "published_bytes", "arrived", "arrived_bytes",
                            "delivered", "dropped", "refused", "handler_errors", "links_made", "links_cut",
                            "links_refused", "repeated", "invalid", "missing", "lost"})
      out[key] = 0;
    out["published"] = published;
    out["types"] = json::array({{{"type_id", 1001},
                                 {"published", published},
                                 {"published_bytes", 10 * published},
                                 {"arrived", 0},
                                 {"arrived_bytes", 0}}});
    out["subscriptions"] = json::array();
    out["links"] = json::array();
    if (to != 0) {
      json link{{"node", to}, {"name", "n" + std::to_string(to)}, {"address", "unix:/x"}};
      for (const auto* key : {"received", "received_bytes", "sent_bytes", "sent_again", "acknowledged", "waiting",
                              "unacknowledged_bytes", "credit", "dropped", "lost"})
        link[key] = 0;
      link["sent"] = sent;
      out["links"].push_back(link);
    }
    return out;
  }

  static json nodes(std::initializer_list<int> ids) {
    json out{{"node", "0000000000000009"}, {"nodes", json::array()}};
    for (const int id : ids)
      out["nodes"].push_back({{"node", "000000000000000" + std::to_string(id)},
                              {"name", "n" + std::to_string(id)},
                              {"neighbours", {"0000000000000009"}},
                              {"wants", {141, 1001}}});
    return out;
  }

  const bus_source source_ = *open_source({}, "mesh-test");
  const bus_types types_ = *bus_types::of(source_);
  mesh all_{types_};
};

TEST_F(meshes, rates_are_of_two_reports_by_their_nodes_clock) {
  all_.know(nodes({1, 9}));
  EXPECT_FALSE(all_.all_have_reported());
  all_.hear(report(1, 100), 5 * second);
  EXPECT_TRUE(all_.all_have_reported());
  EXPECT_EQ(all_.view().types.at(0).published_per_s, 0) << "one report has no rate";
  all_.hear(report(1, 150), 7 * second);
  const auto view = all_.view();
  ASSERT_EQ(view.types.size(), 1u);
  EXPECT_DOUBLE_EQ(view.types[0].published_per_s, 25);
  EXPECT_DOUBLE_EQ(view.types[0].published_bytes_per_s, 250);
  EXPECT_EQ(view.types[0].type, "mycelium.examples.TextMessage");
  EXPECT_DOUBLE_EQ(view.nodes.at(0).published_per_s, 25);
}

TEST_F(meshes, a_clock_that_was_put_back_gives_no_rate_of_its_own) {
  all_.know(nodes({1}));
  all_.hear(report(1, 100), 5 * second);
  all_.hear(report(1, 200), 4 * second);
  EXPECT_EQ(all_.view().types.at(0).published, 100u);
  all_.hear(report(1, 300), 6 * second);
  EXPECT_DOUBLE_EQ(all_.view().types.at(0).published_per_s, 200);
}

TEST_F(meshes, a_counter_that_began_anew_has_grown_by_what_it_is) {
  all_.know(nodes({1, 2}));
  all_.hear(report(1, 0, 2, 1000), 1 * second);
  all_.hear(report(1, 0, 2, 40), 2 * second);
  EXPECT_DOUBLE_EQ(all_.view().links.at(0).sent_per_s, 40);
}

TEST_F(meshes, this_process_and_nodes_out_of_reach_are_left_out) {
  all_.know(nodes({1, 2, 9}));
  all_.hear(report(1, 1, 9), 1 * second);
  all_.hear(report(2, 1), 1 * second);
  const auto view = all_.view();
  ASSERT_EQ(view.nodes.size(), 2u);
  EXPECT_TRUE(view.nodes[0].neighbours.empty());
  EXPECT_EQ(view.nodes[0].wants, std::vector<std::uint16_t>{1001});
  EXPECT_TRUE(view.links.empty()) << "a link to this process";
  all_.know(nodes({2, 9}));
  EXPECT_EQ(all_.view().nodes.size(), 1u);
}

TEST_F(meshes, a_node_that_does_not_report_has_its_name_and_wants) {
  all_.know(nodes({3, 9}));
  const auto view = all_.view();
  ASSERT_EQ(view.nodes.size(), 1u);
  EXPECT_FALSE(view.nodes[0].reports);
  EXPECT_EQ(as_json(view)["nodes"][0]["name"], "n3");
  EXPECT_FALSE(as_json(view)["nodes"][0].contains("published"));
}

} // namespace
} // namespace mycelium::cli
