// Scorer, knowledge and physics through the C interface: bad arguments are a status, answers that never come are
// neutral, and what a scorer uses may be destroyed before it.
#include "backfire_physics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace mycelium::laws {
namespace {

constexpr std::int32_t null = BACKFIRE_ERROR_NULL;
constexpr std::int32_t wrong = BACKFIRE_ERROR_INVALID_ARGUMENT;

TEST(backfire_scorer_laws, a_required_pointer_that_is_null_is_a_status) {
  BackfireReview review{};
  double number = 0;
  std::size_t count = 0;
  EXPECT_EQ(backfire_scorer_create(nullptr, nullptr, nullptr), null);
  EXPECT_EQ(backfire_scorer_review(nullptr, "p", 1, "a", 1, &review), null);
  EXPECT_EQ(backfire_scorer_divergence(nullptr, "p", 1, "a", 1, &number), null);
  EXPECT_EQ(backfire_scorer_evidence_json(nullptr, nullptr, 0, nullptr), null);
  EXPECT_EQ(backfire_scorer_set_threshold(nullptr, .5), null);
  EXPECT_EQ(backfire_scorer_set_soft_limit(nullptr, .5), null);
  EXPECT_EQ(backfire_scorer_config(nullptr, nullptr), null);
  EXPECT_EQ(backfire_scorer_history(nullptr, nullptr, 0, &count), null);
  EXPECT_EQ(backfire_knowledge_add(nullptr, "a", 1, nullptr), null);
  EXPECT_EQ(backfire_knowledge_remove(nullptr, 1), null);
  EXPECT_EQ(backfire_knowledge_count(nullptr, &count), null);
  EXPECT_EQ(backfire_knowledge_find(nullptr, "a", 1, nullptr, 0, &count), null);
  EXPECT_EQ(backfire_knowledge_fact(nullptr, 1, nullptr, 0, nullptr), null);
  EXPECT_EQ(backfire_knowledge_context(nullptr, "a", 1, nullptr, 0, nullptr), null);
  backfire_answer_score(nullptr, 1);
  backfire_answer_text(nullptr, "a", 1);
  backfire_answer_failure(nullptr, "a", 1);
  backfire_scorer_destroy(nullptr);
  backfire_knowledge_destroy(nullptr);
}

TEST(backfire_scorer_laws, a_text_is_null_only_where_it_is_empty) {
  BackfireScorer* scorer = nullptr;
  ASSERT_EQ(backfire_scorer_create(nullptr, nullptr, &scorer), BACKFIRE_SUCCESS);
  BackfireReview review{};
  EXPECT_EQ(backfire_scorer_review(scorer, "p", 1, "a", 1, &review), wrong); // no struct_size
  review.struct_size = sizeof review;
  EXPECT_EQ(backfire_scorer_review(scorer, nullptr, 1, "a", 1, &review), null);
  EXPECT_EQ(backfire_scorer_review(scorer, "p", 1, nullptr, 1, &review), null);
  ASSERT_EQ(backfire_scorer_review(scorer, nullptr, 0, nullptr, 0, &review), BACKFIRE_SUCCESS);
  EXPECT_EQ(review.score, .5);
  backfire_scorer_destroy(scorer);
}

TEST(backfire_scorer_laws, a_callback_that_never_answers_is_neutral_and_the_last_answer_counts) {
  BackfireScorerOptions options{};
  options.struct_size = sizeof options;
  options.nli = [](const char*, std::size_t, const char*, std::size_t, BackfireAnswer* answer, void* data) {
    if (data == nullptr)
      return;
    backfire_answer_failure(answer, "first", 5);
    backfire_answer_score(answer, .9);
    backfire_answer_score(answer, .25);
  };
  BackfireScorer* scorer = nullptr;
  ASSERT_EQ(backfire_scorer_create(nullptr, &options, &scorer), BACKFIRE_SUCCESS);
  double h = 0;
  ASSERT_EQ(backfire_scorer_logical(scorer, "p", 1, "a", 1, &h), BACKFIRE_SUCCESS);
  EXPECT_EQ(h, .5);
  backfire_scorer_destroy(scorer);
  options.nli_data = &h;
  ASSERT_EQ(backfire_scorer_create(nullptr, &options, &scorer), BACKFIRE_SUCCESS);
  ASSERT_EQ(backfire_scorer_logical(scorer, "p", 1, "a", 1, &h), BACKFIRE_SUCCESS);
  EXPECT_EQ(h, .25);
  backfire_scorer_destroy(scorer);
}

TEST(backfire_scorer_laws, a_scorer_outlives_the_knowledge_that_it_was_given) {
  BackfireKnowledge* store = backfire_knowledge_create();
  ASSERT_EQ(backfire_knowledge_add(store, "The sky is blue", 15, nullptr), BACKFIRE_SUCCESS);
  BackfireScorerOptions options{};
  options.struct_size = sizeof options;
  options.store = store;
  BackfireScorer* scorer = nullptr;
  ASSERT_EQ(backfire_scorer_create(nullptr, &options, &scorer), BACKFIRE_SUCCESS);
  backfire_knowledge_destroy(store);
  double h = 1;
  ASSERT_EQ(backfire_scorer_factual(scorer, "the sky", 7, "the sky is blue", 15, &h), BACKFIRE_SUCCESS);
  EXPECT_EQ(h, 0);
  backfire_scorer_destroy(scorer);
}

TEST(backfire_config_laws, json_is_refused_as_a_whole) {
  BackfireConfig config{};
  EXPECT_EQ(backfire_config_from_json("{}", 2, &config), wrong); // no struct_size
  backfire_config_init(&config);
  EXPECT_EQ(backfire_config_from_json(nullptr, 0, &config), null);
  const std::string json = R"({"hard_limit": 0.3, "trend_window": 1})";
  EXPECT_EQ(backfire_config_from_json(json.data(), json.size(), &config), wrong);
  EXPECT_STREQ(backfire_last_error(), "config error: trend_window must be in [2, 65536], is 1");
  EXPECT_EQ(config.hard_limit, .5);
  config.hard_limit = 2;
  EXPECT_EQ(backfire_config_to_json(&config, nullptr, 0, nullptr), wrong);
  std::size_t length = 0;
  EXPECT_EQ(backfire_config_to_json(nullptr, nullptr, 0, &length), BACKFIRE_SUCCESS);
  EXPECT_GT(length, 200u);
}

TEST(backfire_physics_laws, null_handles_are_a_status) {
  double x[2] = {0, 0};
  EXPECT_EQ(backfire_upde_create(nullptr, nullptr, nullptr), null);
  EXPECT_EQ(backfire_upde_run(nullptr, 1, x, 2, nullptr, 0, nullptr), null);
  EXPECT_EQ(backfire_upde_begin(nullptr, x, 2, nullptr), null);
  EXPECT_EQ(backfire_sec_create(nullptr, nullptr, nullptr), null);
  EXPECT_EQ(backfire_sec_evaluate(nullptr, x, 2, nullptr, 0, 1, nullptr), null);
  EXPECT_EQ(backfire_l16_create(nullptr, nullptr), null);
  EXPECT_EQ(backfire_l16_step(nullptr, x, 2, nullptr, nullptr), null);
  EXPECT_EQ(backfire_pgbo_compute(nullptr, x, 2, 1, nullptr, 0, nullptr, 0, nullptr), null);
  EXPECT_EQ(backfire_tcbo_push(nullptr, x, 2), null);
  EXPECT_EQ(backfire_tcbo_compute(nullptr, 0, nullptr), null);
  EXPECT_EQ(backfire_tcbo_controller_step(nullptr, 0, 1, x), null);
  EXPECT_EQ(backfire_ssgf_run(nullptr, 1, nullptr), null);
  EXPECT_EQ(backfire_ssgf_read(nullptr, BACKFIRE_SSGF_Z, x, 2), null);
  EXPECT_EQ(backfire_random_normal(nullptr, x, 2), null);
  EXPECT_EQ(backfire_standard_omega(nullptr, 16), null);
  EXPECT_EQ(backfire_standard_coupling(x, 2), wrong);
}

TEST(backfire_physics_laws, a_network_is_given_whole_or_taken_from_the_standard_one) {
  BackfireNetwork network{};
  BackfireSsgf* engine = nullptr;
  EXPECT_EQ(backfire_ssgf_create(nullptr, &network, &engine), wrong); // no struct_size
  network.struct_size = sizeof network;
  network.n = 8;
  ASSERT_EQ(backfire_ssgf_create(nullptr, &network, &engine), BACKFIRE_SUCCESS) << backfire_last_error();
  std::uint32_t n = 0;
  EXPECT_EQ(backfire_ssgf_status(engine, nullptr, nullptr, &n), BACKFIRE_SUCCESS);
  EXPECT_EQ(n, 8u);
  backfire_ssgf_destroy(engine);
  network.n = 17;
  EXPECT_EQ(backfire_ssgf_create(nullptr, &network, &engine), wrong);
  EXPECT_EQ(engine, nullptr);
  const std::vector<double> omega(17, 1.0);
  network.omega = omega.data();
  network.omega_len = 17;
  EXPECT_EQ(backfire_ssgf_create(nullptr, &network, &engine), wrong); // no coupling for 17
  std::vector<double> k(17 * 17, 0.1);
  for (std::size_t i = 0; i < 17; ++i)
    k[i * 17 + i] = 0;
  network.k = k.data();
  network.k_len = k.size();
  ASSERT_EQ(backfire_ssgf_create(nullptr, &network, &engine), BACKFIRE_SUCCESS) << backfire_last_error();
  backfire_ssgf_destroy(engine);
  network.k_len = 16;
  EXPECT_EQ(backfire_ssgf_create(nullptr, &network, &engine), wrong);
  EXPECT_STREQ(backfire_last_error(), "k length mismatch: expected 289, got 16");
}

TEST(backfire_physics_laws, a_step_that_is_refused_changes_nothing) {
  BackfirePgbo* engine = nullptr;
  BackfirePgboOptions options;
  backfire_pgbo_options_init(&options);
  options.n = 2;
  ASSERT_EQ(backfire_pgbo_create(&options, &engine), BACKFIRE_SUCCESS);
  BackfirePgboResult found{};
  found.struct_size = sizeof found;
  const double before[2] = {0, 0};
  const double after[2] = {1, 1};
  double u[3];
  ASSERT_EQ(backfire_pgbo_compute(engine, before, 2, 1, nullptr, 0, nullptr, 0, &found), BACKFIRE_SUCCESS);
  EXPECT_EQ(backfire_pgbo_compute(engine, after, 2, 1, u, 3, nullptr, 0, &found), wrong);
  EXPECT_EQ(backfire_pgbo_compute(engine, after, 2, -1, nullptr, 0, nullptr, 0, &found), wrong);
  ASSERT_EQ(backfire_pgbo_compute(engine, after, 2, 1, u, 2, nullptr, 0, &found), BACKFIRE_SUCCESS);
  EXPECT_GT(u[0], .5); // since the first phases, not since the refused ones
  backfire_pgbo_destroy(engine);
}

TEST(backfire_physics_laws, a_log_is_written_no_further_than_its_structs) {
  BackfireSsgf* engine = nullptr;
  ASSERT_EQ(backfire_ssgf_create(nullptr, nullptr, &engine), BACKFIRE_SUCCESS);
  ASSERT_EQ(backfire_ssgf_run(engine, 3, nullptr), BACKFIRE_SUCCESS);
  struct {
    std::size_t struct_size;
    std::uint64_t step;
    double u_total;
  } small[3];
  std::memset(small, 0, sizeof small);
  small[0].struct_size = sizeof small[0];
  std::size_t count = 0;
  ASSERT_EQ(backfire_ssgf_log(engine, reinterpret_cast<BackfireSsgfStep*>(small), 2, &count), BACKFIRE_SUCCESS);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(small[0].step, 2u);
  EXPECT_EQ(small[1].step, 3u);
  EXPECT_GT(small[1].u_total, 0);
  EXPECT_EQ(small[2].step, 0u);
  backfire_ssgf_destroy(engine);
}

} // namespace
} // namespace mycelium::laws
