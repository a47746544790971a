/* Every function of the interface once, from C11: the header is C, and so is the calling convention of all it declares.
 */
#include "mycelium.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUESTION = 20001, ANSWER = 20002, NEWS = 20003 };

static const int64_t patience = 20000000000;

/* A failed check ends the program with the place and the library's own words. */
static void check_at(int right, const char* what, int line) {
  if (right)
    return;
  fprintf(stderr, "line %d: %s; last error: %s (%s)\n", line, what, mycelium_last_error(),
          mycelium_status_name(mycelium_last_status()));
  exit(1);
}
#define CHECK(condition) check_at((condition) ? 1 : 0, #condition, __LINE__)
#define OK(call) check_at((call) == MYCELIUM_SUCCESS, #call, __LINE__)

static atomic_int plain_calls;
static atomic_int handler_calls;
static atomic_int batch_messages;
static atomic_int completed;
static atomic_int freed;
static atomic_int replies;

static void on_payload(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  const MyceliumMessage* message = mycelium_message_current();
  size_t same = 0;
  (void)user_data;
  CHECK(type_id == NEWS && mycelium_message_type_id(message) == NEWS);
  CHECK(mycelium_message_payload(message, &same) == payload && same == len);
  atomic_fetch_add(&plain_calls, 1);
}

/* Answers questions; keeps a reference a little longer than it must. */
static void on_question(const MyceliumMessage* message, void* rt) {
  MyceliumEnvelope envelope = {.struct_size = sizeof envelope};
  MyceliumMessage* own = mycelium_message_retain(message);
  OK(mycelium_message_envelope(message, &envelope));
  CHECK(envelope.type_id == QUESTION && envelope.sequence > 0);
  atomic_fetch_add(&handler_calls, 1);
  if (mycelium_message_is_request(own))
    OK(mycelium_reply(rt, own, ANSWER, (const uint8_t*)"42", 2));
  mycelium_message_release(own);
}

static void on_batch(const MyceliumMessage* const* messages, size_t count, void* user_data) {
  (void)messages;
  (void)user_data;
  atomic_fetch_add(&batch_messages, (int)count);
}

static void on_drop(const MyceliumDropEvent* event, void* user_data) {
  (void)event;
  (void)user_data;
}

static void on_complete(uint64_t subscription_id, void* user_data) {
  (void)subscription_id;
  (void)user_data;
  atomic_fetch_add(&completed, 1);
}

static void user_data_free(void* user_data) {
  (void)user_data;
  atomic_fetch_add(&freed, 1);
}

static void on_reply(uint64_t request_id, int32_t status, const MyceliumMessage* reply, void* user_data) {
  (void)user_data;
  CHECK(request_id != 0 && status == MYCELIUM_SUCCESS && reply != NULL);
  atomic_fetch_add(&replies, 1);
}

static void on_log(MyceliumLogLevel level, const char* text, void* user_data) {
  (void)user_data;
  if (level == MYCELIUM_LOG_ERROR)
    fprintf(stderr, "log: %s\n", text);
}

static void about(void) {
  size_t len = 0;
  char* text;
  CHECK(mycelium_abi_version() >> 16 == MYCELIUM_ABI_MAJOR);
  CHECK(strlen(mycelium_version()) >= 5);
  CHECK(strcmp(mycelium_status_name(MYCELIUM_ERROR_FULL), "MYCELIUM_ERROR_FULL") == 0);
  CHECK(strcmp(mycelium_last_error(), "") == 0 && mycelium_last_status() == 0);
  OK(mycelium_info_json(NULL, 0, &len));
  text = malloc(len + 1);
  OK(mycelium_info_json(text, len + 1, NULL));
  CHECK(strlen(text) == len && text[0] == '{');
  free(text);
}

static void schemas(MyceliumRuntime* rt) {
  uint8_t digest[MYCELIUM_DIGEST_SIZE];
  const uint8_t garbage[8] = {0};
  OK(mycelium_schema_digest(digest));
  OK(mycelium_verify_schema_digest(rt, digest, sizeof digest));
  OK(mycelium_type_digest(rt, 1001, digest));
  CHECK(mycelium_register_schema(rt, garbage, sizeof garbage, digest) == MYCELIUM_ERROR_INVALID_ARGUMENT);
  CHECK(mycelium_verify_payload(rt, 1001, garbage, 1) == MYCELIUM_ERROR_INVALID_PAYLOAD);
}

