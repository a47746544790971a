/* One side of a scenario of tests/chaos: publishes, subscribes, asks or serves over a bridge, and tells its counts.
 *
 *   party role=publish|subscribe|ask|serve [name=value ...]
 *
 * Prints {"ready": ADDRESS} when it listens and dials. Then it reads commands, a line each, and answers each with a
 * line of JSON: "report" tells the counts, "stop" begins nothing more and tells them, "end" closes the runtime and
 * exits. The end of standard input is an "end", so nothing is left over when the test dies. */
#include "party.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static MyceliumRuntime* runtime;
static const Role* role;

static void log_line(MyceliumLogLevel level, const char* text, void* user_data) {
  (void)level;
  (void)user_data;
  fprintf(stderr, "%s\n", text);
}

/* ---- options ---- */

static int64_t ms(const char* value) { return strtoll(value, NULL, 10) * 1000000; }

static void read_types(const char* list, Options* to) {
  to->type_count = 0;
  while (*list != '\0' && to->type_count < MAX_TYPES) {
    char* end = NULL;
    to->types[to->type_count++] = (uint16_t)strtoul(list, &end, 10);
    list = *end == ',' ? end + 1 : end;
  }
}

static int32_t policy_of(const char* name) {
  static const char* const names[] = {"default", "block", "drop_oldest", "drop_newest", "fail"};
  for (int32_t each = 0; each < 5; ++each)
    if (strcmp(name, names[each]) == 0)
      return each;
  return -1; /* the bridge refuses it */
}

