/* Mycelium: an embeddable, actor-based message bus. The C interface, and the only one that crosses the library.
 *
 * Threads   Every function may be called from any thread at any time unless it says otherwise. Distinct runtimes share
 *           nothing but a pool of memory blocks.
 * Errors    Functions return a MyceliumStatus as int32_t: 0 and above is success, below 0 is an error. The text of the
 *           last error of the calling thread is mycelium_last_error(). Nothing prints, exits or aborts.
 * Handles   A runtime handle is checked on each call: NULL gives MYCELIUM_ERROR_NULL, a destroyed one
 *           MYCELIUM_ERROR_CLOSED, one inherited through fork MYCELIUM_ERROR_FORKED. Ids (subscriptions, queues,
 *           requests) are never reused. Messages and loans are plain pointers: using one after its release is
 * undefined. Callbacks Run with no lock held and never two at once for one subscription. By default they run on the
 * runtime's worker threads and should not block: ask for MYCELIUM_SUBSCRIBE_DEDICATED if yours may. A callback may call
 *           everything here except where a function says otherwise. An exception that leaves a callback is caught,
 *           counted (MyceliumSubscriptionStats.callback_errors) and logged.
 * Blocking  "Blocks" means that the call may wait for another thread; all others return at once.
 * Times     Durations are nanoseconds: 0 does not wait, MYCELIUM_FOREVER waits without a limit.
 * Structs   Every struct that a caller fills begins with struct_size: set it to sizeof, zero the rest (or call its
 *           _init function). A zero field means its default.
 */
#ifndef MYCELIUM_H
#define MYCELIUM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MYCELIUM_API __attribute__((visibility("default")))

/* ABI version: the major number changes when a compiled program would break, the minor when something is added. */
#define MYCELIUM_ABI_MAJOR 1
#define MYCELIUM_ABI_MINOR 0

#define MYCELIUM_FOREVER INT64_MAX
#define MYCELIUM_DIGEST_SIZE 32

typedef struct MyceliumRuntime MyceliumRuntime;
typedef struct MyceliumMessage MyceliumMessage;
typedef struct MyceliumLoan MyceliumLoan;

/* Numbers are never changed or reused. */
typedef enum MyceliumStatus {
  MYCELIUM_SUCCESS = 0,
  MYCELIUM_DEFERRED = 1,                 /* accepted; completes after the running callback returns */
  MYCELIUM_ERROR_NULL = -1,              /* a required pointer was NULL */
  MYCELIUM_ERROR_DIGEST = -2,            /* schema digest mismatch */
  MYCELIUM_ERROR_RUNTIME = -3,           /* the runtime could not start or stop */
  MYCELIUM_ERROR_SUBSCRIPTION = -4,      /* no such subscription, queue or request */
  MYCELIUM_ERROR_TOPOLOGY = -5,          /* the topology file is missing or invalid */
  MYCELIUM_ERROR_SERVICE_NOT_FOUND = -6, /* the topology names no such service */
  MYCELIUM_ERROR_UNKNOWN_TYPE = -7,      /* strict runtime: no schema is registered for this type_id */
  MYCELIUM_ERROR_TOO_LARGE = -8,         /* payload over max_payload */
  MYCELIUM_ERROR_INVALID_PAYLOAD = -9,   /* the payload is no valid FlatBuffer of its type */
  MYCELIUM_ERROR_FULL = -10,             /* a mailbox is full and its policy does not wait */
  MYCELIUM_ERROR_TIMEOUT = -11,
  MYCELIUM_ERROR_CLOSED = -12, /* the runtime is closed or destroyed */
  MYCELIUM_ERROR_INVALID_ARGUMENT = -13,
  MYCELIUM_ERROR_FORKED = -14,      /* the runtime belongs to the parent process */
  MYCELIUM_ERROR_NO_REPLY = -15,    /* nobody serves this request, or every server let it go unanswered */
  MYCELIUM_ERROR_UNSUPPORTED = -16, /* not possible here: the last error says why */
  MYCELIUM_ERROR_INTERNAL = -99
} MyceliumStatus;

