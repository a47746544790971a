// Laws of scoring: by a function, by a request on the bus, and how each fails closed.
#include "oversight_bus/watch.hpp"

#include <limits>
#include <stdexcept>

namespace mycelium::laws {
namespace {

class oversight_scorer : public testing::Test {
protected:
  bus rt_{2};
  reader seen_{rt_};
  tools::token_source source_{rt_, words()};

  // Says the text; the session has to be halted before token `index`.
  void expect_halt_at(const watch& by, std::size_t index, const std::string& reason, const std::string& error) {
    source_.begin(7, by.attach(7));
    ASSERT_EQ(source_.say_all(7), tools::token_source::step::ended) << mycelium_last_error();
    ASSERT_TRUE(seen_.wait_for_dones(1));
    EXPECT_EQ(seen_.text_of(7), first_words(index));
    EXPECT_EQ(seen_.done_of(7).reason, end_reason::halted);
    EXPECT_EQ(seen_.done_of(7).detail, reason);
    ASSERT_TRUE(seen_.wait_for_verdicts(index + 1));
    const auto verdicts = seen_.verdicts_of(7);
    ASSERT_EQ(verdicts.size(), index + 1);
    EXPECT_EQ(verdicts.back().action, BACKFIRE_HALT);
    EXPECT_EQ(verdicts.back().reason, reason);
    EXPECT_EQ(verdicts.back().error, error);
    EXPECT_TRUE(seen_.wait_for_cancels(1));
  }
};

score_hook at(std::uint64_t index, score_hook odd) {
  return [=](const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) {
    if (question.index == index)
      odd(question, answer);
    else
      mycelium_score_set(answer, 0.9);
  };
}

TEST_F(oversight_scorer, that_throws_halts) {
  const watch by(rt_, at(3, [](auto&, auto*) { throw std::runtime_error("the model is gone"); }));
  expect_halt_at(by, 3, "hard_limit (0.0000 < 0.5)", "the model is gone");
  EXPECT_EQ(by.stats().failed_scores, 1u);
}

TEST_F(oversight_scorer, that_says_nothing_halts) {
  const watch by(rt_, at(3, [](auto&, auto*) {}));
  expect_halt_at(by, 3, "hard_limit (0.0000 < 0.5)", "there is no score");
}

TEST_F(oversight_scorer, that_fails_halts_with_its_words) {
  const watch by(rt_, at(3, [](auto&, MyceliumScoreAnswer* answer) { mycelium_score_fail(answer, "no idea", 7); }));
  expect_halt_at(by, 3, "hard_limit (0.0000 < 0.5)", "no idea");
}

TEST_F(oversight_scorer, that_says_what_is_no_number_halts) {
  const watch by(rt_, at(3, [](auto&, MyceliumScoreAnswer* answer) {
                   mycelium_score_set(answer, std::numeric_limits<double>::quiet_NaN());
                 }));
  expect_halt_at(by, 3, "hard_limit (0.0000 < 0.5)", "the score is not finite");
}

TEST_F(oversight_scorer, that_fails_halts_where_the_hard_limit_is_zero_too) {
  const watch by(rt_, at(3, [](auto&, auto*) {}),
                 [](auto&, BackfireConfig& config, auto&) { config.hard_limit = config.window_threshold = 0; });
  expect_halt_at(by, 3, "invalid_score", "there is no score");
}

TEST_F(oversight_scorer, whose_last_answer_counts) {
  const watch by(rt_, at(3, [](auto&, MyceliumScoreAnswer* answer) {
                   mycelium_score_fail(answer, nullptr, 0);
                   mycelium_score_set(answer, 0.25);
                 }));
  expect_halt_at(by, 3, "hard_limit (0.2500 < 0.5)", "");
}

TEST_F(oversight_scorer, that_is_late_halts) {
  const watch by(rt_, always(0.9), [](auto&, BackfireConfig& config, auto&) { config.deadline_ms = 1e-9; });
  source_.begin(7, by.attach(7));
  EXPECT_EQ(source_.say_all(7), tools::token_source::step::ended);
  ASSERT_TRUE(seen_.wait_for_dones(1));
  EXPECT_EQ(seen_.text_of(7), "");
  EXPECT_EQ(by.stats().halts[BACKFIRE_HALT_DEADLINE], 1u);
}

// ---- on the bus ----

// Answers OversightScoreRequests as a hook says: with a payload of a type, or not at all.
class score_server {
public:
  struct reply {
    std::uint16_t type_id = oversight_score::type_id;
    oversight_score score;
  };
  using hook = std::function<std::optional<reply>(const oversight_score_request&)>;

