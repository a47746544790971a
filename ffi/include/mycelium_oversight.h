/* Oversight on a bus: actors that have the tokens of text generation scored as they flow, and stop a session before a
 * token that makes no sense is shown. The messages are those of schema/inference.fbs and schema/oversight.fbs; the
 * checks those of backfire.h; docs/oversight.md tells both.
 *
 * An oversight watches any number of sessions, each with an actor of its own. It works in one of two ways.
 *   Gate     Each session is attached. Its source publishes InferenceToken and InferenceDone with an envelope whose
 *            destination is MYCELIUM_TO_SUBSCRIPTION and whose destination_key is what attach returned; the actor
 *            publishes to all those that may be shown, in order and byte for byte, and then the InferenceDone. Who
 *            subscribes to InferenceToken never sees one that was not released.
 *   Observe  Sources publish to all. Every session that is seen is watched; what is wrong is told and cancelled, but
 *            may have been seen.
 * In both, an OversightVerdict is published for each token (if anybody subscribes to it), and on a halt an
 * InferenceCancel with reason Halted. A source ends its session on an InferenceCancel and publishes its InferenceDone.
 *
 * It fails closed: a scorer that fails, is absent or late, a token out of order, a message that is none, a mailbox that
 * overflows and an actor that was restarted halt the session.
 *
 * Threads, errors, blocking and structs are as in mycelium.h. An oversight and its sessions end with their runtime.
 */
#ifndef MYCELIUM_OVERSIGHT_H
#define MYCELIUM_OVERSIGHT_H

#include "backfire.h"
#include "mycelium.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum MyceliumOversightMode {
  MYCELIUM_OVERSIGHT_GATE = 0,
  MYCELIUM_OVERSIGHT_OBSERVE = 1
} MyceliumOversightMode;

typedef enum MyceliumOversightFlags {
  MYCELIUM_OVERSIGHT_INLINE = 1 /* GATE: score in the publisher's thread while the session's actor is idle, as
                                   MYCELIUM_SUBSCRIBE_INLINE does: a halt is known before the publish returns */
} MyceliumOversightFlags;

/* What a scorer is asked. Borrowed: valid until it returns. Texts are UTF-8 as the source published it, and not
 * zero-terminated. */
typedef struct MyceliumScoreQuestion {
  size_t struct_size;
  uint64_t session_id;
  uint64_t index; /* of the token, as its source counts */
  const char* token;
  size_t token_len;
  const char* so_far; /* the text with this token; NULL unless text_bytes is set */
  size_t so_far_len;
} MyceliumScoreQuestion;

/* Holds the answer of a scorer; valid during its call only. */
typedef struct MyceliumScoreAnswer MyceliumScoreAnswer;
/* How coherent the token is, from 0 to 1. The last call counts. NULL is ignored. */
MYCELIUM_API void mycelium_score_set(MyceliumScoreAnswer* answer, double score);
/* There is no score, and why: len bytes of UTF-8, the first 159 are kept. NULL is ignored. */
MYCELIUM_API void mycelium_score_fail(MyceliumScoreAnswer* answer, const char* text, size_t len);

/* Runs in the turn of the session's actor, on a worker (with MYCELIUM_OVERSIGHT_INLINE also in the publisher's thread):
 * never twice at once for one session, for several it may. It may use the runtime, but not wait. A scorer that returns
 * without an answer, or lets an exception out, has failed. */
typedef void (*MyceliumScorer)(const MyceliumScoreQuestion* question, MyceliumScoreAnswer* answer, void* user_data);