/* ---- about the library ---- */

/* (MYCELIUM_ABI_MAJOR << 16) | MYCELIUM_ABI_MINOR of the loaded library. */
MYCELIUM_API uint32_t mycelium_abi_version(void);
/* "1.0.0"; static storage. */
MYCELIUM_API const char* mycelium_version(void);
/* "MYCELIUM_ERROR_FULL" for -10; "MYCELIUM_UNKNOWN_STATUS" for others; static storage. */
MYCELIUM_API const char* mycelium_status_name(int32_t status);
/* What went wrong in the last failed call of this thread and what to do about it; "" before the first failure. Owned by
 * the library, valid until this thread's next failed call. */
MYCELIUM_API const char* mycelium_last_error(void);
/* Everything that a bug report needs, as a JSON object: versions, compiler, engine, clock source, cores, every option
 * with its value and where it came from (default or environment), the types of the built-in schema. Writes at most cap
 * bytes including the terminating zero; *out_len (may be NULL) gets the full length without it. buffer may be NULL when
 * cap is 0. */
MYCELIUM_API int32_t mycelium_info_json(char* buffer, size_t cap, size_t* out_len);

/* ---- runtime ---- */

typedef enum MyceliumPolicy {
  MYCELIUM_POLICY_DEFAULT = 0, /* what the runtime's configuration says */
  MYCELIUM_POLICY_BLOCK = 1, /* the publisher waits, at most block_timeout_ns. It gets FULL at once where it would wait
                                for itself: on a worker thread (in a callback that is not DEDICATED), from the
                                subscription's own callback, and on the thread that last received from its queue */
  MYCELIUM_POLICY_DROP_OLDEST = 2, /* makes room; with capacity 2 the latest value survives */
  MYCELIUM_POLICY_DROP_NEWEST = 3, /* the new message is dropped for this subscriber, publish succeeds */
  MYCELIUM_POLICY_FAIL = 4         /* publish returns MYCELIUM_ERROR_FULL */
} MyceliumPolicy;

typedef enum MyceliumVerify {
  MYCELIUM_VERIFY_DEFAULT = 0, /* what the environment says, else NONE */
  MYCELIUM_VERIFY_NONE = 1,    /* trust publishers in this process */
  MYCELIUM_VERIFY_SIZE = 2,    /* root offset and identifier lie inside the payload */
  MYCELIUM_VERIFY_FULL = 3     /* the whole FlatBuffer is checked against its schema before anyone sees it */
} MyceliumVerify;

typedef enum MyceliumLogLevel {
  MYCELIUM_LOG_ERROR = 0,
  MYCELIUM_LOG_WARNING = 1,
  MYCELIUM_LOG_INFO = 2
} MyceliumLogLevel;

/* text is valid during the call. May run on any thread, also on one that is publishing; never under a lock. */
typedef void (*MyceliumLogCallback)(MyceliumLogLevel level, const char* text, void* user_data);

/* A field that is left zero takes its value from the environment variable named beside it, else the default. */
typedef struct MyceliumRuntimeConfig {
  size_t struct_size;
  const char* name; /* MYCELIUM_NAME: shown in metrics and logs; "mycelium" */
  uint32_t threads; /* MYCELIUM_THREADS: workers; max(1, cores - 1) */
  uint32_t
      mailbox_capacity; /* MYCELIUM_MAILBOX_CAPACITY: messages per subscription, a power of two or rounded up; 4096 */
  int32_t policy;       /* MYCELIUM_POLICY=block|drop_oldest|drop_newest|fail; block */
  int32_t verify;       /* MYCELIUM_VERIFY=none|size|full; none */
  int64_t block_timeout_ns; /* MYCELIUM_BLOCK_TIMEOUT_MS; 1 s */
  int64_t close_timeout_ns; /* MYCELIUM_CLOSE_TIMEOUT_MS: how long destroy delivers what was accepted; 5 s */
  size_t max_payload;       /* MYCELIUM_MAX_PAYLOAD: bytes; 16 MiB, at most 2 GiB */
  uint32_t strict;          /* MYCELIUM_STRICT=1: publishing a type without a schema is MYCELIUM_ERROR_UNKNOWN_TYPE */
  MyceliumLogCallback log;  /* NULL: no log */
  void* log_user_data;
} MyceliumRuntimeConfig;

