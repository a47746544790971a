// Laws of the gate: what is released, in which order, what is not, and who is told.
#include "oversight_bus/watch.hpp"

namespace mycelium::laws {
namespace {

class oversight_gate : public testing::TestWithParam<std::uint32_t> {
protected:
  bus rt_{GetParam()};
  reader seen_{rt_};
  tools::token_source source_{rt_, words()};

  // Says the whole text in a session that `by` watches, and waits for its end.
  void say(const watch& by, std::uint64_t session_id) {
    source_.begin(session_id, by.attach(session_id));
    EXPECT_EQ(source_.say_all(session_id), tools::token_source::step::ended) << mycelium_last_error();
    EXPECT_TRUE(seen_.wait_for_dones(1));
  }
};

TEST_P(oversight_gate, a_clean_text_is_shown_whole_and_then_its_end) {
  const watch by(rt_, always(0.9));
  say(by, 7);
  EXPECT_EQ(seen_.text_of(7), first_words(words().size()));
  const auto done = seen_.done_of(7);
  EXPECT_EQ(done.reason, end_reason::end_of_sequence);
  EXPECT_EQ(done.tokens, words().size());
  EXPECT_EQ(seen_.cancels(), 0u);
  EXPECT_TRUE(by.wait_until_all_left());
  const auto stats = by.stats();
  EXPECT_EQ(stats.tokens, words().size());
  EXPECT_EQ(stats.released, words().size());
  EXPECT_EQ(stats.scored, words().size());
  EXPECT_EQ(stats.withheld, 0u);
  EXPECT_EQ(stats.begun, 1u);
}

TEST_P(oversight_gate, the_offending_token_and_all_after_it_are_never_shown) {
  const watch by(rt_, drops_at(5));
  say(by, 7);
  EXPECT_EQ(seen_.text_of(7), first_words(5));
  EXPECT_TRUE(by.wait_until_all_left());
  const auto stats = by.stats();
  EXPECT_EQ(stats.released, 5u);
  EXPECT_EQ(stats.withheld, stats.tokens - 5);
  EXPECT_EQ(stats.halts[BACKFIRE_HALT_HARD_LIMIT], 1u);
  EXPECT_EQ(seen_.text_of(7), first_words(5));
}

TEST_P(oversight_gate, a_halt_is_told_to_the_source_and_to_everybody) {
  // With so small a mailbox the source cannot have come to its end before the halt.
  const watch by(rt_, drops_at(5), [](MyceliumOversightConfig& given, auto&, auto&) { given.capacity = 2; });
  say(by, 7);
  ASSERT_TRUE(seen_.wait_for_cancels(1));
  const auto cancel = seen_.cancel_of(7);
  EXPECT_EQ(cancel.reason, end_reason::halted);
  EXPECT_EQ(cancel.detail, "hard_limit (0.1000 < 0.5)");
  EXPECT_TRUE(source_.state(7).cancelled);
  const auto done = seen_.done_of(7);
  EXPECT_EQ(done.reason, end_reason::halted);
  EXPECT_EQ(done.tokens, 5u) << "as many as were shown";
  EXPECT_EQ(done.detail, "hard_limit (0.1000 < 0.5)");
}

TEST_P(oversight_gate, each_token_has_its_verdict_and_the_halt_its_evidence) {
  const watch by(rt_, drops_at(5));
  say(by, 7);
  ASSERT_TRUE(seen_.wait_for_verdicts(6));
  const auto verdicts = seen_.verdicts_of(7);
  ASSERT_EQ(verdicts.size(), 6u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(verdicts[i].index, i);
    EXPECT_EQ(verdicts[i].action, BACKFIRE_RELEASE);
    EXPECT_EQ(verdicts[i].released, i + 1);
    EXPECT_EQ(verdicts[i].score, 0.9);
    EXPECT_EQ(verdicts[i].reason, "");
    EXPECT_TRUE(verdicts[i].evidence.empty());
  }
  EXPECT_EQ(verdicts[5].index, 5u);
  EXPECT_EQ(verdicts[5].action, BACKFIRE_HALT);
  EXPECT_EQ(verdicts[5].kind, BACKFIRE_HALT_HARD_LIMIT);
  EXPECT_EQ(verdicts[5].released, 5u);
  EXPECT_EQ(verdicts[5].score, 0.1);
  EXPECT_EQ(verdicts[5].limit, 0.5);
  EXPECT_EQ(verdicts[5].reason, "hard_limit (0.1000 < 0.5)");
  EXPECT_EQ(verdicts[5].evidence, (std::vector<double>{0.9, 0.9, 0.9, 0.9, 0.9, 0.1}));
}

TEST_P(oversight_gate, a_warning_is_released_and_told) {
  const watch by(rt_, drops_at(5, 0.65), [](auto&, BackfireConfig& config, auto&) { config.trend_threshold = 1; });
  say(by, 7);
  EXPECT_EQ(seen_.text_of(7), first_words(words().size()));
  ASSERT_TRUE(seen_.wait_for_verdicts(words().size()));
  EXPECT_EQ(seen_.verdicts_of(7)[5].action, BACKFIRE_WARN);
  EXPECT_EQ(by.stats().warnings, 1u);
}

TEST_P(oversight_gate, what_is_released_is_what_was_said_byte_for_byte) {
  const watch by(rt_, always(0.9));
  const auto to = by.attach(7);
  schema::message_writer writer;
  const auto payload = writer.write(inference_token{7, 0, -3, "caf\xc3\xa9", -0.5, 0.25});
  auto envelope = new_envelope(inference_token::type_id);
  envelope.destination = MYCELIUM_TO_SUBSCRIPTION;
  envelope.destination_key = to;
  envelope.priority = 9;
  envelope.correlation_id = 77;
  envelope.has_trace = 1;
  envelope.trace_id[3] = 5;
  envelope.trace_flags = 1;
  MyceliumEnvelope got{};
  tally arrived;
  const subscriber other(rt_, inference_token::type_id, delivery::message, [&](const MyceliumMessage* m) {
    got = envelope_of(m);
    arrived.add();
  });
  ASSERT_TRUE(ok(mycelium_publish_envelope(rt_, &envelope, payload.data(), payload.size())));
  ASSERT_TRUE(arrived.wait_for(1));
  EXPECT_EQ(other.got().payloads()[0], std::string(payload.begin(), payload.end()));
  EXPECT_EQ(got.priority, 9);
  EXPECT_EQ(got.correlation_id, 77u);
  EXPECT_EQ(got.has_trace, 1);
  EXPECT_EQ(got.trace_id[3], 5);
  EXPECT_EQ(got.trace_flags, 1);
  EXPECT_EQ(got.destination, MYCELIUM_TO_ALL);
}

TEST_P(oversight_gate, whole_sentences_are_shown_or_nothing_of_them) {
  const auto in_third_sentence = std::uint64_t{12};
  const watch by(rt_, drops_at(in_third_sentence),
                 [](auto&, auto&, BackfireOptions& options) { options.whole_sentences = 1; });
  say(by, 7);
  EXPECT_EQ(seen_.text_of(7), "The sky is blue. The sea is deep and cold.");
  EXPECT_EQ(seen_.done_of(7).tokens, 10u);
  ASSERT_TRUE(seen_.wait_for_verdicts(13));
  EXPECT_EQ(seen_.verdicts_of(7)[2].released, 0u);
  EXPECT_EQ(seen_.verdicts_of(7)[3].released, 4u);
}

TEST_P(oversight_gate, a_sentence_without_an_end_is_shown_when_the_session_ends) {
  const auto endless = tools::words_of("no full stop here");
  tools::token_source source(rt_, endless);
  const watch by(rt_, always(0.9), [](auto&, auto&, BackfireOptions& options) { options.whole_sentences = 1; });
  source.begin(7, by.attach(7));
  EXPECT_EQ(source.say_all(7), tools::token_source::step::ended);
  EXPECT_TRUE(seen_.wait_for_dones(1));
  EXPECT_EQ(seen_.text_of(7), "no full stop here");
}

TEST_P(oversight_gate, a_sentence_that_is_too_long_to_hold_halts) {
  const watch by(rt_, always(0.9), [](MyceliumOversightConfig& given, auto&, BackfireOptions& options) {
    options.whole_sentences = 1;
    given.max_held = 4;
  });
  say(by, 7);
  EXPECT_EQ(seen_.text_of(7), "The sky is blue.");
  EXPECT_EQ(seen_.done_of(7).reason, end_reason::halted);
  ASSERT_TRUE(seen_.wait_for_verdicts(9)); // of four that are shown, four that are held, and the one that halts
  EXPECT_EQ(seen_.verdicts_of(7).back().error, "a sentence is longer than 4 tokens");
}

TEST_P(oversight_gate, a_soft_halt_finishes_its_sentence) {
  const watch by(rt_, drops_at(6, 0.6), [](auto&, auto&, BackfireOptions& options) { options.soft_halt = 1; });
  say(by, 7);
  EXPECT_EQ(seen_.text_of(7), "The sky is blue. The sea is deep and cold.");
  EXPECT_EQ(seen_.done_of(7).reason, end_reason::halted);
  ASSERT_TRUE(seen_.wait_for_cancels(1));
  EXPECT_EQ(seen_.cancel_of(7).detail, "downward_trend (0.3000 > 0.15)");
}

TEST_P(oversight_gate, a_token_of_too_much_entropy_halts) {
  const watch by(rt_, always(0.9));
  source_.say_entropies({0.5, 1.1, 1.5});
  say(by, 7);
  EXPECT_EQ(seen_.text_of(7), first_words(2));
  EXPECT_EQ(seen_.done_of(7).detail, "entropy (1.5000 > 1.2)");
}

TEST_P(oversight_gate, only_every_nth_token_is_scored_where_that_is_asked_for) {
  std::atomic<int> asked{0};
  const watch by(
      rt_,
      [&](const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) {
        EXPECT_EQ(question.index % 4, 0u);
        ++asked;
        mycelium_score_set(answer, 0.9);
      },
      [](auto&, auto&, BackfireOptions& options) { options.score_every = 4; });
  say(by, 7);
  EXPECT_EQ(seen_.text_of(7), first_words(words().size()));
  EXPECT_EQ(std::size_t(asked.load()), (words().size() + 3) / 4);
}

TEST_P(oversight_gate, a_subscriber_that_is_slow_loses_nothing) {
  gate shut;
  subscriber slow(
      rt_, inference_token::type_id, delivery::dedicated, [&](const MyceliumMessage*) { shut.pass(); },
      [](MyceliumSubscribeOptions& options) { options.capacity = 2; });
  const opens_at_end opens(shut);
  const watch by(rt_, always(0.9), [](MyceliumOversightConfig& given, auto&, auto&) { given.capacity = 2; });
  source_.begin(7, by.attach(7));
  std::thread saying([&] { EXPECT_EQ(source_.say_all(7), tools::token_source::step::ended); });
  EXPECT_TRUE(shut.wait_for_arrivals());
  EXPECT_TRUE(seen_.wait_for_tokens(2));
  shut.open();
  saying.join();
  EXPECT_TRUE(seen_.wait_for_dones(1));
  EXPECT_TRUE(slow.got().wait_for(words().size()));
  EXPECT_EQ(seen_.text_of(7), first_words(words().size()));
  EXPECT_EQ(slow.got().payloads(), seen_.tokens().payloads());
}

TEST_P(oversight_gate, the_text_so_far_is_kept_as_far_as_it_is_asked_for) {
  std::vector<std::string> texts;
  const watch by(
      rt_,
      [&](const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) {
        texts.emplace_back(question.so_far, question.so_far_len);
        mycelium_score_set(answer, 0.9);
      },
      [](MyceliumOversightConfig& given, auto&, auto&) { given.text_bytes = 11; });
  say(by, 7);
  EXPECT_TRUE(by.wait_until_all_left());
  ASSERT_EQ(texts.size(), words().size());
  EXPECT_EQ(texts[0], "The");
  EXPECT_EQ(texts[2], "The sky is");
  EXPECT_EQ(texts[3], "ky is blue.");
  std::string all;
  for (std::size_t i = 0; i < words().size(); ++i) {
    all += words()[i];
    EXPECT_EQ(texts[i], all.substr(all.size() - std::min<std::size_t>(11, all.size()))) << i;
  }
}

TEST_P(oversight_gate, sessions_do_not_disturb_each_other) {
  const watch by(rt_, [](const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) {
    mycelium_score_set(answer, question.session_id % 2 == 1 && question.index == question.session_id ? 0.1 : 0.9);
  });
  for (std::uint64_t session = 0; session < 20; ++session)
    source_.begin(session, by.attach(session));
  for (bool more = true; more;) {
    more = false;
    for (std::uint64_t session = 0; session < 20; ++session)
      more |= source_.say_next(session) == tools::token_source::step::published;
  }
  ASSERT_TRUE(seen_.wait_for_dones(20));
  for (std::uint64_t session = 0; session < 20; ++session)
    EXPECT_EQ(seen_.text_of(session), first_words(session % 2 == 1 ? session : words().size())) << session;
  EXPECT_EQ(by.stats().halts[BACKFIRE_HALT_HARD_LIMIT], 10u);
}

INSTANTIATE_TEST_SUITE_P(on, oversight_gate, testing::Values(1u, 2u),
                         [](const auto& threads) { return std::to_string(threads.param) + "_workers"; });

TEST(oversight_inline, a_halt_is_known_before_the_publish_returns) {
  const bus rt(1);
  const reader seen(rt);
  tools::token_source source(rt, words());
  const watch by(rt, drops_at(5),
                 [](MyceliumOversightConfig& given, auto&, auto&) { given.flags = MYCELIUM_OVERSIGHT_INLINE; });
  source.begin(7, by.attach(7));
  for (int i = 0; i < 6; ++i)
    ASSERT_EQ(source.say_next(7), tools::token_source::step::published);
  EXPECT_TRUE(source.state(7).cancelled);
  EXPECT_EQ(source.say_next(7), tools::token_source::step::ended);
  ASSERT_TRUE(seen.wait_for_dones(1));
  EXPECT_EQ(seen.text_of(7), first_words(5));
  EXPECT_EQ(source.state(7).said, 6u);
}

TEST(oversight_interlock, stops_every_session_that_shares_it) {
  const bus rt(2);
  const reader seen(rt);
  tools::token_source source(rt, words());
  auto* lock = backfire_interlock_create();
  const watch by(rt, always(0.9), [&](MyceliumOversightConfig& given, auto&, auto&) { given.interlock = lock; });
  for (const std::uint64_t session : {7u, 8u}) {
    source.begin(session, by.attach(session));
    ASSERT_EQ(source.say_next(session), tools::token_source::step::published);
  }
  ASSERT_TRUE(seen.wait_for_tokens(2));
  ASSERT_TRUE(ok(backfire_interlock_stop(lock)));
  for (const std::uint64_t session : {7u, 8u})
    EXPECT_EQ(source.say_all(session), tools::token_source::step::ended);
  ASSERT_TRUE(seen.wait_for_dones(2));
  for (const std::uint64_t session : {7u, 8u}) {
    EXPECT_EQ(seen.text_of(session), first_words(1));
    EXPECT_EQ(seen.done_of(session).detail, "kernel_inactive");
  }
  backfire_interlock_destroy(lock);
}

} // namespace
} // namespace mycelium::laws
