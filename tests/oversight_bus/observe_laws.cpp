// Laws of the observer, and of what can be seen of any oversight.
#include "oversight_bus/watch.hpp"

namespace mycelium::laws {
namespace {

constexpr auto ended = tools::token_source::step::ended;

watch::tweak observing(std::uint32_t capacity = 64) {
  return [capacity](MyceliumOversightConfig& given, auto&, auto&) {
    given.mode = MYCELIUM_OVERSIGHT_OBSERVE;
    given.capacity = capacity;
  };
}

TEST(oversight_observer, watches_every_session_that_is_published_to_all) {
  const bus rt(2);
  const reader seen(rt);
  tools::token_source source(rt, words());
  const watch by(
      rt,
      [](const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) {
        mycelium_score_set(answer, question.session_id == 8 && question.index == 5 ? 0.1 : 0.9);
      },
      observing());
  for (const std::uint64_t session : {7u, 8u}) {
    source.begin(session, 0);
    EXPECT_EQ(source.say_all(session), ended);
  }
  ASSERT_TRUE(seen.wait_for_cancels(1));
  EXPECT_EQ(seen.cancel_of(8).detail, "hard_limit (0.1000 < 0.5)");
  ASSERT_TRUE(seen.wait_for_verdicts(words().size() + 6));
  EXPECT_EQ(seen.verdicts_of(7).size(), words().size());
  EXPECT_EQ(seen.verdicts_of(8).size(), 6u);
  ASSERT_TRUE(by.wait_until_all_left());
  const auto stats = by.stats();
  EXPECT_EQ(stats.begun, 2u);
  EXPECT_EQ(stats.released, words().size() + 5);
  ASSERT_TRUE(seen.wait_for_dones(2));
  EXPECT_EQ(seen.done_of(7).tokens, words().size()) << "the source's own, once";
}

TEST(oversight_observer, cancels_sessions_that_are_too_many) {
  const bus rt(2);
  const reader seen(rt);
  const watch by(rt, always(0.9), [](MyceliumOversightConfig& given, auto&, auto&) {
    given.mode = MYCELIUM_OVERSIGHT_OBSERVE;
    given.max_sessions = 1;
  });
  ASSERT_TRUE(ok(publish_token(rt, 0, {.session_id = 7, .text = "first"})));
  schema::message_writer writer;
  for (const std::uint64_t session : {7u, 8u}) {
    const auto payload = writer.write(inference_token{.session_id = session, .text = "first"});
    ASSERT_TRUE(ok(mycelium_publish(rt, inference_token::type_id, payload.data(), payload.size())));
  }
  ASSERT_TRUE(seen.wait_for_cancels(1));
  EXPECT_EQ(seen.cancel_of(8).reason, end_reason::halted);
  EXPECT_EQ(by.stats().refused, 1u);
  EXPECT_EQ(by.stats().sessions, 1u);
}

TEST(oversight_observer, halts_a_session_whose_mailbox_overflows) {
  const bus rt(2);
  const reader seen(rt);
  tools::token_source source(rt, words());
  gate shut;
  const watch by(
      rt,
      [&](const MyceliumScoreQuestion&, MyceliumScoreAnswer* answer) {
        shut.pass();
        mycelium_score_set(answer, 0.9);
      },
      observing(2));
  const opens_at_end opens(shut);
  source.begin(7, 0);
  EXPECT_EQ(source.say_next(7), tools::token_source::step::published);
  ASSERT_TRUE(shut.wait_for_arrivals());
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(source.say_next(7), tools::token_source::step::published);
  ASSERT_TRUE(seen.wait_for_tokens(7));
  // Seven to the reader, and seven to the one who hands over what fits: one is being scored, two wait, and no more fit.
  ASSERT_TRUE(eventually([&] { return stats_of(rt).delivered == 14; }));
  shut.open();
  ASSERT_TRUE(seen.wait_for_cancels(1));
  ASSERT_TRUE(seen.wait_for_verdicts(4));
  EXPECT_EQ(seen.verdicts_of(7).back().error, "more than 2 tokens wait for their scores");
}

TEST(oversight_observer, takes_no_notice_of_what_is_no_message) {
  const bus rt(2);
  const watch by(rt, always(0.9), observing());
  ASSERT_TRUE(ok(publish(rt, inference_token::type_id, "nonsense")));
  ASSERT_TRUE(ok(publish(rt, inference_done::type_id, "nonsense")));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(by.stats().refused, 2u);
  EXPECT_EQ(by.stats().begun, 0u);
}

std::string metrics_of(MyceliumRuntime* rt) {
  std::size_t size = 0;
  EXPECT_TRUE(ok(mycelium_metrics_text(rt, nullptr, 0, &size)));
  std::string text(size + 1, '\0');
  EXPECT_TRUE(ok(mycelium_metrics_text(rt, text.data(), text.size(), &size)));
  text.resize(size);
  return text;
}

TEST(oversight_metrics, count_what_each_oversight_does) {
  const bus rt(2);
  const reader seen(rt);
  tools::token_source source(rt, words());
  const watch by(rt, drops_at(5), [](MyceliumOversightConfig& given, auto&, auto&) { given.name = "fi\"rst"; });
  const watch other(rt, always(0.9), [](MyceliumOversightConfig& given, auto&, auto&) { given.name = "second"; });
  source.begin(7, by.attach(7));
  EXPECT_EQ(source.say_all(7), ended);
  ASSERT_TRUE(by.wait_until_all_left());
  (void)other.attach(8);
  const auto text = metrics_of(rt);
  const auto has = [&](const std::string& line) { return text.find(line) != std::string::npos; };
  EXPECT_TRUE(has("mycelium_oversight_released_total{runtime=\"mycelium\",oversight=\"fi\\\"rst\"} 5\n")) << text;
  EXPECT_TRUE(
      has("mycelium_oversight_halts_total{runtime=\"mycelium\",oversight=\"fi\\\"rst\",kind=\"hard_limit\"} 1\n"));
  EXPECT_TRUE(has("mycelium_oversight_sessions{runtime=\"mycelium\",oversight=\"second\"} 1\n"));
  // A family stands together, once; a session's mailbox has no lines of its own.
  const std::string family = "# TYPE mycelium_oversight_tokens counter\n";
  ASSERT_TRUE(has(family));
  EXPECT_EQ(text.find(family, text.find(family) + 1), std::string::npos);
  EXPECT_EQ(text.find("second/8"), std::string::npos);
  EXPECT_EQ(text.substr(text.size() - 6), "# EOF\n");
}

TEST(oversight_log, tells_of_a_halt) {
  struct log {
    std::mutex mutex;
    std::vector<std::string> lines;
  } said;
  auto config = new_config(2);
  config.log = [](MyceliumLogLevel, const char* text, void* self) {
    auto& to = *static_cast<log*>(self);
    std::lock_guard lock(to.mutex);
    to.lines.emplace_back(text);
  };
  config.log_user_data = &said;
  {
    const bus rt(config);
    tools::token_source source(rt, words());
    const watch by(rt, drops_at(5), [](MyceliumOversightConfig& given, auto&, auto&) { given.name = "safety"; });
    source.begin(7, by.attach(7));
    EXPECT_EQ(source.say_all(7), ended);
    ASSERT_TRUE(by.wait_until_all_left());
  }
  EXPECT_EQ(std::count(said.lines.begin(), said.lines.end(),
                       "oversight 'safety' halted session 7 at token 5: hard_limit (0.1000 < 0.5)"),
            1);
}

} // namespace
} // namespace mycelium::laws