MYCELIUM_API void mycelium_runtime_config_init(MyceliumRuntimeConfig* config);

/* A runtime with the default configuration. NULL on failure, with mycelium_last_error(). Owned by the caller until
 * mycelium_runtime_destroy. Starts config.threads workers, a timer thread and a printer thread of the actor engine; all
 * of them block every signal. */
MYCELIUM_API MyceliumRuntime* mycelium_runtime_create(void);
/* The same with a configuration; config may be NULL. Nothing of *config is kept after the call but log and
 * log_user_data. */
MYCELIUM_API MyceliumRuntime* mycelium_runtime_create_with_config(const MyceliumRuntimeConfig* config);
/* A runtime for service service_name of the topology file (TOML; docs/bridge.md shows one), linked with the other
 * processes of its node and with the file's other nodes as they come. NULL on failure; mycelium_last_status() tells
 * TOPOLOGY (the text names file, line and key), SERVICE_NOT_FOUND, or RUNTIME (its sockets cannot be made). */
MYCELIUM_API MyceliumRuntime* mycelium_runtime_create_from_topology(const char* topology_path,
                                                                    const char* service_name);
/* The status of the last failed call of this thread; 0 before the first. For functions that return a pointer or
 * nothing. */
MYCELIUM_API int32_t mycelium_last_status(void);

/* Closes (see mycelium_runtime_close, with config.close_timeout_ns), joins every thread and frees the runtime; the
 * handle is stale afterwards. NULL and stale handles are ignored. Blocks. Refused in a callback of the same runtime:
 * nothing happens and mycelium_last_status() is MYCELIUM_ERROR_UNSUPPORTED; use mycelium_runtime_destroy_later there.
 * If a callback never returns, the runtime is abandoned after the deadline (memory and threads stay) and the log says
 * so. */
MYCELIUM_API void mycelium_runtime_destroy(MyceliumRuntime* rt);
/* Stops accepting at once and destroys on a thread of its own, so that a callback may call it. */
MYCELIUM_API int32_t mycelium_runtime_destroy_later(MyceliumRuntime* rt);
/* Stops accepting, delivers what was accepted until timeout_ns has passed, counts the rest as dropped
 * (MYCELIUM_DROP_CLOSED), completes pending requests with MYCELIUM_ERROR_CLOSED, completes every subscription and joins
 * every thread. Statistics stay readable until destroy. MYCELIUM_ERROR_TIMEOUT: a callback still runs; the last error
 * names the subscription; may be called again. MYCELIUM_ERROR_UNSUPPORTED in a callback of the same runtime. A second
 * close is MYCELIUM_SUCCESS. Blocks. */
MYCELIUM_API int32_t mycelium_runtime_close(MyceliumRuntime* rt, int64_t timeout_ns);

/* ---- schemas ---- */

/* MYCELIUM_SUCCESS if digest (len 32) is that of the built-in schema set or of one registered with this runtime, else
 * MYCELIUM_ERROR_DIGEST; another len is MYCELIUM_ERROR_INVALID_ARGUMENT. */
MYCELIUM_API int32_t mycelium_verify_schema_digest(MyceliumRuntime* rt, const uint8_t* digest, size_t len);
/* Adds the types of a binary schema (.bfbs, flatc -b --schema or mycelium schema compile --bfbs). A type_id that is
 * known with the same digest is left alone; with another digest it is MYCELIUM_ERROR_DIGEST and nothing is added.
 * Malformed bytes, a missing or duplicate type_id: MYCELIUM_ERROR_INVALID_ARGUMENT. out_digest (32 bytes, may be NULL)
 * gets the digest of the set. */
