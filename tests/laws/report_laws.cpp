// What the bus says of itself: statistics, metrics as OpenMetrics text, information as JSON, the log.
#include "gate.hpp"
#include "subscriber.hpp"

#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

namespace mycelium::laws {
namespace {

std::string metrics_of(MyceliumRuntime* rt) {
  std::size_t len = 0;
  EXPECT_TRUE(ok(mycelium_metrics_text(rt, nullptr, 0, &len)));
  std::string text(len + 4096, '\0'); // counters may grow by a digit meanwhile
  EXPECT_TRUE(ok(mycelium_metrics_text(rt, text.data(), text.size(), &len)));
  text.resize(len);
  return text;
}

std::string info() {
  std::size_t len = 0;
  EXPECT_TRUE(ok(mycelium_info_json(nullptr, 0, &len)));
  std::string text(len + 1, '\0');
  EXPECT_TRUE(ok(mycelium_info_json(text.data(), text.size(), nullptr)));
  EXPECT_EQ(text.back(), '\0') << "the terminating zero";
  text.resize(len);
  return text;
}

TEST(stats_laws, the_runtime_counts_what_happened) {
  bus rt{2};
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt, &queue)));
  {
    subscriber first{rt, apples};
    subscriber second{rt, apples};
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(ok(publish(rt, apples, "12345")));
    ASSERT_TRUE(ok(publish(rt, pears, "123")));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, publish(rt, 0, "x")));
    ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
    const auto stats = stats_of(rt);
    EXPECT_EQ(stats.published, 11u);
    EXPECT_EQ(stats.published_bytes, 53u);
    EXPECT_EQ(stats.refused, 1u);
    EXPECT_EQ(stats.offered, 20u);
    EXPECT_EQ(stats.delivered, 20u);
    EXPECT_EQ(stats.waiting, 0u);
    EXPECT_EQ(stats.callback_errors, 0u);
    EXPECT_EQ(stats.subscriptions, 2u);
    EXPECT_EQ(stats.queues, 1u);
    EXPECT_EQ(stats.requests_pending, 0u);
    EXPECT_EQ(stats.threads, 2u);
    for (auto dropped : stats.dropped)
      EXPECT_EQ(dropped, 0u);
    EXPECT_TRUE(adds_up(stats));
  }
  EXPECT_EQ(stats_of(rt).subscriptions, 0u);
  EXPECT_EQ(stats_of(rt).delivered, 20u) << "ended subscriptions are included";
}

TEST(stats_laws, high_water_is_the_most_that_waited) {
  bus rt;
  gate stop;
  opens_at_end release{stop};
  subscriber sub{rt, apples, delivery::dedicated, [&](const MyceliumMessage*) { stop.pass(); }};
  ASSERT_TRUE(ok(publish(rt, apples, "at the gate")));
  ASSERT_TRUE(stop.wait_for_arrivals());
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(ok(publish(rt, apples, "waits")));
  EXPECT_GE(stats_of(rt, sub.id()).waiting, 100u);
  EXPECT_LE(stats_of(rt, sub.id()).waiting, 101u);
  stop.open();
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  const auto stats = stats_of(rt, sub.id());
  EXPECT_GE(stats.high_water, 1u);
  EXPECT_LE(stats.high_water, 101u);
  EXPECT_EQ(stats.waiting, 0u);
  EXPECT_EQ(stats.capacity, 4096u);
}

