#include "tools/cli/top_screen.hpp"

#include "tools/cli/http/metrics.hpp"
#include "tools/cli/http/page_server.hpp"

#include <gtest/gtest.h>

namespace mycelium::cli {
namespace {

mesh_view some_nodes(std::size_t count) {
  mesh_view view;
  for (std::size_t i = 0; i < count; ++i) {
    node_row node;
    node.id = "000000000000000" + std::to_string(i);
    node.name = "node-" + std::to_string(i);
    node.reports = true;
    node.process = 100 - i;
    node.published_per_s = static_cast<double>(i);
    view.nodes.push_back(std::move(node));
  }
  return view;
}

std::vector<std::string> texts(const std::vector<top_screen::line>& lines) {
  std::vector<std::string> out;
  for (const auto& each : lines)
    out.push_back(each.text);
  return out;
}

TEST(top_screen, fills_every_size_without_running_over) {
  const auto view = some_nodes(30);
  top_screen screen;
  for (const auto key : {top_key::page_1, top_key::page_2, top_key::page_3, top_key::page_4, top_key::page_5}) {
    EXPECT_TRUE(screen.press(key));
    for (std::size_t height = 0; height < 60; ++height)
      for (const std::size_t width : {0u, 1u, 20u, 200u}) {
        const auto lines = screen.lines(view, height, width);
        EXPECT_EQ(lines.size(), std::max<std::size_t>(height, 1));
        for (const auto& each : lines)
          EXPECT_LE(width_of(each.text), width);
      }
  }
}

TEST(top_screen, sorts_by_numbers_and_texts_both_ways) {
  const auto view = some_nodes(3);
  top_screen screen;
  screen.press(top_key::page_2);
  const auto order = [&] {
    std::string all;
    for (const auto& text : texts(screen.lines(view, 20, 200)))
      if (text.starts_with("node-"))
        all += text[5];
    return all;
  };
  EXPECT_EQ(order(), "012");
  screen.press(top_key::reverse);
  EXPECT_EQ(order(), "210");
  screen.press(top_key::next_column); // host
  screen.press(top_key::next_column); // process: the largest first
  EXPECT_EQ(order(), "012");
  screen.press(top_key::reverse);
  EXPECT_EQ(order(), "210");
  screen.press(top_key::previous_column);
  screen.press(top_key::previous_column);
  screen.press(top_key::previous_column); // the last: links, all alike, so that the order stays
  EXPECT_EQ(order(), "012");
  EXPECT_FALSE(screen.press(top_key::quit));
}

TEST(top_screen, scrolls_as_far_as_there_are_rows) {
  const auto view = some_nodes(20);
  top_screen screen;
  screen.press(top_key::page_2);
  EXPECT_TRUE(texts(screen.lines(view, 10, 200))[2].starts_with("node-0"));
  screen.press(top_key::down);
  EXPECT_TRUE(texts(screen.lines(view, 10, 200))[2].starts_with("node-1 "));
  for (int i = 0; i < 10; ++i)
    screen.press(top_key::page_down);
  EXPECT_TRUE(texts(screen.lines(view, 10, 200))[2].starts_with("node-9")); // by name the last
  screen.press(top_key::home);
  EXPECT_TRUE(texts(screen.lines(view, 10, 200))[2].starts_with("node-0"));
  screen.press(top_key::up);
  EXPECT_TRUE(texts(screen.lines(view, 10, 200))[2].starts_with("node-0"));
}

TEST(top_screen, writes_no_control_characters_of_others) {
  auto view = some_nodes(1);
  view.nodes[0].name = "\x1b[2J";
  top_screen screen;
  for (const auto& text : texts(screen.lines(view, 20, 200)))
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(metrics_text, has_a_line_end_of_its_own_in_each_format) {
  auto view = some_nodes(1);
  view.nodes[0].name = "a \"b\"\n\\";
  view.nodes[0].published = 7;
  const auto open = write_metrics(view, metrics_format::open_metrics);
  EXPECT_NE(open.find("# TYPE mycelium_node_published counter\n"), std::string::npos);
  EXPECT_NE(open.find("mycelium_node_published_total{node=\"0000000000000000\",name=\"a \\\"b\\\"\\n\\\\\"} 7\n"),
            std::string::npos)
      << open;
  EXPECT_TRUE(open.ends_with("# EOF\n"));
  const auto old = write_metrics(view, metrics_format::prometheus);
  EXPECT_NE(old.find("# TYPE mycelium_node_published_total counter\n"), std::string::npos);
  EXPECT_EQ(old.find("# EOF"), std::string::npos);
}

TEST(page_server, answers_to_addresses_and_its_own_name_only) {
  for (const auto* good : {"127.0.0.1", "127.0.0.1:80", "localhost:1", "[::1]:8080", "10.1.2.3", "box.local:9"})
    EXPECT_TRUE(is_own_name(good, "box.local")) << good;
  for (const auto* bad :
       {"", "evil.example", "127.0.0.1.evil.example", "[evil", "[", "localhost.evil:1", "box.local.evil", ":80"})
    EXPECT_FALSE(is_own_name(bad, "box.local")) << bad;
}

} // namespace
} // namespace mycelium::cli