MYCELIUM_API int32_t mycelium_register_schema(MyceliumRuntime* rt, const uint8_t* bfbs, size_t len,
                                              uint8_t* out_digest);
/* Digest of the built-in schema set. */
MYCELIUM_API int32_t mycelium_schema_digest(uint8_t out_digest[MYCELIUM_DIGEST_SIZE]);
/* Digest of one registered type; MYCELIUM_ERROR_UNKNOWN_TYPE if there is none. */
MYCELIUM_API int32_t mycelium_type_digest(MyceliumRuntime* rt, uint16_t type_id,
                                          uint8_t out_digest[MYCELIUM_DIGEST_SIZE]);
/* Checks a payload against its schema at level FULL, whatever the runtime's level: MYCELIUM_ERROR_UNKNOWN_TYPE,
 * MYCELIUM_ERROR_INVALID_PAYLOAD. */
MYCELIUM_API int32_t mycelium_verify_payload(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len);

/* ---- messages ---- */

typedef enum MyceliumDestination {
  MYCELIUM_TO_ALL = 0,          /* every subscription of the type */
  MYCELIUM_TO_SUBSCRIPTION = 1, /* the one whose id is destination_key, if it subscribes to the type */
  MYCELIUM_TO_KEY = 2 /* one subscription of the type, chosen by destination_key; the same key reaches the same
                         one while the set of subscriptions stays the same (rendezvous hashing) */
} MyceliumDestination;

typedef struct MyceliumEnvelope {
  size_t struct_size;
  uint16_t type_id;
  uint8_t priority;    /* carried, 0..255; lanes stay FIFO */
  uint8_t has_trace;   /* 1: the three trace fields are set */
  int32_t destination; /* MyceliumDestination */
  uint64_t destination_key;
  uint64_t correlation_id; /* 0: none */
  uint64_t sequence;       /* set by the runtime: 1, 2, 3 ... per publisher */
  uint64_t publisher_id;   /* set by the runtime: one per publishing thread, drawn so that no linked process has
                              the same; below 2^53 */
  int64_t timestamp_ns;    /* set by the runtime at publish, nanoseconds since 1970 (UTC) */
  uint8_t trace_id[16];    /* W3C trace context */
  uint8_t span_id[8];
  uint8_t trace_flags;
} MyceliumEnvelope;

/* Messages are immutable and reference-counted. In a callback they are borrowed: valid until it returns. */
/* Payload, 16-byte aligned; *len (may be NULL) gets its size. NULL only for a NULL message. */
MYCELIUM_API const uint8_t* mycelium_message_payload(const MyceliumMessage* message, size_t* len);
MYCELIUM_API uint16_t mycelium_message_type_id(const MyceliumMessage* message);
/* Fills *out (out->struct_size must be set). */
MYCELIUM_API int32_t mycelium_message_envelope(const MyceliumMessage* message, MyceliumEnvelope* out);
/* 1 if the publisher waits for a reply. */
MYCELIUM_API int32_t mycelium_message_is_request(const MyceliumMessage* message);
/* A reference of one's own, to be released; may outlive the runtime. Use the returned pointer: for a message that was
 * delivered without a copy (MYCELIUM_SUBSCRIBE_INLINE) it is a new one. NULL if memory is short. */
MYCELIUM_API MyceliumMessage* mycelium_message_retain(const MyceliumMessage* message);
MYCELIUM_API void mycelium_message_release(MyceliumMessage* message);
/* The message whose MyceliumMessageCallback runs on this thread, or NULL; for retain, envelope and reply. */
MYCELIUM_API const MyceliumMessage* mycelium_message_current(void);

/* ---- publish ---- */