static void publish_and_subscribe(MyceliumRuntime* rt) {
  const MyceliumPayload batch[2] = {{NEWS, (const uint8_t*)"c", 1}, {NEWS, (const uint8_t*)"d", 1}};
  MyceliumSubscriptionStats stats = {.struct_size = sizeof stats};
  MyceliumEnvelope envelope = {.struct_size = sizeof envelope, .type_id = NEWS, .priority = 9};
  MyceliumSubscribeOptions options;
  MyceliumLoan* loan = NULL;
  uint8_t* data = NULL;
  size_t accepted = 0;
  uint64_t plain = 0;
  uint64_t batched = 0;

  OK(mycelium_keep_history(rt, NEWS, 16));
  OK(mycelium_subscribe(rt, NEWS, on_payload, NULL, &plain));
  OK(mycelium_publish(rt, NEWS, (const uint8_t*)"a", 1));
  OK(mycelium_publish_envelope(rt, &envelope, (const uint8_t*)"b", 1));
  OK(mycelium_thread_interrupt_check(NULL, NULL));
  OK(mycelium_publish_batch(rt, batch, 2, &accepted));
  CHECK(accepted == 2);
  OK(mycelium_loan(rt, 64, &loan, &data));
  data[0] = 'e';
  OK(mycelium_publish_loan(rt, NEWS, loan, 0, 1));
  OK(mycelium_loan(rt, 64, &loan, &data));
  mycelium_loan_discard(loan);

  mycelium_subscribe_options_init(&options);
  options.name = "archive";
  options.policy = MYCELIUM_POLICY_DROP_OLDEST;
  options.history = 16;
  options.on_batch = on_batch;
  options.on_drop = on_drop;
  options.on_complete = on_complete;
  options.user_data_free = user_data_free;
  OK(mycelium_subscribe_with_options(rt, NEWS, &options, &batched));
  OK(mycelium_wait_for_subscribers(rt, NEWS, 2, patience));
  OK(mycelium_flush(rt, patience));
  CHECK(atomic_load(&plain_calls) == 5);
  CHECK(atomic_load(&batch_messages) == 5);
  OK(mycelium_subscription_stats(rt, batched, &stats));
  CHECK(stats.delivered == 5);
  OK(mycelium_unsubscribe(rt, plain));
  OK(mycelium_unsubscribe(rt, batched));
  CHECK(atomic_load(&completed) == 1 && atomic_load(&freed) == 1);
}

static void queues_and_requests(MyceliumRuntime* rt) {
  MyceliumRequestOptions asking = {.struct_size = sizeof asking, .timeout_ns = patience, .on_reply = on_reply};
  MyceliumSubscribeOptions options;
  MyceliumMessage* reply = NULL;
  MyceliumDelivery delivery;
  struct pollfd ready = {.events = POLLIN};
  uint64_t server = 0;
  uint64_t queue = 0;
  uint64_t request = 0;
  size_t count = 0;

  mycelium_subscribe_options_init(&options);
  options.on_message = on_question;
  options.user_data = rt;
  OK(mycelium_subscribe_with_options(rt, QUESTION, &options, &server));
  OK(mycelium_request(rt, QUESTION, (const uint8_t*)"?", 1, patience, &reply));
  CHECK(mycelium_message_type_id(reply) == ANSWER);
  mycelium_message_release(reply);
  OK(mycelium_request_async(rt, QUESTION, NULL, 0, &asking, &request));

  OK(mycelium_queue_open(rt, &queue));
  asking.on_reply = NULL;
  asking.queue_id = queue;
  OK(mycelium_request_async(rt, QUESTION, NULL, 0, &asking, &request));
  OK(mycelium_queue_fd(rt, queue, &ready.fd));
  CHECK(poll(&ready, 1, 20000) == 1);
  OK(mycelium_queue_receive(rt, queue, &delivery, 1, patience, &count));
  CHECK(count == 1 && delivery.kind == MYCELIUM_DELIVERY_REPLY && delivery.id == request);
  mycelium_message_release(delivery.message);
  CHECK(mycelium_request_cancel(rt, request) == MYCELIUM_ERROR_SUBSCRIPTION);
  OK(mycelium_queue_wake(rt, queue));
  OK(mycelium_queue_receive(rt, queue, &delivery, 1, patience, &count));
  CHECK(count == 0);
  OK(mycelium_queue_close(rt, queue));
  OK(mycelium_unsubscribe(rt, server));
  CHECK(atomic_load(&handler_calls) == 3);
}

static void statistics_and_end(MyceliumRuntime* rt) {
  MyceliumRuntimeStats stats = {.struct_size = sizeof stats};
  size_t len = 0;
  char* text;
  OK(mycelium_metrics_text(rt, NULL, 0, &len));
  text = malloc(len + 4096);
  OK(mycelium_metrics_text(rt, text, len + 4096, &len));
  CHECK(len > 6 && strcmp(text + len - 6, "# EOF\n") == 0);
  free(text);
  OK(mycelium_runtime_close(rt, patience));
  CHECK(atomic_load(&replies) == 1);
  OK(mycelium_runtime_stats(rt, &stats));
  CHECK(stats.offered == stats.delivered && stats.waiting == 0);
  mycelium_runtime_destroy(rt);
}

int main(void) {
  MyceliumRuntimeConfig config;
  MyceliumRuntime* rt;
  about();
  mycelium_runtime_config_init(&config);
  config.name = "every-function";
  config.threads = 1;
  config.log = on_log;
  rt = mycelium_runtime_create_with_config(&config);
  CHECK(rt != NULL);
  schemas(rt);
  publish_and_subscribe(rt);
  queues_and_requests(rt);
  statistics_and_end(rt);
  rt = mycelium_runtime_create();
  CHECK(rt != NULL);
  OK(mycelium_runtime_destroy_later(rt));
  CHECK(mycelium_runtime_create_from_topology("/nowhere.toml", "service") == NULL);
  CHECK(mycelium_last_status() == MYCELIUM_ERROR_TOPOLOGY);
  return 0;
}
