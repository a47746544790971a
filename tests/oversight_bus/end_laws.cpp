// Laws of the gate's ends: what is wrong ends a session closed, what is over leaves nothing behind.
#include "oversight_bus/watch.hpp"

namespace mycelium::laws {
namespace {

constexpr auto ended = tools::token_source::step::ended;

class oversight_end : public testing::Test {
protected:
  const std::size_t threads_before_ = thread_count_before();
  bus rt_{2};
  reader seen_{rt_};
  tools::token_source source_{rt_, words()};

  // Session 7, of which `said` tokens came, has to be halted with this error.
  void expect_closed(std::size_t said, const std::string& error) {
    ASSERT_TRUE(seen_.wait_for_cancels(1));
    ASSERT_TRUE(seen_.wait_for_verdicts(said + 1));
    const auto halt = seen_.verdicts_of(7).back();
    EXPECT_EQ(halt.action, BACKFIRE_HALT);
    EXPECT_EQ(halt.error, error);
    EXPECT_EQ(seen_.cancel_of(7).reason, end_reason::halted);
    EXPECT_TRUE(seen_.wait_for_tokens(said));
    EXPECT_EQ(seen_.text_of(7), first_words(said));
  }
  std::int32_t token(std::uint64_t to, std::uint64_t session_id, std::uint32_t index) {
    return publish_token(rt_, to, {.session_id = session_id, .index = index, .text = words()[index]});
  }
};

TEST_F(oversight_end, a_token_that_is_missing_halts) {
  const watch by(rt_, always(0.9));
  const auto to = by.attach(7);
  for (const std::uint32_t index : {0u, 1u, 3u, 4u})
    ASSERT_TRUE(ok(token(to, 7, index)));
  expect_closed(2, "token 3 came where 2 was to come");
}

TEST_F(oversight_end, a_token_that_comes_twice_halts) {
  const watch by(rt_, always(0.9));
  const auto to = by.attach(7);
  for (const std::uint32_t index : {0u, 1u, 1u})
    ASSERT_TRUE(ok(token(to, 7, index)));
  expect_closed(2, "token 1 came where 2 was to come");
}

TEST_F(oversight_end, another_sessions_token_halts) {
  const watch by(rt_, always(0.9));
  const auto to = by.attach(7);
  ASSERT_TRUE(ok(token(to, 7, 0)));
  ASSERT_TRUE(ok(token(to, 8, 1)));
  expect_closed(1, "a token of session 8 was addressed to that of session 7");
}

TEST_F(oversight_end, a_message_that_is_no_token_halts) {
  const watch by(rt_, always(0.9));
  const auto to = by.attach(7);
  ASSERT_TRUE(ok(token(to, 7, 0)));
  ASSERT_TRUE(ok(publish_to(rt_, inference_token::type_id, to, laws::bytes_of("nonsense"))));
  expect_closed(1, "a message that was published as InferenceToken is none");
}

TEST_F(oversight_end, a_message_that_is_no_end_halts) {
  const watch by(rt_, always(0.9));
  const auto to = by.attach(7);
  ASSERT_TRUE(ok(token(to, 7, 0)));
  ASSERT_TRUE(ok(publish_to(rt_, inference_done::type_id, to, laws::bytes_of("nonsense"))));
  expect_closed(1, "a message that was addressed to the session as its InferenceDone is none");
}

TEST_F(oversight_end, a_session_may_begin_with_any_token) {
  const watch by(rt_, drops_at(5));
  const auto to = by.attach(7);
  for (const std::uint32_t index : {3u, 4u, 5u})
    ASSERT_TRUE(ok(token(to, 7, index)));
  ASSERT_TRUE(seen_.wait_for_verdicts(3));
  const auto halt = seen_.verdicts_of(7).back();
  EXPECT_EQ(halt.index, 5u);
  EXPECT_EQ(halt.released, 5u);
}

TEST_F(oversight_end, an_address_reaches_its_session_and_only_with_its_messages) {
  const watch by(rt_, always(0.9));
  const auto to = by.attach(7);
  const subscriber apples_seen(rt_, apples);
  ASSERT_TRUE(ok(publish_to(rt_, apples, to, laws::bytes_of("an apple"))));
  schema::message_writer writer;
  const auto payload = writer.write(inference_token{.session_id = 7, .text = "for all"});
  ASSERT_TRUE(ok(mycelium_publish(rt_, inference_token::type_id, payload.data(), payload.size())));
  auto envelope = new_envelope(inference_token::type_id);
  envelope.destination = MYCELIUM_TO_KEY;
  ASSERT_TRUE(ok(mycelium_publish_envelope(rt_, &envelope, payload.data(), payload.size())));
  ASSERT_TRUE(seen_.wait_for_tokens(2));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(by.stats().tokens, 0u);
  EXPECT_EQ(apples_seen.got().size(), 0u);
}

TEST_F(oversight_end, an_ended_session_can_be_watched_anew_and_its_old_address_is_nobodys) {
  const watch by(rt_, always(0.9));
  const auto old = by.attach(7);
  source_.begin(7, old);
  EXPECT_EQ(source_.say_all(7), ended);
  ASSERT_TRUE(by.wait_until_all_left());
  const auto to = by.attach(7);
  EXPECT_NE(to, old);
  ASSERT_TRUE(ok(token(old, 7, 0)));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(by.stats().tokens, words().size());
  source_.begin(7, to);
  EXPECT_EQ(source_.say_all(7), ended);
  EXPECT_TRUE(seen_.wait_for_dones(2));
}

TEST_F(oversight_end, a_silent_session_ends) {
  const watch by(rt_, always(0.9), [](MyceliumOversightConfig& given, auto&, auto&) { given.idle_ns = 1'000'000; });
  const auto to = by.attach(7);
  ASSERT_TRUE(seen_.wait_for_dones(1));
  EXPECT_EQ(seen_.done_of(7).reason, end_reason::error);
  EXPECT_EQ(seen_.done_of(7).detail, "no token came for 1 ms");
  ASSERT_TRUE(seen_.wait_for_cancels(1));
  EXPECT_EQ(seen_.cancel_of(7).reason, end_reason::cancelled);
  ASSERT_TRUE(by.wait_until_all_left());
  EXPECT_EQ(by.stats().idle, 1u);
  EXPECT_TRUE(ok(token(to, 7, 0)));
  EXPECT_EQ(by.stats().tokens, 0u);
}

TEST_F(oversight_end, a_halted_session_whose_source_says_no_end_ends_when_it_is_silent) {
  const watch by(rt_, always(0.1), [](MyceliumOversightConfig& given, auto&, auto&) { given.idle_ns = 50'000'000; });
  ASSERT_TRUE(ok(token(by.attach(7), 7, 0)));
  ASSERT_TRUE(seen_.wait_for_dones(1));
  EXPECT_EQ(seen_.done_of(7).reason, end_reason::halted);
  EXPECT_EQ(seen_.done_of(7).detail, "hard_limit (0.1000 < 0.5)");
  EXPECT_TRUE(by.wait_until_all_left());
}

TEST_F(oversight_end, a_detached_session_shows_nothing_more) {
  const watch by(rt_, always(0.9), [](auto&, auto&, BackfireOptions& options) { options.whole_sentences = 1; });
  const auto to = by.attach(7);
  for (const std::uint32_t index : {0u, 1u, 2u})
    ASSERT_TRUE(ok(token(to, 7, index)));
  ASSERT_TRUE(seen_.wait_for_verdicts(3));
  EXPECT_TRUE(ok(mycelium_oversight_detach(rt_, by.id(), 7)));
  EXPECT_TRUE(ok(token(to, 7, 3)));
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(seen_.text_of(7), "");
  EXPECT_EQ(by.stats().sessions, 0u);
}

TEST_F(oversight_end, a_scorer_may_detach_its_own_session) {
  std::atomic<std::uint64_t> id{0};
  std::atomic<std::int32_t> said{99};
  const watch by(rt_, [&](const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) {
    said = mycelium_oversight_detach(rt_, id, question.session_id);
    mycelium_score_set(answer, 0.9);
  });
  id = by.id();
  ASSERT_TRUE(ok(token(by.attach(7), 7, 0)));
  EXPECT_TRUE(by.wait_until_all_left());
  EXPECT_EQ(said, MYCELIUM_DEFERRED);
}

TEST_F(oversight_end, a_scorer_may_destroy_its_oversight_and_is_freed_once) {
  struct state {
    MyceliumRuntime* rt = nullptr;
    std::uint64_t id = 0;
    std::atomic<std::int32_t> said{99};
    tally freed;
  } mine;
  mine.rt = rt_;
  MyceliumOversightConfig config;
  mycelium_oversight_config_init(&config);
  config.scorer = [](const MyceliumScoreQuestion*, MyceliumScoreAnswer* answer, void* self) {
    auto& me = *static_cast<state*>(self);
    me.said = mycelium_oversight_destroy(me.rt, me.id);
    mycelium_score_set(answer, 0.9);
  };
  config.user_data = &mine;
  config.user_data_free = [](void* self) { static_cast<state*>(self)->freed.add(); };
  ASSERT_TRUE(ok(mycelium_oversight_create(rt_, &config, &mine.id)));
  std::uint64_t to = 0;
  ASSERT_TRUE(ok(mycelium_oversight_attach(rt_, mine.id, 7, &to)));
  ASSERT_TRUE(ok(token(to, 7, 0)));
  EXPECT_TRUE(mine.freed.wait_for(1));
  EXPECT_EQ(mine.said, MYCELIUM_DEFERRED);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_oversight_destroy(rt_, mine.id)));
  rt_.destroy();
  EXPECT_EQ(mine.freed.count(), 1u);
}