/* Delivers payload (copied once; may be NULL if len is 0) to every subscription of type_id; none is no error. The
 * publisher of the FIFO guarantee is the calling thread. May block: see MyceliumPolicy. MYCELIUM_ERROR_FULL and
 * _TIMEOUT (also when the runtime was closed meanwhile): at least one subscription did not get it, the others did. Also
 * _TOO_LARGE, _UNKNOWN_TYPE, _INVALID_PAYLOAD, _CLOSED: nobody got it. type_id 0 is MYCELIUM_ERROR_INVALID_ARGUMENT. */
MYCELIUM_API int32_t mycelium_publish(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len);
/* The same with an envelope; sequence, publisher_id and timestamp_ns are set by the runtime. */
MYCELIUM_API int32_t mycelium_publish_envelope(MyceliumRuntime* rt, const MyceliumEnvelope* envelope,
                                               const uint8_t* payload, size_t len);

/* For languages that run signal handlers only when their runtime gets the thread back: while a publish of the calling
 * thread waits for room in a mailbox, `interrupted` is called on this thread every 50 ms. If it returns non-zero, the
 * wait ends at once with MYCELIUM_ERROR_TIMEOUT. It may use the runtime, but not wait. NULL takes it back. The check is
 * the thread's: one for all runtimes; user_data has to outlive it. */
MYCELIUM_API int32_t mycelium_thread_interrupt_check(int32_t (*interrupted)(void* user_data), void* user_data);

typedef struct MyceliumPayload {
  uint16_t type_id;
  const uint8_t* data;
  size_t len;
} MyceliumPayload;

/* Publishes count payloads in order, with one wake-up per subscription. *out_accepted (may be NULL) gets how many were
 * published before the first error, whose status is returned; the rest was not. */
MYCELIUM_API int32_t mycelium_publish_batch(MyceliumRuntime* rt, const MyceliumPayload* payloads, size_t count,
                                            size_t* out_accepted);

/* A loan is memory of the runtime to build a payload in, published without a copy. *out_data is 16-byte aligned and
 * capacity bytes long. Owned by the caller until published or discarded; may be filled on any thread. */
MYCELIUM_API int32_t mycelium_loan(MyceliumRuntime* rt, size_t capacity, MyceliumLoan** out_loan, uint8_t** out_data);
/* Publishes the len bytes at offset of the loan; FlatBuffers are built from the end, so offset need not be 0 (the
 * payload is moved to the front if offset is not a multiple of 16). Takes the loan unless nobody got it
 * (_TOO_LARGE, _UNKNOWN_TYPE, _INVALID_PAYLOAD, _CLOSED, _INVALID_ARGUMENT, _NULL): then it is still the caller's. */
MYCELIUM_API int32_t mycelium_publish_loan(MyceliumRuntime* rt, uint16_t type_id, MyceliumLoan* loan, size_t offset,
                                           size_t len);
MYCELIUM_API void mycelium_loan_discard(MyceliumLoan* loan);

/* ---- subscribe ---- */

typedef void (*MyceliumMessageCallback)(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data);
typedef void (*MyceliumHandler)(const MyceliumMessage* message, void* user_data);
typedef void (*MyceliumBatchHandler)(const MyceliumMessage* const* messages, size_t count, void* user_data);

typedef enum MyceliumDropReason {
  MYCELIUM_DROP_OLDEST = 0,       /* made room for a newer one */
  MYCELIUM_DROP_NEWEST = 1,       /* found no room */
  MYCELIUM_DROP_TIMEOUT = 2,      /* the publisher waited in vain (it got MYCELIUM_ERROR_TIMEOUT) */
  MYCELIUM_DROP_FULL = 3,         /* refused: the publisher got MYCELIUM_ERROR_FULL */
  MYCELIUM_DROP_UNSUBSCRIBED = 4, /* was waiting when the subscription ended */
  MYCELIUM_DROP_CLOSED = 5,       /* was waiting when the deadline of close passed */
  MYCELIUM_DROP_REASONS = 6
} MyceliumDropReason;

