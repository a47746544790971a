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

int main(void) {
  CHECK(backfire_abi_version() >> 16 == BACKFIRE_ABI_MAJOR);
  falling_trend();
  failed_scorer();
  config_as_json();
  return 0;
}