static int read_text(const char* name, const char* value, Options* to) {
  const struct {
    const char* name;
    const char** field;
  } texts[] = {{"role", &to->role},   {"listen", &to->listen}, {"dial", &to->dial},   {"name", &to->name},
               {"token", &to->token}, {"schema", &to->schema}, {"books", &to->books}, {"journal", &to->journal}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
    if (strcmp(name, texts[i].name) == 0) {
      *texts[i].field = value;
      return 1;
    }
  return 0;
}

static int read_number(const char* name, const char* value, Options* to) {
  const struct {
    const char* name;
    uint64_t* field;
  } numbers[] = {{"first", &to->first},
                 {"count", &to->count},
                 {"rate", &to->rate},
                 {"slow_us", &to->slow_us},
                 {"mailbox", &to->mailbox},
                 {"timeout_ms", &to->timeout_ms},
                 {"outstanding", &to->outstanding}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i)
    if (strcmp(name, numbers[i].name) == 0) {
      *numbers[i].field = strtoull(value, NULL, 10);
      return 1;
    }
  return 0;
}

static int read_bridge(const char* name, const char* value, MyceliumBridgeConfig* to) {
  if (strcmp(name, "heartbeat_ms") == 0)
    to->heartbeat_ns = ms(value);
  else if (strcmp(name, "silence_ms") == 0)
    to->silence_ns = ms(value);
  else if (strcmp(name, "linger_ms") == 0)
    to->linger_ns = ms(value);
  else if (strcmp(name, "block_ms") == 0)
    to->block_timeout_ns = ms(value);
  else if (strcmp(name, "capacity") == 0)
    to->capacity = (uint32_t)strtoul(value, NULL, 10);
  else if (strcmp(name, "window") == 0)
    to->window = (uint32_t)strtoul(value, NULL, 10);
  else if (strcmp(name, "policy") == 0)
    to->policy = policy_of(value);
  else if (strcmp(name, "node") == 0)
    to->name = value;
  else if (strcmp(name, "at_least_once") == 0)
    to->at_least_once = value;
  else
    return 0;
  return 1;
}

static int read_options(char** arguments, Options* to) {
  for (; *arguments != NULL; ++arguments) {
    char* value = strchr(*arguments, '=');
    if (value == NULL)
      return 0;
    *value++ = '\0';
    if (strcmp(*arguments, "types") == 0)
      read_types(value, to);
    else if (strcmp(*arguments, "sizes") == 0)
      to->sizes = strcmp(value, "small") == 0 ? SIZES_SMALL : SIZES_MIXED;
    else if (!read_text(*arguments, value, to) && !read_number(*arguments, value, to) &&
             !read_bridge(*arguments, value, &to->how))
      return 0;
  }
  return to->role != NULL;
}

static const Role* role_named(const char* name) {
  if (strcmp(name, "publish") == 0)
    return &publish_role;
  if (strcmp(name, "subscribe") == 0)
    return &subscribe_role;
  if (strcmp(name, "ask") == 0)
    return &ask_role;
  return strcmp(name, "serve") == 0 ? &serve_role : NULL;
}

/* ---- the bus ---- */

static int failed(const char* what) {
  fprintf(stderr, "party: %s: %s\n", what, mycelium_last_error());
  return 1;
}

static int register_schema(const char* path) {
  static uint8_t bytes[64 << 10];
  FILE* in = fopen(path, "rb");
  if (in == NULL) {
    perror(path);
    return 1;
  }
  const size_t len = fread(bytes, 1, sizeof bytes, in);
  fclose(in);
  return mycelium_register_schema(runtime, bytes, len, NULL) == MYCELIUM_SUCCESS ? 0 : failed(path);
}

static int open_bus(const Options* options) {
  MyceliumRuntimeConfig config;
  mycelium_runtime_config_init(&config);
  config.name = options->name;
  config.log = log_line;
  runtime = mycelium_runtime_create_with_config(&config);
  if (runtime == NULL)
    return failed("runtime");
  if (options->schema != NULL && register_schema(options->schema) != 0)
    return 1;
  MyceliumBridgeConfig how = options->how;
  how.token = options->token;
  if (mycelium_bridge_open(runtime, &how) != MYCELIUM_SUCCESS)
    return failed("bridge");
  /* Before anybody is linked: who links hears at once what is wanted here. */
  if (role->start(runtime, options) != 0)
    return 1;
  char address[256] = "";
  if (options->listen != NULL &&
      mycelium_bridge_listen(runtime, options->listen, address, sizeof address, NULL) != MYCELIUM_SUCCESS)
    return failed(options->listen);
  if (options->dial != NULL && mycelium_bridge_dial(runtime, options->dial) != MYCELIUM_SUCCESS)
    return failed(options->dial);
  printf("{\"ready\": \"%s\"}\n", address);
  return 0;
}

/* ---- counts ---- */

static void report(void) {
  static char json[1 << 20];
  MyceliumRuntimeStats bus = {.struct_size = sizeof bus};
  MyceliumBridgeStats links = {.struct_size = sizeof links};
  /* The neighbours first: what is not on its way any more then is in the sums now. */
  if (mycelium_bridge_json(runtime, json, sizeof json, NULL) != MYCELIUM_SUCCESS ||
      mycelium_bridge_stats(runtime, &links) != MYCELIUM_SUCCESS ||
      mycelium_runtime_stats(runtime, &bus) != MYCELIUM_SUCCESS) {
    printf("{\"error\": \"%s\"}\n", mycelium_last_error());
    return;
  }
  printf(
      "{\"offered\": %llu, \"taken\": %llu, \"waiting\": %llu, \"sent\": %llu, \"sent_again\": %llu, \"acknowledged\": "
      "%llu, \"dropped\": %llu, "
      "\"lost\": %llu, \"links_cut\": %llu, \"repeated\": %llu, \"missing\": %llu, \"invalid\": %llu, \"links\": %llu",
      (unsigned long long)bus.offered, (unsigned long long)bus.delivered, (unsigned long long)bus.waiting,
      (unsigned long long)links.sent, (unsigned long long)links.sent_again, (unsigned long long)links.acknowledged,
      (unsigned long long)links.dropped, (unsigned long long)links.lost, (unsigned long long)links.links_cut,
      (unsigned long long)links.repeated, (unsigned long long)links.missing, (unsigned long long)links.invalid,
      (unsigned long long)links.neighbours);
  role->report(stdout);
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  printf(", \"wall_s\": %lld, \"bridge\": %s}\n", (long long)wall.tv_sec, json);
}

int main(int argc, char** argv) {
  (void)argc;
  static Options options = {.types = {30001, 30002, 30003},
                            .type_count = 3,
                            .first = 1,
                            .timeout_ms = 2000,
                            .outstanding = 64,
                            .sizes = SIZES_MIXED,
                            .name = "party"};
  mycelium_bridge_config_init(&options.how);
  if (!read_options(argv + 1, &options) || (role = role_named(options.role)) == NULL) {
    fprintf(stderr, "usage: party role=publish|subscribe|ask|serve [name=value ...]; names: see party.h\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  if (journal_open(options.journal) != 0) {
    perror(options.journal);
    return 1;
  }
  if (open_bus(&options) != 0)
    return 1;
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "end\n") != 0) {
    if (strcmp(line, "stop\n") == 0)
      role->stop();
    report();
  }
  role->stop();
  mycelium_runtime_destroy(runtime);
  printf("{\"ended\": true}\n");
  return 0;
}
