/* Every function of backfire.h once, from C11, and the frozen numbers, sizes and places of its major version 1. */
#include "backfire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(BACKFIRE_ABI_MAJOR == 1, "these are the numbers of version 1");
_Static_assert(BACKFIRE_ERROR_NULL == -1 && BACKFIRE_ERROR_INVALID_ARGUMENT == -13, "BackfireStatus");
_Static_assert(BACKFIRE_HALT_HARD_LIMIT == 1 && BACKFIRE_HALT_INVALID_SCORE == 9, "BackfireHaltKind");
_Static_assert(BACKFIRE_RELEASE == 0 && BACKFIRE_HALT == 3, "BackfireAction");
_Static_assert(sizeof(BackfireConfig) == 96 && offsetof(BackfireConfig, window_size) == 80, "BackfireConfig");
_Static_assert(sizeof(BackfireOptions) == 80 && offsetof(BackfireOptions, ewma_weight) == 32, "BackfireOptions");
_Static_assert(sizeof(BackfireObservation) == 48 && offsetof(BackfireObservation, error) == 40, "BackfireObservation");
_Static_assert(sizeof(BackfireVerdict) == 56 && offsetof(BackfireVerdict, released) == 48, "BackfireVerdict");
_Static_assert(sizeof(BackfireSession) == 88 && offsetof(BackfireSession, minimum) == 80, "BackfireSession");
_Static_assert(sizeof(BackfireSample) == 16, "BackfireSample");
_Static_assert(sizeof(BackfireFact) == 16, "BackfireFact");
_Static_assert(sizeof(BackfireScorerOptions) == 48 && offsetof(BackfireScorerOptions, store) == 40, "ScorerOptions");
_Static_assert(sizeof(BackfireReview) == 48 && offsetof(BackfireReview, approved) == 32, "BackfireReview");
_Static_assert(BACKFIRE_RULE_NLI == 1 && BACKFIRE_RULE_KNOWLEDGE_FAILED == 9, "BackfireRule");

/* A failed check ends the program with the place and the library's own words. */
static void check_at(int right, const char* what, int line) {
  if (right)
    return;
  fprintf(stderr, "line %d: %s; last error: %s\n", line, what, backfire_last_error());
  exit(1);
}
#define CHECK(condition) check_at((condition) ? 1 : 0, #condition, __LINE__)
#define OK(call) check_at((call) == BACKFIRE_SUCCESS, #call, __LINE__)

/* The example of the documentation: a trend falls, the stream halts at token 4. */
static void falling_trend(void) {
  static const double scores[] = {.9, .85, .8, .77, .74, .7};
  BackfireVerdict verdict = {.struct_size = sizeof verdict};
  BackfireSession session = {.struct_size = sizeof session};
  BackfireSample seen[8];
  BackfireStream* stream = NULL;
  char text[64];
  size_t count = 0;
  OK(backfire_stream_begin(NULL, NULL, NULL, &stream));
  for (size_t i = 0; i < 6 && verdict.action != BACKFIRE_HALT; ++i) {
    CHECK(backfire_stream_wants_score(stream) == 1);
    OK(backfire_stream_push(stream, "token", 5, scores[i], &verdict));
  }
  CHECK(verdict.index == 4 && verdict.released == 4);
  OK(backfire_reason_text(verdict.kind, verdict.measured, verdict.limit, text, sizeof text, &count));
  CHECK(strcmp(text, "downward_trend (0.1600 > 0.15)") == 0 && count == strlen(text));
  OK(backfire_stream_evidence(stream, seen, 8, &count));
  CHECK(count == 5 && seen[4].index == 4);
  OK(backfire_stream_summary(stream, &session));
  CHECK(session.halted == 1 && session.tokens == 5);
  OK(backfire_stream_finish(stream, &session));
  CHECK(session.halt_index == 4);
  backfire_stream_destroy(stream);
}

static void failed_scorer(void) {
  BackfireConfig config;
  BackfireOptions options;
  BackfireObservation seen = {.struct_size = sizeof seen, .error = "it raised"};
  BackfireVerdict verdict = {.struct_size = sizeof verdict};
  BackfireInterlock* interlock = backfire_interlock_create();
  BackfireStream* stream = NULL;
  char text[32];
  backfire_config_init(&config);
  backfire_options_init(&options);
  config.hard_limit = 0;
  OK(backfire_config_check(&config));
  OK(backfire_stream_begin(&config, &options, interlock, &stream));
  OK(backfire_stream_observe(stream, NULL, 0, &seen, &verdict));
  CHECK(verdict.kind == BACKFIRE_HALT_INVALID_SCORE);
  OK(backfire_stream_error(stream, text, sizeof text, NULL));
  CHECK(strcmp(text, "it raised") == 0);
  CHECK(backfire_interlock_is_active(interlock) == 0);
  OK(backfire_interlock_reactivate(interlock));
  CHECK(backfire_interlock_is_active(interlock) == 1);
  OK(backfire_interlock_stop(interlock));
  backfire_interlock_destroy(interlock);
  backfire_stream_destroy(stream);
}

