/* The ABI, frozen: numbers, sizes and places of major version 1 on 64-bit Linux. A change here breaks compiled
 * programs: fields are only added at the end of a struct, with its new size here and a higher MYCELIUM_ABI_MINOR. */
#include "mycelium.h"

_Static_assert(MYCELIUM_ABI_MAJOR == 1, "these are the numbers of version 1");
_Static_assert(sizeof(void*) == 8, "and of 64-bit machines");
_Static_assert(MYCELIUM_DIGEST_SIZE == 32, "MYCELIUM_DIGEST_SIZE");
_Static_assert(MYCELIUM_FOREVER == INT64_MAX, "MYCELIUM_FOREVER");

#define NUMBER(name, value) _Static_assert(name == (value), #name)

_Static_assert(sizeof(MyceliumStatus) == 4, "MyceliumStatus");
NUMBER(MYCELIUM_SUCCESS, 0);
NUMBER(MYCELIUM_DEFERRED, 1);
NUMBER(MYCELIUM_ERROR_NULL, -1);
NUMBER(MYCELIUM_ERROR_DIGEST, -2);
NUMBER(MYCELIUM_ERROR_RUNTIME, -3);
NUMBER(MYCELIUM_ERROR_SUBSCRIPTION, -4);
NUMBER(MYCELIUM_ERROR_TOPOLOGY, -5);
NUMBER(MYCELIUM_ERROR_SERVICE_NOT_FOUND, -6);
NUMBER(MYCELIUM_ERROR_UNKNOWN_TYPE, -7);
NUMBER(MYCELIUM_ERROR_TOO_LARGE, -8);
NUMBER(MYCELIUM_ERROR_INVALID_PAYLOAD, -9);
NUMBER(MYCELIUM_ERROR_FULL, -10);
NUMBER(MYCELIUM_ERROR_TIMEOUT, -11);
NUMBER(MYCELIUM_ERROR_CLOSED, -12);
NUMBER(MYCELIUM_ERROR_INVALID_ARGUMENT, -13);
NUMBER(MYCELIUM_ERROR_FORKED, -14);
NUMBER(MYCELIUM_ERROR_NO_REPLY, -15);
NUMBER(MYCELIUM_ERROR_UNSUPPORTED, -16);
NUMBER(MYCELIUM_ERROR_INTERNAL, -99);

_Static_assert(sizeof(MyceliumPolicy) == 4, "MyceliumPolicy");
NUMBER(MYCELIUM_POLICY_DEFAULT, 0);
NUMBER(MYCELIUM_POLICY_BLOCK, 1);
NUMBER(MYCELIUM_POLICY_DROP_OLDEST, 2);
NUMBER(MYCELIUM_POLICY_DROP_NEWEST, 3);
NUMBER(MYCELIUM_POLICY_FAIL, 4);

_Static_assert(sizeof(MyceliumVerify) == 4, "MyceliumVerify");
NUMBER(MYCELIUM_VERIFY_DEFAULT, 0);
NUMBER(MYCELIUM_VERIFY_NONE, 1);
NUMBER(MYCELIUM_VERIFY_SIZE, 2);
NUMBER(MYCELIUM_VERIFY_FULL, 3);

_Static_assert(sizeof(MyceliumLogLevel) == 4, "MyceliumLogLevel");
NUMBER(MYCELIUM_LOG_ERROR, 0);
NUMBER(MYCELIUM_LOG_WARNING, 1);
NUMBER(MYCELIUM_LOG_INFO, 2);

_Static_assert(sizeof(MyceliumDestination) == 4, "MyceliumDestination");
NUMBER(MYCELIUM_TO_ALL, 0);
NUMBER(MYCELIUM_TO_SUBSCRIPTION, 1);
NUMBER(MYCELIUM_TO_KEY, 2);

