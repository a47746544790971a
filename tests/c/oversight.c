/* mycelium_oversight.h is C11, and each of its functions does what it says where nothing can be watched. */
#include "mycelium_oversight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks = 0;

static void expect(int holds, const char* what, int line) {
  ++checks;
  if (holds)
    return;
  fprintf(stderr, "line %d: %s; last error: %s\n", line, what, mycelium_last_error());
  exit(1);
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

static int freed = 0;
static void count_free(void* data) { freed += *(int*)data; }

static void score(const MyceliumScoreQuestion* question, MyceliumScoreAnswer* answer, void* user_data) {
  (void)user_data;
  mycelium_score_set(answer, question->token_len == 0 ? 0.0 : 1.0);
}

static MyceliumOversightConfig new_config(void) {
  MyceliumOversightConfig config;
  memset(&config, 0xff, sizeof config);
  mycelium_oversight_config_init(&config);
  return config;
}

static void refuses_what_is_wrong(MyceliumRuntime* rt) {
  uint64_t id = 7;
  EXPECT(mycelium_oversight_create(rt, NULL, NULL) == MYCELIUM_ERROR_NULL);
  EXPECT(mycelium_oversight_create(NULL, NULL, &id) == MYCELIUM_ERROR_NULL);
  EXPECT(id == 0);

  MyceliumOversightConfig config = new_config();
  config.struct_size = 0;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(strstr(mycelium_last_error(), "struct_size") != NULL);

  config = new_config();
  config.flags = 2;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(strstr(mycelium_last_error(), "flags") != NULL);

  config = new_config();
  config.mode = 2;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(strcmp(mycelium_last_error(), "oversight error: mode must be MYCELIUM_OVERSIGHT_GATE or _OBSERVE, is 2") == 0);

  config = new_config();
  config.idle_ns = -1;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(strcmp(mycelium_last_error(), "oversight error: idle_ns must be > 0, is -1") == 0);

  config = new_config();
  config.mode = MYCELIUM_OVERSIGHT_OBSERVE;
  config.flags = MYCELIUM_OVERSIGHT_INLINE;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(strstr(mycelium_last_error(), "INLINE") != NULL);

  const uint32_t too_many = (1u << 24) + 1;
  config = new_config();
  config.capacity = too_many;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  config = new_config();
  config.max_held = too_many;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  config = new_config();
  config.max_sessions = too_many;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  config = new_config();
  config.text_bytes = too_many;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);

  BackfireConfig kernel;
  backfire_config_init(&kernel);
  kernel.hard_limit = 2;
  static int one = 1;
  config = new_config();
  config.config = &kernel;
  config.scorer = score;
  config.user_data = &one;
  config.user_data_free = count_free;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(strcmp(mycelium_last_error(), "config error: hard_limit must be in [0, 1], is 2") == 0);
  EXPECT(freed == 0);
}

static void says_no_to_stale_ids(MyceliumRuntime* rt) {
  MyceliumOversightStats stats = {.struct_size = sizeof stats};
  uint64_t to = 7;
  EXPECT(mycelium_oversight_attach(rt, 99, 1, &to) == MYCELIUM_ERROR_SUBSCRIPTION);
  EXPECT(to == 0);
  EXPECT(mycelium_oversight_attach(rt, 99, 1, NULL) == MYCELIUM_ERROR_NULL);
  EXPECT(mycelium_oversight_detach(rt, 99, 1) == MYCELIUM_ERROR_SUBSCRIPTION);
  EXPECT(mycelium_oversight_destroy(rt, 99) == MYCELIUM_ERROR_SUBSCRIPTION);
  EXPECT(mycelium_oversight_stats(rt, 99, &stats) == MYCELIUM_ERROR_SUBSCRIPTION);
  EXPECT(mycelium_oversight_session_stats(rt, 99, 1, &stats) == MYCELIUM_ERROR_SUBSCRIPTION);
  EXPECT(mycelium_oversight_stats(rt, 99, NULL) == MYCELIUM_ERROR_NULL);
  EXPECT(mycelium_oversight_session_stats(rt, 99, 1, NULL) == MYCELIUM_ERROR_NULL);
}

static void sessions_come_and_go(MyceliumRuntime* rt) {
  static int one = 1;
  MyceliumOversightConfig config = new_config();
  config.name = "from C";
  config.scorer = score;
  config.user_data = &one;
  config.user_data_free = count_free;
  config.max_sessions = 2;
  uint64_t id = 0, to = 0, other = 0;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_oversight_attach(rt, id, 1, &to) == MYCELIUM_SUCCESS);
  EXPECT(to != 0);
  EXPECT(mycelium_oversight_attach(rt, id, 1, &other) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  EXPECT(mycelium_oversight_attach(rt, id, 2, &other) == MYCELIUM_SUCCESS);
  EXPECT(other != to);
  EXPECT(mycelium_oversight_attach(rt, id, 3, &other) == MYCELIUM_ERROR_FULL);
  EXPECT(mycelium_oversight_detach(rt, id, 2) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_oversight_detach(rt, id, 2) == MYCELIUM_ERROR_SUBSCRIPTION);

  MyceliumOversightStats stats = {.struct_size = sizeof stats};
  EXPECT(mycelium_oversight_stats(rt, id, &stats) == MYCELIUM_SUCCESS);
  EXPECT(stats.sessions == 1 && stats.begun == 2 && stats.refused == 1 && stats.tokens == 0);
  EXPECT(mycelium_oversight_session_stats(rt, id, 1, &stats) == MYCELIUM_SUCCESS);
  EXPECT(stats.sessions == 1 && stats.tokens == 0);
  EXPECT(mycelium_oversight_session_stats(rt, id, 2, &stats) == MYCELIUM_ERROR_SUBSCRIPTION);

  EXPECT(mycelium_oversight_destroy(rt, id) == MYCELIUM_SUCCESS);
  EXPECT(freed == 1);
  EXPECT(mycelium_oversight_destroy(rt, id) == MYCELIUM_ERROR_SUBSCRIPTION);

  config.mode = MYCELIUM_OVERSIGHT_OBSERVE;
  EXPECT(mycelium_oversight_create(rt, &config, &id) == MYCELIUM_SUCCESS);
  EXPECT(mycelium_oversight_attach(rt, id, 1, &to) == MYCELIUM_ERROR_INVALID_ARGUMENT);
}

int main(void) {
  mycelium_oversight_config_init(NULL);
  mycelium_score_set(NULL, 1);
  mycelium_score_fail(NULL, "x", 1);
  MyceliumRuntime* rt = mycelium_runtime_create();
  EXPECT(rt != NULL);
  refuses_what_is_wrong(rt);
  says_no_to_stale_ids(rt);
  sessions_come_and_go(rt);
  mycelium_runtime_destroy(rt);
  EXPECT(freed == 2); /* the observer ended with its runtime */
  uint64_t id = 0;
  EXPECT(mycelium_oversight_create(rt, NULL, &id) == MYCELIUM_ERROR_CLOSED);
  printf("%d checks\n", checks);
  return 0;
}