static void config_as_json(void) {
  static const char some[] = "{\"hard_limit\": 0.25, \"window_size\": 7}";
  BackfireConfig config;
  char text[512];
  size_t len = 0;
  backfire_config_init(&config);
  OK(backfire_config_from_json(some, sizeof some - 1, &config));
  CHECK(config.hard_limit == 0.25 && config.window_size == 7 && config.soft_limit == 0.7);
  OK(backfire_config_to_json(&config, text, sizeof text, &len));
  CHECK(len == strlen(text) && strstr(text, "\"window_size\":7") != NULL);
  CHECK(backfire_config_from_json("{\"limit\": 1}", 12, &config) == BACKFIRE_ERROR_INVALID_ARGUMENT);
  CHECK(strncmp(backfire_last_error(), "config error: unknown field \"limit\"", 35) == 0 && config.window_size == 7);
}

static void knowledge(void) {
  BackfireKnowledge* store = backfire_knowledge_create();
  BackfireFact found[2];
  uint64_t id = 0;
  size_t count = 0;
  char text[64];
  OK(backfire_knowledge_add(store, "The sky is blue.", 16, &id));
  CHECK(id == 1);
  OK(backfire_knowledge_add(store, "Grass is green.", 15, &id));
  OK(backfire_knowledge_count(store, &count));
  CHECK(count == 2);
  OK(backfire_knowledge_find(store, "green", 5, found, 2, &count));
  CHECK(count == 1 && found[0].id == 2 && found[0].score > 0);
  OK(backfire_knowledge_fact(store, 2, text, sizeof text, NULL));
  CHECK(strcmp(text, "Grass is green.") == 0);
  OK(backfire_knowledge_context(store, "the sky?", 8, text, sizeof text, &count));
  CHECK(strcmp(text, "The sky is blue.") == 0 && count == 16);
  CHECK(backfire_knowledge_remove(store, 2) == 1 && backfire_knowledge_remove(store, 2) == 0);
  CHECK(backfire_knowledge_fact(store, 2, text, sizeof text, NULL) == BACKFIRE_ERROR_INVALID_ARGUMENT);
  backfire_knowledge_destroy(store);
}

static void on_nli(const char* prompt, size_t prompt_len, const char* action, size_t action_len, BackfireAnswer* answer,
                   void* user_data) {
  CHECK(prompt_len == 1 && prompt[0] == 'p' && action_len == 1 && action[0] == 'a');
  if (*(int*)user_data == 1)
    backfire_answer_score(answer, 0.1);
  else
    backfire_answer_failure(answer, "no model", 8);
}

static void on_knowledge(const char* prompt, size_t prompt_len, BackfireAnswer* answer, void* user_data) {
  (void)prompt;
  (void)user_data;
  if (prompt_len == 1)
    backfire_answer_text(answer, "a b", 3);
}

static void scorer(void) {
  int mode = 1;
  BackfireScorerOptions options = {.struct_size = sizeof options, .nli = on_nli, .nli_data = &mode};
  BackfireReview review = {.struct_size = sizeof review};
  BackfireConfig config = {.struct_size = sizeof config};
  BackfireScorer* scorer = NULL;
  double number = 0;
  double scores[4];
  size_t count = 0;
  char text[512];
  OK(backfire_scorer_create(NULL, &options, &scorer));
  OK(backfire_scorer_evidence_json(scorer, text, sizeof text, NULL));
  CHECK(strcmp(text, "{}") == 0);
  OK(backfire_scorer_review(scorer, "p", 1, "a", 1, &review));
  CHECK(review.score > 0.739999 && review.score < 0.740001 && review.approved == 1 && review.warning == 0);
  CHECK(review.logic_rule == BACKFIRE_RULE_NLI && review.fact_rule == BACKFIRE_RULE_NO_KNOWLEDGE);
  OK(backfire_scorer_history(scorer, scores, 4, &count));
  CHECK(count == 1 && scores[0] == review.score);
  mode = 2;
  OK(backfire_scorer_logical(scorer, "p", 1, "a", 1, &number));
  CHECK(number == 0.5);
  OK(backfire_scorer_evidence_json(scorer, text, sizeof text, NULL));
  CHECK(strstr(text, "no model") != NULL);
  OK(backfire_scorer_set_threshold(scorer, 0.9));
  OK(backfire_scorer_set_soft_limit(scorer, 0.95));
  CHECK(backfire_scorer_set_soft_limit(scorer, 0.1) == BACKFIRE_ERROR_INVALID_ARGUMENT);
  OK(backfire_scorer_config(scorer, &config));
  CHECK(config.coherence_threshold == 0.9 && config.soft_limit == 0.95 && config.window_size == 10);
  backfire_scorer_destroy(scorer);

  options.nli = NULL;
  options.knowledge = on_knowledge;
  OK(backfire_scorer_create(&config, &options, &scorer));
  OK(backfire_scorer_factual(scorer, "p", 1, "a", 1, &number));
  CHECK(number == 0);
  OK(backfire_scorer_factual(scorer, NULL, 0, "a", 1, &number));
  CHECK(number == 0.5);
  OK(backfire_scorer_divergence(scorer, "p", 1, "a", 1, &number));
  CHECK(number > 0.299999 && number < 0.300001);
  backfire_scorer_destroy(scorer);
}

int main(void) {
  CHECK(backfire_abi_version() >> 16 == BACKFIRE_ABI_MAJOR);
  falling_trend();
  failed_scorer();
  config_as_json();
  knowledge();
  scorer();
  return 0;
}