/* The first drop of a subscription that kept up before (recovered 0), and its recovery (recovered 1: its mailbox has
 * been emptied again), with the number of messages dropped in between. Runs like the message callback, never beside it.
 */
typedef struct MyceliumDropEvent {
  uint64_t subscription_id;
  uint64_t dropped;
  int32_t reason; /* MyceliumDropReason of the first drop */
  int32_t recovered;
} MyceliumDropEvent;
typedef void (*MyceliumDropHandler)(const MyceliumDropEvent* event, void* user_data);

typedef enum MyceliumSubscribeFlags {
  MYCELIUM_SUBSCRIBE_DEDICATED = 1, /* a thread of its own: the callback may block */
  MYCELIUM_SUBSCRIBE_INLINE =
      2,                         /* run the callback in the publisher's thread when the subscription is idle and that
                                    thread is not nested four deep in such callbacks; FIFO holds. For messages of
                                    other nodes that is the thread which reads them from the link. For short callbacks */
  MYCELIUM_SUBSCRIBE_GATEWAY = 4 /* to carry the type into another system: nobody who would want it from there; see
                                    mycelium_bridge_wanted_types in mycelium_bridge.h */
} MyceliumSubscribeFlags;

/* Exactly one of on_payload, on_message, on_batch, queue_id is set. */
typedef struct MyceliumSubscribeOptions {
  size_t struct_size;
  const char* name;         /* shown in metrics, logs and close's complaint; "subscription-<id>" */
  uint32_t flags;           /* MyceliumSubscribeFlags */
  int32_t policy;           /* MyceliumPolicy */
  uint32_t capacity;        /* messages, rounded up to a power of two, 2 .. 2^24; 0: the runtime's */
  uint32_t history;         /* deliver up to this many kept messages first: see mycelium_keep_history */
  uint32_t batch_max;       /* most messages in one on_batch; 0: 256 */
  int64_t block_timeout_ns; /* 0: the runtime's */
  MyceliumMessageCallback on_payload;
  MyceliumHandler on_message;
  MyceliumBatchHandler on_batch;
  uint64_t queue_id; /* deliver to this queue instead of a callback */
  MyceliumDropHandler on_drop;
  void (*on_complete)(uint64_t subscription_id, void* user_data); /* once, after the last callback */
  void* user_data;
  void (*user_data_free)(void* user_data); /* once, last of all; in queue mode after its MYCELIUM_DELIVERY_COMPLETE was
                                              taken or discarded */
} MyceliumSubscribeOptions;

MYCELIUM_API void mycelium_subscribe_options_init(MyceliumSubscribeOptions* options);

/* Messages published by this thread after the call returns, and by others that know it has, are delivered to cb.
 * out_subscription_id may be NULL: the subscription then lasts as long as the runtime. user_data stays the caller's and
 * must live until unsubscribe or close has returned. */
MYCELIUM_API int32_t mycelium_subscribe(MyceliumRuntime* rt, uint16_t type_id, MyceliumMessageCallback cb,
                                        void* user_data, uint64_t* out_subscription_id);
/* The same with options. On failure user_data_free is not called. */
MYCELIUM_API int32_t mycelium_subscribe_with_options(MyceliumRuntime* rt, uint16_t type_id,
                                                     const MyceliumSubscribeOptions* options,
                                                     uint64_t* out_subscription_id);
/* After MYCELIUM_SUCCESS no callback of the subscription runs or will run, on_complete and user_data_free included (in
 * queue mode: no further message is handed out). Waits for a running callback: blocks, except in the subscription's own
 * callback (or where waiting would be mutual), where it returns MYCELIUM_DEFERRED and completes when that callback
 * returns. A stale id is MYCELIUM_ERROR_SUBSCRIPTION. */
