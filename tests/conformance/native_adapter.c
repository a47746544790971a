/* The library as a subject of the conformance suite: tests/conformance/README.md has the contract. */
#include "mycelium_bridge.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPES = 65536, HELD = 256, LONGEST_LINE = 8 << 20 };

static MyceliumRuntime* runtime;
static uint64_t subscriptions[TYPES]; /* 0: none */
static uint64_t requests[1024];       /* the suite's id of each request of ours, by its own number */

struct store {
  MyceliumMessage* messages[HELD]; /* oldest first */
  size_t count;
};
static struct store asking;                              /* requests to answer */
static struct store kept;                                /* messages to let go of */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of both */

static void complain(const char* what) {
  fprintf(stderr, "native_adapter: %s: %s\n", what, mycelium_last_error());
  exit(2);
}

static void print_log(MyceliumLogLevel level, const char* text, void* user_data) {
  (void)level, (void)user_data;
  fprintf(stderr, "native_adapter: %s\n", text);
}

/* ---- words ---- */

/* "-" for nothing; the caller frees it. */
static char* hex(const uint8_t* bytes, size_t len) {
  char* const text = malloc(2 * len + 2);
  if (text == NULL)
    abort();
  strcpy(text, "-");
  for (size_t i = 0; i < len; ++i)
    sprintf(text + 2 * i, "%02x", bytes[i]);
  return text;
}

