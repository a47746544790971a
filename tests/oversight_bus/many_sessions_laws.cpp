// Ten thousand streams at once: each has its own order, verdicts and end, and leaves nothing behind.
#include "oversight_bus/watch.hpp"

namespace mycelium::laws {
namespace {

constexpr std::uint64_t sessions = 10'000;
constexpr std::uint32_t length = 12; // tokens

// Every tenth session says something at token 1 .. 11 that it should not.
bool is_bad(std::uint64_t session) { return session % 10 == 0; }
std::uint32_t bad_at(std::uint64_t session) { return 1 + std::uint32_t(session / 10 % (length - 1)); }

void score(const MyceliumScoreQuestion* question, MyceliumScoreAnswer* answer, void*) {
  const bool bad = is_bad(question->session_id) && question->index == bad_at(question->session_id);
  mycelium_score_set(answer, bad ? 0.1 : 0.9);
}

// What came of each session; tokens and ends come in different mailboxes.
struct shown {
  std::atomic<std::uint32_t> tokens{0};
  std::atomic<bool> in_order{true};
  std::atomic<int> ends{0};
  std::atomic<std::uint32_t> announced{0};
  std::atomic<bool> halted{false};
};

class many_sessions : public testing::TestWithParam<std::uint32_t> {};

TEST_P(many_sessions, each_has_its_own_order_verdicts_and_end) {
  const bus rt(2);
  std::vector<shown> seen(sessions + 1);
  tally done;
  const auto on_token = [&](const MyceliumMessage* m) {
    inference_token token;
    ASSERT_TRUE(schema::read(payload_of(m), token));
    auto& of = seen[token.session_id];
    if (of.tokens++ != token.index)
      of.in_order = false;
  };
  const auto on_done = [&](const MyceliumMessage* m) {
    inference_done end;
    ASSERT_TRUE(schema::read(payload_of(m), end));
    auto& of = seen[end.session_id];
    of.announced = end.tokens;
    of.halted = end.reason == end_reason::halted;
    ++of.ends;
    done.add();
  };
  const subscriber tokens(rt, inference_token::type_id, delivery::message, on_token);
  const subscriber ends(rt, inference_done::type_id, delivery::message, on_done);

  const auto text = tools::words_of(" a b c d e f g h i j k l");
  ASSERT_EQ(text.size(), length);
  tools::token_source source(rt, text);
  MyceliumOversightConfig config;
  mycelium_oversight_config_init(&config);
  BackfireConfig kernel;
  backfire_config_init(&kernel);
  kernel.deadline_ms = 20'000; // a worker that is not scheduled is not what is tested here
  config.config = &kernel;
  config.scorer = score;
  config.capacity = 4;
  config.flags = GetParam();
  std::uint64_t id = 0;
  ASSERT_TRUE(ok(mycelium_oversight_create(rt, &config, &id)));
  for (std::uint64_t session = 1; session <= sessions; ++session) {
    std::uint64_t to = 0;
    ASSERT_TRUE(ok(mycelium_oversight_attach(rt, id, session, &to)));
    source.begin(session, to);
  }
  MyceliumOversightStats stats{};
  stats.struct_size = sizeof stats;
  ASSERT_TRUE(ok(mycelium_oversight_stats(rt, id, &stats)));
  EXPECT_EQ(stats.sessions, sessions);

  // All of them at once: each says one token after the other has.
  for (std::uint32_t round = 0; round <= length; ++round)
    for (std::uint64_t session = 1; session <= sessions; ++session)
      ASSERT_NE(source.say_next(session), tools::token_source::step::failed) << mycelium_last_error();

  ASSERT_TRUE(done.wait_for(sessions));
  std::uint64_t expected = 0;
  for (std::uint64_t session = 1; session <= sessions; ++session)
    expected += is_bad(session) ? bad_at(session) : length;
  ASSERT_TRUE(tokens.got().wait_for(expected));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns))); // a token is counted before its callback is through
  for (std::uint64_t session = 1; session <= sessions; ++session) {
    const auto& of = seen[session];
    const auto right = is_bad(session) ? bad_at(session) : length;
    ASSERT_EQ(of.tokens, right) << session;
    ASSERT_EQ(of.announced, right) << session;
    ASSERT_TRUE(of.in_order) << session;
    ASSERT_EQ(of.ends, 1) << session;
    ASSERT_EQ(of.halted, is_bad(session)) << session;
  }
  EXPECT_TRUE(eventually([&] {
    EXPECT_TRUE(ok(mycelium_oversight_stats(rt, id, &stats)));
    return stats.sessions == 0;
  }));
  EXPECT_EQ(stats.released, expected);
  EXPECT_EQ(stats.tokens, stats.released + stats.withheld);
  EXPECT_EQ(stats.halts[BACKFIRE_HALT_HARD_LIMIT], sessions / 10);
  EXPECT_EQ(stats_of(rt).callback_errors, 0u);
  EXPECT_TRUE(ok(mycelium_oversight_destroy(rt, id)));
}

INSTANTIATE_TEST_SUITE_P(ten_thousand, many_sessions, testing::Values(0u, std::uint32_t{MYCELIUM_OVERSIGHT_INLINE}),
                         [](const auto& flags) { return flags.param == 0 ? "on_workers" : "in_their_sources_thread"; });

} // namespace
} // namespace mycelium::laws