MYCELIUM_API int32_t mycelium_unsubscribe(MyceliumRuntime* rt, uint64_t subscription_id);
/* Waits until at least count subscriptions of type_id exist. MYCELIUM_ERROR_TIMEOUT. Blocks; MYCELIUM_ERROR_UNSUPPORTED
 * on a worker thread unless they exist already. */
MYCELIUM_API int32_t mycelium_wait_for_subscribers(MyceliumRuntime* rt, uint16_t type_id, size_t count,
                                                   int64_t timeout_ns);
/* Waits until everything that this runtime accepted before the call was delivered or dropped. MYCELIUM_ERROR_TIMEOUT
 * names the slowest subscription. Blocks; MYCELIUM_ERROR_UNSUPPORTED in a callback. Queue subscriptions count as
 * delivered when taken. */
MYCELIUM_API int32_t mycelium_flush(MyceliumRuntime* rt, int64_t timeout_ns);
/* Keeps the last depth messages of type_id for subscriptions that ask for history; 0 forgets them. At most 65536.
 * Requests, and messages with a destination other than MYCELIUM_TO_ALL, are not kept. */
MYCELIUM_API int32_t mycelium_keep_history(MyceliumRuntime* rt, uint16_t type_id, uint32_t depth);

/* ---- queues: receive instead of callbacks, for event loops and languages with a lock of their own ---- */

typedef enum MyceliumDeliveryKind {
  MYCELIUM_DELIVERY_MESSAGE = 0,  /* message: release it */
  MYCELIUM_DELIVERY_COMPLETE = 1, /* the subscription ended; its last delivery; message is NULL */
  MYCELIUM_DELIVERY_REPLY = 2     /* a request sent with this queue ended: status, and message if it is 0 */
} MyceliumDeliveryKind;

typedef struct MyceliumDelivery {
  int32_t kind;
  int32_t status;
  uint64_t id; /* of the subscription or request */
  void* user_data;
  MyceliumMessage* message;
} MyceliumDelivery;

/* A queue gathers any number of subscriptions and requests; each subscription keeps its own bounded mailbox and policy.
 * Lives until mycelium_queue_close or the runtime's close. */
MYCELIUM_API int32_t mycelium_queue_open(MyceliumRuntime* rt, uint64_t* out_queue_id);
/* Takes up to max deliveries, waiting up to timeout_ns for the first. *out_count gets how many; the caller releases
 * their messages. Per subscription FIFO; subscriptions take turns. MYCELIUM_ERROR_TIMEOUT with 0, MYCELIUM_ERROR_CLOSED
 * when the queue is closed and empty. Several threads may receive. Blocks (on a worker thread it does not wait). */
MYCELIUM_API int32_t mycelium_queue_receive(MyceliumRuntime* rt, uint64_t queue_id, MyceliumDelivery* out, size_t max,
                                            int64_t timeout_ns, size_t* out_count);
/* A file descriptor (eventfd) that is readable while the queue may hold deliveries. Owned by the queue: do not read or
 * close it. It becomes unreadable when a receive finds the queue empty: receive with timeout 0 until
 * MYCELIUM_ERROR_TIMEOUT (or fewer than max deliveries) before polling again. */
MYCELIUM_API int32_t mycelium_queue_fd(MyceliumRuntime* rt, uint64_t queue_id, int* out_fd);
/* Wakes one receive that waits now or next, which returns MYCELIUM_SUCCESS with 0 deliveries. */
MYCELIUM_API int32_t mycelium_queue_wake(MyceliumRuntime* rt, uint64_t queue_id);
/* Ends its subscriptions (what waits in them is dropped as UNSUBSCRIBED), wakes every receive and closes the
 * descriptor. */
MYCELIUM_API int32_t mycelium_queue_close(MyceliumRuntime* rt, uint64_t queue_id);

/* ---- request and reply ---- */