_Static_assert(sizeof(MyceliumDropReason) == 4, "MyceliumDropReason");
NUMBER(MYCELIUM_DROP_OLDEST, 0);
NUMBER(MYCELIUM_DROP_NEWEST, 1);
NUMBER(MYCELIUM_DROP_TIMEOUT, 2);
NUMBER(MYCELIUM_DROP_FULL, 3);
NUMBER(MYCELIUM_DROP_UNSUBSCRIBED, 4);
NUMBER(MYCELIUM_DROP_CLOSED, 5);
NUMBER(MYCELIUM_DROP_REASONS, 6);

_Static_assert(sizeof(MyceliumSubscribeFlags) == 4, "MyceliumSubscribeFlags");
NUMBER(MYCELIUM_SUBSCRIBE_DEDICATED, 1);
NUMBER(MYCELIUM_SUBSCRIBE_INLINE, 2);

_Static_assert(sizeof(MyceliumDeliveryKind) == 4, "MyceliumDeliveryKind");
NUMBER(MYCELIUM_DELIVERY_MESSAGE, 0);
NUMBER(MYCELIUM_DELIVERY_COMPLETE, 1);
NUMBER(MYCELIUM_DELIVERY_REPLY, 2);

#define FIELD(type, field, at) _Static_assert(offsetof(type, field) == (at), #type "." #field)

_Static_assert(sizeof(MyceliumRuntimeConfig) == 80, "MyceliumRuntimeConfig");
FIELD(MyceliumRuntimeConfig, struct_size, 0);
FIELD(MyceliumRuntimeConfig, name, 8);
FIELD(MyceliumRuntimeConfig, threads, 16);
FIELD(MyceliumRuntimeConfig, mailbox_capacity, 20);
FIELD(MyceliumRuntimeConfig, policy, 24);
FIELD(MyceliumRuntimeConfig, verify, 28);
FIELD(MyceliumRuntimeConfig, block_timeout_ns, 32);
FIELD(MyceliumRuntimeConfig, close_timeout_ns, 40);
FIELD(MyceliumRuntimeConfig, max_payload, 48);
FIELD(MyceliumRuntimeConfig, strict, 56);
FIELD(MyceliumRuntimeConfig, log, 64);
FIELD(MyceliumRuntimeConfig, log_user_data, 72);

_Static_assert(sizeof(MyceliumEnvelope) == 88, "MyceliumEnvelope");
FIELD(MyceliumEnvelope, struct_size, 0);
FIELD(MyceliumEnvelope, type_id, 8);
FIELD(MyceliumEnvelope, priority, 10);
FIELD(MyceliumEnvelope, has_trace, 11);
FIELD(MyceliumEnvelope, destination, 12);
FIELD(MyceliumEnvelope, destination_key, 16);
FIELD(MyceliumEnvelope, correlation_id, 24);
FIELD(MyceliumEnvelope, sequence, 32);
FIELD(MyceliumEnvelope, publisher_id, 40);
FIELD(MyceliumEnvelope, timestamp_ns, 48);
FIELD(MyceliumEnvelope, trace_id, 56);
FIELD(MyceliumEnvelope, span_id, 72);
FIELD(MyceliumEnvelope, trace_flags, 80);

_Static_assert(sizeof(MyceliumPayload) == 24, "MyceliumPayload");
FIELD(MyceliumPayload, type_id, 0);
FIELD(MyceliumPayload, data, 8);
FIELD(MyceliumPayload, len, 16);

_Static_assert(sizeof(MyceliumDropEvent) == 24, "MyceliumDropEvent");
FIELD(MyceliumDropEvent, subscription_id, 0);
FIELD(MyceliumDropEvent, dropped, 8);
FIELD(MyceliumDropEvent, reason, 16);
FIELD(MyceliumDropEvent, recovered, 20);