TEST_F(oversight_end, after_destroy_no_scorer_runs) {
  std::atomic<bool> over{false};
  std::atomic<int> late{0};
  auto by = std::make_unique<watch>(rt_, [&](const MyceliumScoreQuestion&, MyceliumScoreAnswer* answer) {
    late += over ? 1 : 0;
    mycelium_score_set(answer, 0.9);
  });
  std::vector<std::thread> sources;
  for (std::uint64_t session = 1; session <= 3; ++session) {
    source_.begin(session, by->attach(session));
    sources.emplace_back([this, session] { EXPECT_EQ(source_.say_all(session), ended); });
  }
  ASSERT_TRUE(seen_.wait_for_tokens(1));
  ASSERT_TRUE(ok(mycelium_oversight_destroy(rt_, by->id())));
  over = true;
  for (auto& source : sources)
    source.join(); // what is addressed to nobody is accepted
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  EXPECT_EQ(late, 0);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_oversight_destroy(rt_, by->id())));
}

TEST_F(oversight_end, close_under_load_ends_everything_and_shows_nothing_that_was_halted) {
  const watch by(rt_, drops_at(5));
  std::atomic<bool> stop{false};
  std::vector<std::thread> sources;
  for (std::uint64_t worker = 0; worker < 3; ++worker)
    sources.emplace_back([&, worker] {
      for (auto session = worker; !stop; session += 3) {
        std::uint64_t to = 0;
        if (mycelium_oversight_attach(rt_, by.id(), session, &to) != MYCELIUM_SUCCESS)
          return;
        source_.begin(session, to);
        if (source_.say_all(session) != ended)
          return;
      }
    });
  ASSERT_TRUE(seen_.wait_for_dones(20));
  EXPECT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns)));
  stop = true;
  for (auto& source : sources)
    source.join();
  for (const auto& one : seen_.tokens().records()) {
    inference_token shown;
    ASSERT_TRUE(schema::read(bytes_of(one), shown));
    ASSERT_LT(shown.index, 5u) << "of session " << shown.session_id;
  }
  rt_.destroy();
  // Fewer, where a thread of what ran before was still listed.
  EXPECT_TRUE(eventually([&] { return thread_count() <= threads_before_; }));
}

TEST_F(oversight_end, close_does_not_wait_for_a_score_that_never_comes) {
  std::vector<MyceliumMessage*> kept;
  tally asked;
  const subscriber mute(rt_, oversight_score_request::type_id, delivery::message, [&](const MyceliumMessage* m) {
    kept.push_back(mycelium_message_retain(m));
    asked.add();
  });
  const watch by(rt_);
  ASSERT_TRUE(ok(token(by.attach(7), 7, 0)));
  ASSERT_TRUE(asked.wait_for(1));
  EXPECT_TRUE(ok(mycelium_runtime_close(rt_, patience_ns)));
  EXPECT_EQ(seen_.text_of(7), "");
  for (auto* m : kept)
    mycelium_message_release(m);
}

} // namespace
} // namespace mycelium::laws