/* Into the memory of the text itself. */
static uint8_t* unhex(char* text, size_t* len) {
  uint8_t* const bytes = (uint8_t*)text;
  *len = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
  for (size_t i = 0; i < *len; ++i) {
    const char pair[] = {text[2 * i], text[2 * i + 1], '\0'};
    bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return bytes;
}

static const char* short_name(int32_t status) {
  const char* const name = mycelium_status_name(status);
  const char prefix[] = "MYCELIUM_ERROR_";
  return strncmp(name, prefix, sizeof prefix - 1) == 0 ? name + sizeof prefix - 1 : name;
}

static void answer(int32_t status) {
  if (status == MYCELIUM_SUCCESS)
    puts("ok");
  else
    printf("error %s\n", short_name(status));
}

static void print_message(const MyceliumMessage* message) {
  size_t len = 0;
  const uint8_t* const bytes = mycelium_message_payload(message, &len);
  MyceliumEnvelope envelope = {.struct_size = sizeof envelope};
  mycelium_message_envelope(message, &envelope);
  char trace[64] = "-";
  if (envelope.has_trace) {
    char* const id = hex(envelope.trace_id, sizeof envelope.trace_id);
    char* const span = hex(envelope.span_id, sizeof envelope.span_id);
    snprintf(trace, sizeof trace, "00-%s-%s-%02x", id, span, envelope.trace_flags);
    free(id);
    free(span);
  }
  char key[24] = "-";
  if (envelope.destination == MYCELIUM_TO_KEY)
    snprintf(key, sizeof key, "%" PRIu64, envelope.destination_key);
  char* const payload = hex(bytes, len);
  printf("message %u %s publisher=%" PRIu64 " sequence=%" PRIu64 " timestamp=%" PRId64 " correlation=%" PRIu64
         " priority=%u trace=%s key=%s\n",
         envelope.type_id, payload, envelope.publisher_id, envelope.sequence, envelope.timestamp_ns,
         envelope.correlation_id, envelope.priority, trace, key);
  free(payload);
}

/* ---- what is held ---- */

static void hold(struct store* store, const MyceliumMessage* message) {
  pthread_mutex_lock(&lock);
  if (store->count == HELD)
    abort();
  store->messages[store->count++] = mycelium_message_retain(message);
  pthread_mutex_unlock(&lock);
}

/* NULL if there is none; the caller releases it. */
static MyceliumMessage* take_held(struct store* store, size_t at) {
  MyceliumMessage* found = NULL;
  pthread_mutex_lock(&lock);
  if (at < store->count) {
    found = store->messages[at];
    memmove(store->messages + at, store->messages + at + 1, (--store->count - at) * sizeof *store->messages);
  }
  pthread_mutex_unlock(&lock);
  return found;
}

static void release_all(struct store* store) {
  for (MyceliumMessage* each = take_held(store, 0); each != NULL; each = take_held(store, 0))
    mycelium_message_release(each);
}

/* ---- what the bus calls ---- */

static void on_message(const MyceliumMessage* message, void* user_data) {
  (void)user_data;
  print_message(message);
}

static void keep_message(const MyceliumMessage* message, void* user_data) {
  (void)user_data;
  hold(&kept, message);
  print_message(message);
}

enum manner { ECHO, SILENT, HOLD };

static void on_request(const MyceliumMessage* message, void* user_data) {
  if (!mycelium_message_is_request(message))
    return;
  size_t len = 0;
  const uint8_t* const bytes = mycelium_message_payload(message, &len);
  const uint16_t type_id = mycelium_message_type_id(message);
  if (*(const enum manner*)user_data == HOLD)
    hold(&asking, message);
  char* const text = hex(bytes, len);
  printf("serving %u %s\n", type_id, text);
  free(text);
  if (*(const enum manner*)user_data == ECHO)
    mycelium_reply(runtime, message, type_id, bytes, len);
}

static void on_reply(uint64_t request_id, int32_t status, const MyceliumMessage* reply, void* user_data) {
  (void)request_id;
  const uint64_t id = *(const uint64_t*)user_data;
  if (status != MYCELIUM_SUCCESS) {
    printf("failed %" PRIu64 " %s\n", id, short_name(status));
    return;
  }
  size_t len = 0;
  const uint8_t* const bytes = mycelium_message_payload(reply, &len);
  char* const text = hex(bytes, len);
  printf("reply %" PRIu64 " %u %s\n", id, mycelium_message_type_id(reply), text);
  free(text);
}

/* ---- commands ---- */

static char* next_word(void) {
  char* const word = strtok(NULL, " ");
  return word != NULL ? word : "";
}

static uint64_t next_number(void) { return strtoull(next_word(), NULL, 10); }

static void subscribe_with(MyceliumHandler callback) {
  const uint16_t type_id = (uint16_t)next_number();
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.on_message = callback;
  answer(mycelium_subscribe_with_options(runtime, type_id, &options, &subscriptions[type_id]));
}

static void subscribe(void) { subscribe_with(on_message); }

static void keep(void) { subscribe_with(keep_message); }

static void release(void) {
  MyceliumMessage* const message = take_held(&kept, (size_t)next_number());
  if (message == NULL) {
    puts("error NO_MESSAGE");
    return;
  }
  mycelium_message_release(message);
  puts("ok");
}

static void unsubscribe(void) {
  const uint16_t type_id = (uint16_t)next_number();
  answer(mycelium_unsubscribe(runtime, subscriptions[type_id]));
}

static void read_trace(const char* text, MyceliumEnvelope* envelope) {
  char parts[64] = "";
  strncpy(parts, text, sizeof parts - 1);
  size_t len = 0;
  envelope->has_trace = 1;
  parts[35] = parts[52] = '\0';
  memcpy(envelope->trace_id, unhex(parts + 3, &len), sizeof envelope->trace_id);
  memcpy(envelope->span_id, unhex(parts + 36, &len), sizeof envelope->span_id);
  envelope->trace_flags = *unhex(parts + 53, &len);
}

static void publish(void) {
  MyceliumEnvelope envelope = {.struct_size = sizeof envelope};
  envelope.type_id = (uint16_t)next_number();
  size_t len = 0;
  const uint8_t* const bytes = unhex(next_word(), &len);
  for (char* option = next_word(); *option != '\0'; option = next_word()) {
    char* const value = strchr(option, '=');
    if (value == NULL) {
      puts("error BAD_OPTION");
      return;
    }
    if (strncmp(option, "correlation", 11) == 0)
      envelope.correlation_id = strtoull(value + 1, NULL, 10);
    else if (strncmp(option, "priority", 8) == 0)
      envelope.priority = (uint8_t)strtoul(value + 1, NULL, 10);
    else if (strncmp(option, "trace", 5) == 0)
      read_trace(value + 1, &envelope);
    else if (strncmp(option, "key", 3) == 0) {
      envelope.destination = MYCELIUM_TO_KEY;
      envelope.destination_key = strtoull(value + 1, NULL, 10);
    }
  }
  answer(mycelium_publish_envelope(runtime, &envelope, bytes, len));
}

static void request(void) {
  static size_t asked;
  uint64_t* const id = &requests[asked++ % (sizeof requests / sizeof *requests)];
  *id = next_number();
  const uint16_t type_id = (uint16_t)next_number();
  size_t len = 0;
  const uint8_t* const bytes = unhex(next_word(), &len);
  const MyceliumRequestOptions options = {.struct_size = sizeof options,
                                          .timeout_ns = (int64_t)next_number() * 1000000,
                                          .on_reply = on_reply,
                                          .user_data = id};
  answer(mycelium_request_async(runtime, type_id, bytes, len, &options, NULL));
}

static void serve(void) {
  static enum manner manners[] = {ECHO, SILENT, HOLD};
  const uint16_t type_id = (uint16_t)next_number();
  const char* const how = next_word();
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.on_message = on_request;
  options.user_data = &manners[strcmp(how, "echo") == 0 ? ECHO : strcmp(how, "hold") == 0 ? HOLD : SILENT];
  answer(mycelium_subscribe_with_options(runtime, type_id, &options, &subscriptions[type_id]));
}

static void answer_held(void) {
  size_t len = 0;
  const uint8_t* const bytes = unhex(next_word(), &len);
  MyceliumMessage* const oldest = take_held(&asking, 0);
  if (oldest == NULL) {
    puts("error NO_REQUEST");
    return;
  }
  mycelium_reply(runtime, oldest, mycelium_message_type_id(oldest), bytes, len); /* or it came too late */
  mycelium_message_release(oldest);
  puts("ok");
}

static void wait(void) {
  const uint16_t type_id = (uint16_t)next_number();
  const size_t count = next_number();
  answer(mycelium_wait_for_subscribers(runtime, type_id, count, (int64_t)next_number() * 1000000));
}

static void print_stats(void) {
  MyceliumBridgeStats s = {.struct_size = sizeof s};
  if (mycelium_bridge_stats(runtime, &s) != MYCELIUM_SUCCESS)
    complain("stats");
  printf("stats sent=%" PRIu64 " acknowledged=%" PRIu64 " dropped=%" PRIu64 " lost=%" PRIu64 " missing=%" PRIu64
         " invalid=%" PRIu64 " links_made=%" PRIu64 " links_cut=%" PRIu64 " refused=%" PRIu64 "\n",
         s.sent, s.acknowledged, s.dropped, s.lost, s.missing, s.invalid, s.links_made, s.links_cut, s.refused);
}

static void close_runtime(int64_t milliseconds) {
  release_all(&asking);
  const int32_t status = mycelium_runtime_close(runtime, milliseconds * 1000000);
  answer(status);
  release_all(&kept); /* not before: what is kept was not delivered */
  mycelium_runtime_destroy(runtime);
  exit(0);
}

static void obey(char* line) {
  line[strcspn(line, "\n")] = '\0';
  const char* const verb = strtok(line, " ");
  static const struct {
    const char* name;
    void (*run)(void);
  } commands[] = {{"subscribe", subscribe}, {"unsubscribe", unsubscribe}, {"publish", publish}, {"request", request},
                  {"serve", serve},         {"answer", answer_held},      {"wait", wait},       {"stats", print_stats},
                  {"keep", keep},           {"release", release}};
  if (verb == NULL)
    return;
  for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i) {
    if (strcmp(verb, commands[i].name) == 0) {
      commands[i].run();
      return;
    }
  }
  if (strcmp(verb, "dial") == 0)
    answer(mycelium_bridge_dial(runtime, next_word()));
  else if (strcmp(verb, "close") == 0)
    close_runtime((int64_t)next_number());
  else
    printf("error UNKNOWN_COMMAND\n");
}