typedef struct MyceliumOversightConfig {
  size_t struct_size;
  const char* name;               /* shown in metrics and logs; "oversight" */
  const BackfireConfig* config;   /* NULL: the defaults. deadline_ms is the scorer's */
  const BackfireOptions* options; /* NULL: the defaults */
  BackfireInterlock* interlock;   /* NULL: each session has its own. One that is shared lets all sessions be stopped at
                                     once; the hard limit of one stops them all, too */
  int32_t mode;                   /* MyceliumOversightMode */
  uint32_t flags;                 /* MyceliumOversightFlags */
  MyceliumScorer scorer;        /* NULL: each score is asked for with an OversightScoreRequest, which has to be answered
                                   with an OversightScore within deadline_ms */
  uint64_t scorer_subscription; /* the subscription that is asked; 0: every one of OversightScoreRequest */
  void* user_data;              /* for the scorer; the caller's until the oversight was destroyed */
  void (*user_data_free)(void* user_data); /* once, after the scorer's last call */
  uint32_t capacity;     /* tokens that wait in a session's mailbox, rounded up to a power of two, at most 2^20; 64. The
                            source of a gate waits for room (see MYCELIUM_POLICY_BLOCK); an observed session whose
                            tokens find none is halted */
  uint32_t max_held;     /* tokens of a session that wait for the end of their sentence; 1024. One more, and it halts */
  uint32_t max_sessions; /* at once, at most 2^20; 65536. An observer cancels sessions that are too many */
  uint32_t text_bytes;   /* so many of the last bytes of a session's text are kept and shown to the scorer, which then
                            gets the text so far (on the bus: in place of the token); 0: none; at most 2^24 */
  int64_t idle_ns;       /* a session without a token for so long has ended; 60 s; MYCELIUM_FOREVER: never. A gate
                            cancels it and publishes an InferenceDone with reason Error */
} MyceliumOversightConfig;

MYCELIUM_API void mycelium_oversight_config_init(MyceliumOversightConfig* config);

/* config may be NULL. Nothing of *config is kept but the scorer and its user data; on failure user_data_free is not
 * called. MYCELIUM_ERROR_INVALID_ARGUMENT names the field. Lasts until mycelium_oversight_destroy or the runtime's
 * close. */
MYCELIUM_API int32_t mycelium_oversight_create(MyceliumRuntime* rt, const MyceliumOversightConfig* config,
                                               uint64_t* out_oversight_id);
/* Gate: watches a session from its first token on. *out_subscription_id gets where its source addresses its messages;
 * it becomes stale, and then reaches nobody, when the session has ended: with its InferenceDone, after idle_ns, or by
 * detach. MYCELIUM_ERROR_INVALID_ARGUMENT: the session is watched already, or this oversight observes.
 * MYCELIUM_ERROR_FULL: max_sessions. */
MYCELIUM_API int32_t mycelium_oversight_attach(MyceliumRuntime* rt, uint64_t oversight_id, uint64_t session_id,
                                               uint64_t* out_subscription_id);
/* Ends a session's actor: what it held is not shown, and nobody is told. No call of the scorer for this session runs
 * afterwards: blocks until a running one returns, except in that call itself, where it is MYCELIUM_DEFERRED. An
 * observer begins anew with the session's next token. MYCELIUM_ERROR_SUBSCRIPTION: it is not watched. */
MYCELIUM_API int32_t mycelium_oversight_detach(MyceliumRuntime* rt, uint64_t oversight_id, uint64_t session_id);
/* Detaches every session and ends the oversight; blocks and defers as detach does. MYCELIUM_ERROR_SUBSCRIPTION: a stale
 * id. */
MYCELIUM_API int32_t mycelium_oversight_destroy(MyceliumRuntime* rt, uint64_t oversight_id);

/* Of one session, or of all that an oversight has watched; a value that changes meanwhile is as it was at some moment.
 */
typedef struct MyceliumOversightStats {
  size_t struct_size;
  uint64_t sessions;      /* watched now */
  uint64_t begun;         /* ever */
  uint64_t refused;       /* sessions that were too many, and messages that were addressed to nobody or are none */
  uint64_t tokens;        /* that came */
  uint64_t released;      /* that were published to all; by an observer: that a gate would have released */
  uint64_t withheld;      /* that are not shown: those that halted, and all that came after them */
  uint64_t scored;        /* whose score was asked for */
  uint64_t failed_scores; /* sessions that halted because there was no score, or another failure */
  uint64_t warnings;      /* scores under the soft limit */
  uint64_t idle;          /* sessions that ended because no token came */
  uint64_t halts[16];     /* sessions that were halted, by BackfireHaltKind */
} MyceliumOversightStats;

/* All sessions, ended ones included; of one that is watched now (MYCELIUM_ERROR_SUBSCRIPTION if it is not). */
MYCELIUM_API int32_t mycelium_oversight_stats(MyceliumRuntime* rt, uint64_t oversight_id, MyceliumOversightStats* out);
MYCELIUM_API int32_t mycelium_oversight_session_stats(MyceliumRuntime* rt, uint64_t oversight_id, uint64_t session_id,
                                                      MyceliumOversightStats* out);

#ifdef __cplusplus
}
#endif
#endif
