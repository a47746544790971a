/* Hosts the runtime of a plug-in: makes a bus, loads the plug-in at PATH and gives it the bus's handle. Both publish,
 * subscribe, ask and answer on it.
 *   host_plugin PATH        tests/hosts/plugin.c is such a plug-in
 * Prints how many messages came from itself and from the plug-in, and what two requests were answered. */
#include "messages.h"

#include <mycelium.h>

#include <dlfcn.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGES = 1000, PLUGIN_COUNTER = 7 };
static const int64_t patience_ns = 10000000000;

typedef struct Plugin {
  int32_t (*start)(MyceliumRuntime* rt);
  int32_t (*ask)(const char* text, uint64_t* words);
  int32_t (*stop)(void);
} Plugin;

typedef struct Heard {
  atomic_int own;
  atomic_int from_plugin;
} Heard;

static void on_text(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  Heard* heard = user_data;
  TextMessage message;
  (void)type_id;
  if (text_message_decode(payload, len, &message))
    atomic_fetch_add(&heard->own, 1);
}

static void on_counter(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  Heard* heard = user_data;
  CounterUpdate update;
  (void)type_id;
  if (counter_update_decode(payload, len, &update) && update.counter_id == PLUGIN_COUNTER)
    atomic_fetch_add(&heard->from_plugin, 1);
}

static void on_question(const MyceliumMessage* message, void* bus) {
  size_t len = 0;
  const uint8_t* payload = mycelium_message_payload(message, &len);
  WordCountRequest request;
  if (!mycelium_message_is_request(message) || !word_count_request_decode(payload, len, &request))
    return;
  const WordCountReply reply = {count_words(request.text), request.text.len};
  uint8_t buffer[MESSAGE_SPACE];
  const uint8_t* encoded = word_count_reply_encode(&reply, buffer, sizeof buffer, &len);
  mycelium_reply(bus, message, WORD_COUNT_REPLY, encoded, len);
}

static int fail(const char* what, const char* why) {
  fprintf(stderr, "host_plugin: %s: %s\n", what, why);
  return -1;
}
static int fail_call(const char* what) { return fail(what, mycelium_last_error()); }

static int load(const char* path, Plugin* out) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* stays loaded until the process ends */
  if (library == NULL)
    return fail("the plug-in", dlerror());
  /* As POSIX has it: an object pointer that is a function pointer. */
  *(void**)&out->start = dlsym(library, "plugin_start");
  *(void**)&out->ask = dlsym(library, "plugin_ask");
  *(void**)&out->stop = dlsym(library, "plugin_stop");
  return out->start == NULL || out->ask == NULL || out->stop == NULL ? fail(path, "it is no plug-in of this example")
                                                                     : 0;
}

static int subscribe(MyceliumRuntime* bus, Heard* heard) {
  MyceliumSubscribeOptions serving;
  mycelium_subscribe_options_init(&serving);
  serving.on_message = on_question;
  serving.user_data = bus;
  if (mycelium_subscribe(bus, TEXT_MESSAGE, on_text, heard, NULL) != MYCELIUM_SUCCESS ||
      mycelium_subscribe(bus, COUNTER_UPDATE, on_counter, heard, NULL) != MYCELIUM_SUCCESS ||
      mycelium_subscribe_with_options(bus, WORD_COUNT_REQUEST, &serving, NULL) != MYCELIUM_SUCCESS)
    return fail_call("subscribe");
  return 0;
}

static int publish(MyceliumRuntime* bus) {
  for (int i = 1; i <= MESSAGES; ++i) {
    char line[32];
    const int size = snprintf(line, sizeof line, "line %d", i);
    const TextMessage message = {{"host", 4}, {line, (size_t)size}, (uint64_t)i};
    uint8_t buffer[MESSAGE_SPACE + 36];
    size_t len = 0;
    const uint8_t* payload = text_message_encode(&message, buffer, sizeof buffer, &len);
    if (mycelium_publish(bus, TEXT_MESSAGE, payload, len) != MYCELIUM_SUCCESS)
      return fail_call("publish");
  }
  /* Twice: the first has the plug-in publish what the second waits for. */
  if (mycelium_flush(bus, patience_ns) != MYCELIUM_SUCCESS || mycelium_flush(bus, patience_ns) != MYCELIUM_SUCCESS)
    return fail_call("flush");
  return 0;
}

static int ask(MyceliumRuntime* bus, const char* text, uint64_t* words) {
  const WordCountRequest request = {{text, strlen(text)}};
  uint8_t buffer[MESSAGE_SPACE + 100];
  size_t len = 0;
  const uint8_t* encoded = word_count_request_encode(&request, buffer, sizeof buffer, &len);
  MyceliumMessage* message = NULL;
  if (mycelium_request(bus, WORD_COUNT_REQUEST, encoded, len, patience_ns, &message) != MYCELIUM_SUCCESS)
    return fail_call("request");
  const uint8_t* payload = mycelium_message_payload(message, &len);
  WordCountReply reply;
  const bool good = word_count_reply_decode(payload, len, &reply);
  mycelium_message_release(message);
  *words = reply.words;
  return good ? 0 : fail("request", "the reply is no WordCountReply");
}

static int run(MyceliumRuntime* bus, const char* path) {
  Plugin plugin = {0};
  Heard heard = {0};
  uint64_t own_words = 0;
  uint64_t plugin_words = 0;
  int outcome = load(path, &plugin);
  if (outcome == 0)
    outcome = subscribe(bus, &heard);
  if (outcome == 0 && plugin.start(bus) != 0)
    outcome = fail("plugin_start", mycelium_last_error());
  if (outcome == 0) {
    outcome = publish(bus);
    if (outcome == 0)
      outcome = ask(bus, "one two three", &own_words);
    if (outcome == 0 && plugin.ask("a b c d", &plugin_words) != 0)
      outcome = fail("plugin_ask", mycelium_last_error());
    if (plugin.stop() != 0)
      outcome = fail("plugin_stop", mycelium_last_error());
  }
  if (outcome == 0) {
    printf("heard %d of its own, %d from the plug-in\n", atomic_load(&heard.own), atomic_load(&heard.from_plugin));
    printf("its own request: %" PRIu64 " words\n", own_words);
    printf("the plug-in's request: %" PRIu64 " words\n", plugin_words);
  }
  mycelium_runtime_destroy(bus); /* before heard goes: the subscriptions last as long as the runtime */
  return outcome;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: host_plugin PATH\n");
    return 2;
  }
  MyceliumRuntime* bus = mycelium_runtime_create();
  if (bus == NULL)
    return fail_call("the runtime") == 0 ? 0 : 1;
  return run(bus, argv[1]) == 0 ? 0 : 1;
}