  score_server(MyceliumRuntime* rt, hook answer)
      : rt_(rt), answer_(std::move(answer)), served_(rt, oversight_score_request::type_id, delivery::message,
                                                     [this](const MyceliumMessage* m) { serve(m); }) {}
  ~score_server() {
    for (auto* m : kept_)
      mycelium_message_release(m);
  }
  std::uint64_t id() const { return served_.id(); }
  std::size_t asked() const { return served_.got().size(); }

private:
  void serve(const MyceliumMessage* m) {
    oversight_score_request request;
    ASSERT_TRUE(schema::read(payload_of(m), request));
    const auto said = answer_(request);
    if (!said) {
      kept_.push_back(mycelium_message_retain(m)); // neither answered nor let go: the asker waits
      return;
    }
    schema::message_writer writer;
    const auto payload = writer.write(said->score);
    EXPECT_TRUE(ok(mycelium_reply(rt_, m, said->type_id, payload.data(), payload.size())));
  }

  MyceliumRuntime* rt_;
  hook answer_;
  std::vector<MyceliumMessage*> kept_;
  subscriber served_;
};

score_server::reply score_of(const oversight_score_request& request, double score) {
  return {oversight_score::type_id, {request.session_id, request.index, score, {}}};
}

TEST_F(oversight_scorer, on_the_bus_is_asked_for_each_token) {
  std::string asked;
  const score_server server(rt_, [&](const oversight_score_request& request) {
    asked += request.text;
    return score_of(request, 0.9);
  });
  const watch by(rt_);
  source_.begin(7, by.attach(7));
  EXPECT_EQ(source_.say_all(7), tools::token_source::step::ended);
  ASSERT_TRUE(seen_.wait_for_dones(1));
  EXPECT_EQ(seen_.text_of(7), first_words(words().size()));
  EXPECT_EQ(asked, first_words(words().size()));
}

TEST_F(oversight_scorer, on_the_bus_halts) {
  const score_server server(
      rt_, [](const oversight_score_request& request) { return score_of(request, request.index == 4 ? 0.2 : 0.8); });
  const watch by(rt_);
  expect_halt_at(by, 4, "hard_limit (0.2000 < 0.5)", "");
}

TEST_F(oversight_scorer, on_the_bus_gets_the_text_so_far_where_that_is_kept) {
  std::vector<std::string> asked;
  const score_server server(rt_, [&](const oversight_score_request& request) {
    asked.emplace_back(request.text);
    return score_of(request, 0.9);
  });
  const watch by(rt_, {}, [](MyceliumOversightConfig& given, auto&, auto&) { given.text_bytes = 4096; });
  source_.begin(7, by.attach(7));
  EXPECT_EQ(source_.say_all(7), tools::token_source::step::ended);
  ASSERT_TRUE(seen_.wait_for_dones(1));
  for (std::size_t i = 0; i < asked.size(); ++i)
    EXPECT_EQ(asked[i], first_words(i + 1));
}

TEST_F(oversight_scorer, on_the_bus_that_is_absent_halts) {
  const watch by(rt_);
  expect_halt_at(by, 0, "hard_limit (0.0000 < 0.5)", "nobody scores: no subscription of OversightScoreRequest answers");
}

TEST_F(oversight_scorer, on_the_bus_that_is_late_halts) {
  const score_server server(rt_, [](const oversight_score_request& request) {
    return request.index == 2 ? std::nullopt : std::optional(score_of(request, 0.9));
  });
  const watch by(rt_, {}, [](auto&, BackfireConfig& config, auto&) { config.deadline_ms = 500; });
  expect_halt_at(by, 2, "hard_limit (0.0000 < 0.5)", "no score came within 500 ms");
}

TEST_F(oversight_scorer, on_the_bus_that_fails_halts_with_its_words) {
  const score_server server(rt_, [](const oversight_score_request& request) {
    auto said = score_of(request, 0.9);
    if (request.index == 2)
      said.score.error = "no idea";
    return said;
  });
  const watch by(rt_);
  expect_halt_at(by, 2, "hard_limit (0.0000 < 0.5)", "no idea");
}

TEST_F(oversight_scorer, on_the_bus_that_answers_with_another_type_halts) {
  const score_server server(rt_, [](const oversight_score_request& request) {
    auto said = score_of(request, 0.9);
    said.type_id = request.index == 2 ? apples : oversight_score::type_id;
    return said;
  });
  const watch by(rt_);
  expect_halt_at(by, 2, "hard_limit (0.0000 < 0.5)", "the answer is no OversightScore");
}

TEST_F(oversight_scorer, on_the_bus_that_answers_of_another_token_halts) {
  const score_server server(rt_, [](const oversight_score_request& request) {
    auto said = score_of(request, 0.9);
    said.score.index = request.index == 2 ? 1 : request.index;
    return said;
  });
  const watch by(rt_);
  expect_halt_at(by, 2, "hard_limit (0.0000 < 0.5)", "the answer is of another token");
}

TEST_F(oversight_scorer, on_the_bus_that_says_what_is_no_number_halts) {
  const score_server server(rt_, [](const oversight_score_request& request) {
    return score_of(request, request.index == 2 ? std::numeric_limits<double>::infinity() : 0.9);
  });
  const watch by(rt_);
  expect_halt_at(by, 2, "hard_limit (0.0000 < 0.5)", "the score is not finite");
}

TEST_F(oversight_scorer, on_the_bus_may_be_one_of_several) {
  const score_server mild(rt_, [](const oversight_score_request& request) { return score_of(request, 0.9); });
  const score_server strict(rt_, [](const oversight_score_request& request) { return score_of(request, 0.2); });
  const watch by(rt_, {}, [&](MyceliumOversightConfig& given, auto&, auto&) { given.scorer_subscription = mild.id(); });
  source_.begin(7, by.attach(7));
  EXPECT_EQ(source_.say_all(7), tools::token_source::step::ended);
  ASSERT_TRUE(seen_.wait_for_dones(1));
  EXPECT_EQ(seen_.text_of(7), first_words(words().size()));
  EXPECT_EQ(mild.asked(), words().size());
  EXPECT_EQ(strict.asked(), 0u);
}

TEST_F(oversight_scorer, on_the_bus_holds_up_its_source_and_nobody_else) {
  tally asked;
  const score_server server(rt_, [&](const oversight_score_request& request) {
    asked.add();
    return request.session_id == 7 ? std::nullopt : std::optional(score_of(request, 0.9));
  });
  const watch by(rt_, {}, [](MyceliumOversightConfig& given, auto&, auto&) { given.capacity = 2; });
  source_.begin(7, by.attach(7));
  ASSERT_EQ(source_.say_next(7), tools::token_source::step::published);
  ASSERT_TRUE(asked.wait_for(1)); // session 7 waits for its first score now, and for the rest of the test
  source_.begin(8, by.attach(8));
  EXPECT_EQ(source_.say_all(8), tools::token_source::step::ended);
  ASSERT_TRUE(seen_.wait_for_dones(1));
  EXPECT_EQ(seen_.text_of(8), first_words(words().size()));
  EXPECT_EQ(seen_.text_of(7), "");
}

} // namespace
} // namespace mycelium::laws