TEST(stats_laws, an_older_programs_smaller_struct_is_filled_as_far_as_it_goes) {
  bus rt;
  ASSERT_TRUE(ok(publish(rt, apples, "x")));
  MyceliumRuntimeStats stats;
  std::fill_n(reinterpret_cast<unsigned char*>(&stats), sizeof stats, static_cast<unsigned char>(0xee));
  stats.struct_size = offsetof(MyceliumRuntimeStats, refused);
  ASSERT_TRUE(ok(mycelium_runtime_stats(rt, &stats)));
  EXPECT_EQ(stats.published, 1u);
  EXPECT_EQ(stats.refused, 0xeeee'eeee'eeee'eeeeu) << "written past struct_size";
}

TEST(metrics_laws, the_text_is_open_metrics_and_ends_with_eof) {
  auto config = new_config();
  config.name = "a \"quoted\\ name\nof two lines"; // label values are escaped
  bus rt{config};
  subscriber sub{rt, apples, delivery::message, {}, [](auto& options) { options.name = "a \"sub\""; }};
  for (int i = 0; i < 7; ++i)
    ASSERT_TRUE(ok(publish(rt, apples, "x")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  const auto text = metrics_of(rt);
  ASSERT_TRUE(text.ends_with("# EOF\n")) << text;
  const std::regex comment{R"(# (TYPE|HELP|UNIT) [a-z_:][a-z0-9_:]* .+|# EOF)"};
  const std::regex label{R"([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*")"};
  const std::regex sample{R"(([a-z_:][a-z0-9_:]*)(\{(.*)\})? [-+0-9.eEinfNa]+)"};
  std::istringstream lines{text};
  int samples = 0;
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (line.starts_with("#")) {
      EXPECT_TRUE(std::regex_match(line, comment)) << line;
      continue;
    }
    ASSERT_TRUE(std::regex_match(line, parts, sample)) << line;
    const std::string labels = parts[3];
    EXPECT_EQ(std::regex_replace(labels, label, "").find_first_not_of(','), std::string::npos) << line;
    ++samples;
  }
  EXPECT_GT(samples, 10);
  EXPECT_NE(text.find("a \\\"quoted\\\\ name\\nof two lines"), std::string::npos);
}

TEST(metrics_laws, the_counters_are_in_the_text) {
  auto config = new_config();
  config.name = "orchard";
  bus rt{config};
  subscriber sub{rt, apples, delivery::message, {}, [](auto& options) { options.name = "picker"; }};
  for (int i = 0; i < 7; ++i)
    ASSERT_TRUE(ok(publish(rt, apples, "12345")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  const auto text = metrics_of(rt);
  const auto has = [&](const std::string& pattern) { return std::regex_search(text, std::regex{pattern}); };
  EXPECT_TRUE(has(R"((^|\n)mycelium_\w*published\w*_total\{[^}]*"orchard"[^}]*\} 7\n)")) << text;
  EXPECT_TRUE(has(R"((^|\n)mycelium_\w*published\w*bytes\w*_total\{[^}]*"orchard"[^}]*\} 35\n)")) << text;
  EXPECT_TRUE(has(R"((^|\n)mycelium_\w*delivered\w*_total\{[^}]*\} 7\n)")) << text;
  EXPECT_TRUE(has(R"((^|\n)mycelium_\w*dropped\w*_total\{[^}]*\} 0\n)")) << text;
  EXPECT_NE(text.find("\"picker\""), std::string::npos) << text;
}

TEST(metrics_laws, a_small_buffer_gets_a_terminated_beginning_and_the_full_length) {
  bus rt;
  std::size_t len = 0;
  ASSERT_TRUE(ok(mycelium_metrics_text(rt, nullptr, 0, &len)));
  const auto whole = metrics_of(rt);
  for (std::size_t cap : {std::size_t{1}, std::size_t{10}, len / 2}) {
    std::string part(cap + 1, '#');
    std::size_t same = 0;
    ASSERT_TRUE(ok(mycelium_metrics_text(rt, part.data(), cap, &same)));
    EXPECT_EQ(same, len);
    EXPECT_EQ(part[cap - 1], '\0');
    EXPECT_EQ(part[cap], '#') << "written past cap";
    EXPECT_EQ(part.substr(0, cap - 1), whole.substr(0, cap - 1));
  }
}

TEST(info_laws, it_is_a_json_object_with_what_a_bug_report_needs) {
  const auto parsed = nlohmann::json::parse(info(), nullptr, false);
  ASSERT_TRUE(parsed.is_object()) << info();
  const auto text = parsed.dump();
  EXPECT_NE(text.find(mycelium_version()), std::string::npos);
  for (const char* word : {"compiler", "CAF", "clock", "cores", "MYCELIUM_THREADS", "TextMessage"})
    EXPECT_NE(text.find(word), std::string::npos) << word << " is missing in " << text;
}

TEST(info_laws, a_small_buffer_gets_a_terminated_beginning_and_the_full_length) {
  const auto whole = info();
  std::string part(17, '#');
  std::size_t len = 0;
  ASSERT_TRUE(ok(mycelium_info_json(part.data(), 16, &len)));
  EXPECT_EQ(len, whole.size());
  EXPECT_EQ(part.substr(0, 15), whole.substr(0, 15));
  EXPECT_EQ(part[15], '\0');
  EXPECT_EQ(part[16], '#');
}

TEST(about_laws, the_library_tells_its_version) {
  EXPECT_EQ(mycelium_abi_version(), (std::uint32_t{MYCELIUM_ABI_MAJOR} << 16) | MYCELIUM_ABI_MINOR);
  EXPECT_TRUE(std::regex_match(mycelium_version(), std::regex{R"(\d+\.\d+\.\d+)"})) << mycelium_version();
}

TEST(log_laws, a_complaint_is_logged_without_a_lock_held) {
  struct context {
    std::atomic<MyceliumRuntime*> rt{nullptr};
    collector lines{};
  } self;
  auto config = new_config();
  config.log_user_data = &self;
  config.log = [](MyceliumLogLevel level, const char* text, void* data) {
    auto& mine = *static_cast<context*>(data);
    EXPECT_GE(level, MYCELIUM_LOG_ERROR);
    EXPECT_LE(level, MYCELIUM_LOG_INFO);
    if (mine.rt != nullptr) // a log callback may call back
      stats_of(mine.rt);
    mine.lines.add(record{0, 0, 0, text, nullptr});
  };
  bus rt{config};
  self.rt = rt;
  subscriber sub{rt, apples, delivery::message, [](const MyceliumMessage*) { throw std::runtime_error{"oh dear"}; },
                 [](auto& options) { options.name = "complainer"; }};
  ASSERT_TRUE(ok(publish(rt, apples, "x")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  std::string all;
  for (auto& line : self.lines.payloads())
    all += line + "\n";
  EXPECT_NE(all.find("complainer"), std::string::npos) << all;
  EXPECT_NE(all.find("oh dear"), std::string::npos) << all;
  self.rt = nullptr;
}

} // namespace
} // namespace mycelium::laws