_Static_assert(sizeof(MyceliumSubscribeOptions) == 112, "MyceliumSubscribeOptions");
FIELD(MyceliumSubscribeOptions, struct_size, 0);
FIELD(MyceliumSubscribeOptions, name, 8);
FIELD(MyceliumSubscribeOptions, flags, 16);
FIELD(MyceliumSubscribeOptions, policy, 20);
FIELD(MyceliumSubscribeOptions, capacity, 24);
FIELD(MyceliumSubscribeOptions, history, 28);
FIELD(MyceliumSubscribeOptions, batch_max, 32);
FIELD(MyceliumSubscribeOptions, block_timeout_ns, 40);
FIELD(MyceliumSubscribeOptions, on_payload, 48);
FIELD(MyceliumSubscribeOptions, on_message, 56);
FIELD(MyceliumSubscribeOptions, on_batch, 64);
FIELD(MyceliumSubscribeOptions, queue_id, 72);
FIELD(MyceliumSubscribeOptions, on_drop, 80);
FIELD(MyceliumSubscribeOptions, on_complete, 88);
FIELD(MyceliumSubscribeOptions, user_data, 96);
FIELD(MyceliumSubscribeOptions, user_data_free, 104);

_Static_assert(sizeof(MyceliumDelivery) == 32, "MyceliumDelivery");
FIELD(MyceliumDelivery, kind, 0);
FIELD(MyceliumDelivery, status, 4);
FIELD(MyceliumDelivery, id, 8);
FIELD(MyceliumDelivery, user_data, 16);
FIELD(MyceliumDelivery, message, 24);

_Static_assert(sizeof(MyceliumRequestOptions) == 40, "MyceliumRequestOptions");
FIELD(MyceliumRequestOptions, struct_size, 0);
FIELD(MyceliumRequestOptions, timeout_ns, 8);
FIELD(MyceliumRequestOptions, on_reply, 16);
FIELD(MyceliumRequestOptions, queue_id, 24);
FIELD(MyceliumRequestOptions, user_data, 32);

_Static_assert(sizeof(MyceliumRuntimeStats) == 168, "MyceliumRuntimeStats");
FIELD(MyceliumRuntimeStats, struct_size, 0);
FIELD(MyceliumRuntimeStats, published, 8);
FIELD(MyceliumRuntimeStats, published_bytes, 16);
FIELD(MyceliumRuntimeStats, refused, 24);
FIELD(MyceliumRuntimeStats, offered, 32);
FIELD(MyceliumRuntimeStats, delivered, 40);
FIELD(MyceliumRuntimeStats, waiting, 48);
FIELD(MyceliumRuntimeStats, callback_errors, 56);
FIELD(MyceliumRuntimeStats, restarts, 64);
FIELD(MyceliumRuntimeStats, subscriptions, 72);
FIELD(MyceliumRuntimeStats, queues, 80);
FIELD(MyceliumRuntimeStats, requests_pending, 88);
FIELD(MyceliumRuntimeStats, threads, 96);
FIELD(MyceliumRuntimeStats, dropped, 104);

_Static_assert(sizeof(MyceliumSubscriptionStats) == 120, "MyceliumSubscriptionStats");
FIELD(MyceliumSubscriptionStats, struct_size, 0);
FIELD(MyceliumSubscriptionStats, offered, 8);
FIELD(MyceliumSubscriptionStats, delivered, 16);
FIELD(MyceliumSubscriptionStats, waiting, 24);
FIELD(MyceliumSubscriptionStats, capacity, 32);
FIELD(MyceliumSubscriptionStats, high_water, 40);
FIELD(MyceliumSubscriptionStats, callback_errors, 48);
FIELD(MyceliumSubscriptionStats, dropped, 56);

/* The functions of the source document, exactly so: another signature would not compile. */
MyceliumRuntime* mycelium_runtime_create(void);
MyceliumRuntime* mycelium_runtime_create_from_topology(const char* topology_path, const char* service_name);
void mycelium_runtime_destroy(MyceliumRuntime* rt);
int32_t mycelium_verify_schema_digest(MyceliumRuntime* rt, const uint8_t* digest, size_t len);
int32_t mycelium_publish(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len);
int32_t mycelium_subscribe(MyceliumRuntime* rt, uint16_t type_id,
                           void (*cb)(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data),
                           void* user_data, uint64_t* out_subscription_id);
int32_t mycelium_unsubscribe(MyceliumRuntime* rt, uint64_t subscription_id);

/* A program compiled against another major version must not run with this library. */
int main(void) { return mycelium_abi_version() >> 16 == MYCELIUM_ABI_MAJOR ? 0 : 1; }