/* Publishes payload as a request and waits for the first reply: *out_reply is the caller's to release.
 * MYCELIUM_ERROR_NO_REPLY at once if nobody subscribes to type_id or every subscriber released the request unanswered,
 * MYCELIUM_ERROR_TIMEOUT, or publish's statuses. Blocks; on a worker thread MYCELIUM_ERROR_UNSUPPORTED: use
 * mycelium_request_async there, or a dedicated subscription. */
MYCELIUM_API int32_t mycelium_request(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len,
                                      int64_t timeout_ns, MyceliumMessage** out_reply);

/* reply is borrowed, NULL unless status is 0. Runs once, on a worker. */
typedef void (*MyceliumReplyHandler)(uint64_t request_id, int32_t status, const MyceliumMessage* reply,
                                     void* user_data);

typedef struct MyceliumRequestOptions {
  size_t struct_size;
  int64_t timeout_ns;            /* 0: 5 s */
  MyceliumReplyHandler on_reply; /* exactly one of on_reply and queue_id */
  uint64_t queue_id;
  void* user_data;
} MyceliumRequestOptions;

/* Returns at once; the outcome comes once, to on_reply or the queue. If the call fails, no outcome follows. */
MYCELIUM_API int32_t mycelium_request_async(MyceliumRuntime* rt, uint16_t type_id, const uint8_t* payload, size_t len,
                                            const MyceliumRequestOptions* options, uint64_t* out_request_id);
/* Forgets a request: its outcome is not delivered unless it already is being so (MYCELIUM_ERROR_SUBSCRIPTION). */
MYCELIUM_API int32_t mycelium_request_cancel(MyceliumRuntime* rt, uint64_t request_id);
/* Answers a request (a message for which mycelium_message_is_request is 1), once, from any thread: retain the message
 * to answer later. A second answer, or one after the requester gave up, is MYCELIUM_ERROR_SUBSCRIPTION; a message that
 * is no request MYCELIUM_ERROR_INVALID_ARGUMENT. */
MYCELIUM_API int32_t mycelium_reply(MyceliumRuntime* rt, const MyceliumMessage* request, uint16_t type_id,
                                    const uint8_t* payload, size_t len);

/* ---- statistics ---- */

typedef struct MyceliumRuntimeStats {
  size_t struct_size;
  uint64_t published;       /* messages accepted from publishers */
  uint64_t published_bytes; /* their payloads */
  uint64_t refused;         /* publish calls that returned an error */
  uint64_t offered;         /* message x subscription pairs: delivered + dropped + waiting */
  uint64_t delivered;
  uint64_t waiting;         /* in mailboxes now */
  uint64_t callback_errors; /* exceptions caught */
  uint64_t restarts;        /* actors restarted by supervision */
  uint64_t subscriptions;   /* alive */
  uint64_t queues;
  uint64_t requests_pending;
  uint64_t threads;    /* workers */
  uint64_t dropped[8]; /* by MyceliumDropReason; ended subscriptions included, as in offered and delivered */
} MyceliumRuntimeStats;

typedef struct MyceliumSubscriptionStats {
  size_t struct_size;
  uint64_t offered; /* delivered + dropped + waiting, exact when no publish is under way */
  uint64_t delivered;
  uint64_t waiting;
  uint64_t capacity;
  uint64_t high_water; /* most that ever waited, seen when the subscription woke up */
  uint64_t callback_errors;
  uint64_t dropped[8];
} MyceliumSubscriptionStats;

MYCELIUM_API int32_t mycelium_runtime_stats(MyceliumRuntime* rt, MyceliumRuntimeStats* out);
MYCELIUM_API int32_t mycelium_subscription_stats(MyceliumRuntime* rt, uint64_t subscription_id,
                                                 MyceliumSubscriptionStats* out);
/* The counters as OpenMetrics text, those of the runtime's bridge included unless it is called in a callback; buffer
 * rules as in mycelium_info_json. */
MYCELIUM_API int32_t mycelium_metrics_text(MyceliumRuntime* rt, char* buffer, size_t cap, size_t* out_len);

#ifdef __cplusplus
}
#endif
#endif