/* ---- arguments ---- */

static int32_t policy_of(const char* name) {
  const char* const names[] = {"default", "block", "drop_oldest", "drop_newest", "fail"};
  for (int32_t i = 0; i < 5; ++i)
    if (strcmp(name, names[i]) == 0)
      return i;
  fprintf(stderr, "native_adapter: no policy %s\n", name);
  exit(2);
}

static void read_option(const char* name, const char* value, MyceliumBridgeConfig* config) {
  const long long number = atoll(value);
  const struct {
    const char* name;
    int64_t* to;
  } times[] = {{"--hello-timeout", &config->hello_timeout_ns},
               {"--heartbeat", &config->heartbeat_ns},
               {"--silence", &config->silence_ns},
               {"--linger", &config->linger_ns}};
  const struct {
    const char* name;
    uint32_t* to;
  } numbers[] = {{"--window", &config->window},
                 {"--max-frame", &config->max_frame},
                 {"--capacity", &config->capacity},
                 {"--max-links", &config->max_links}};
  for (size_t i = 0; i < sizeof times / sizeof *times; ++i)
    if (strcmp(name, times[i].name) == 0)
      *times[i].to = number * 1000000;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i)
    if (strcmp(name, numbers[i].name) == 0)
      *numbers[i].to = (uint32_t)number;
  if (strcmp(name, "--name") == 0)
    config->name = value;
  if (strcmp(name, "--token") == 0)
    config->token = value;
  if (strcmp(name, "--at-least-once") == 0)
    config->at_least_once = value;
  if (strcmp(name, "--policy") == 0)
    config->policy = policy_of(value);
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  MyceliumBridgeConfig config;
  mycelium_bridge_config_init(&config);
  const char* dialed = NULL;
  const char* listened = NULL;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--dial") == 0)
      dialed = argv[i + 1];
    else if (strcmp(argv[i], "--listen") == 0)
      listened = argv[i + 1];
    else
      read_option(argv[i], argv[i + 1], &config);
  }
  MyceliumRuntimeConfig bus;
  mycelium_runtime_config_init(&bus);
  bus.log = print_log;
  runtime = mycelium_runtime_create_with_config(&bus);
  if (runtime == NULL || mycelium_bridge_open(runtime, &config) != MYCELIUM_SUCCESS)
    complain("no bridge");
  puts("subject native mesh counts drops keys many receipts successors");
  char bound[512];
  if (listened != NULL) {
    if (mycelium_bridge_listen(runtime, listened, bound, sizeof bound, NULL) != MYCELIUM_SUCCESS)
      complain(listened);
    printf("listening %s\n", bound);
  }
  if (dialed != NULL && mycelium_bridge_dial(runtime, dialed) != MYCELIUM_SUCCESS)
    complain(dialed);
  char* const line = malloc(LONGEST_LINE);
  if (line == NULL)
    abort();
  while (fgets(line, LONGEST_LINE, stdin) != NULL)
    obey(line);
  free(line);
  close_runtime(5000);
}
