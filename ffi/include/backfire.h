/* Backfire: oversight of token streams. Push each token with its score, obey the verdict; or have a scorer say how
 * coherent an answer is. docs/oversight.md states every check and formula. The engines of the physics are in
 * backfire_physics.h.
 *
 * Threads: functions of distinct handles may run at the same time; one stream or scorer serves one thread at a time. An
 * interlock or a store of knowledge may be used by any thread at any time. Nothing here waits, except for the caller's
 * own callbacks.
 *
 * Errors: functions return a BackfireStatus as int32_t: 0 and above is success, below 0 is an error. The text of the
 * last error of the calling thread is backfire_last_error(). Nothing prints, exits or aborts.
 *
 * Memory: backfire_stream_begin takes all that its stream will ever need; to push, observe, finish and read evidence
 * allocates nothing. Handles are plain pointers that belong to the caller until their _destroy; using one afterwards is
 * undefined.
 *
 * Structs: every struct begins with struct_size: set it to sizeof, or call its _init function, which also sets the
 * defaults. A struct of an older header is short of fields: those take their defaults.
 */
#ifndef BACKFIRE_H
#define BACKFIRE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BACKFIRE_API __attribute__((visibility("default")))

/* ABI version: the major number changes when a compiled program would break, the minor when something is added. */
#define BACKFIRE_ABI_MAJOR 1
#define BACKFIRE_ABI_MINOR 1

/* The numbers are those of MyceliumStatus. */
typedef enum BackfireStatus {
  BACKFIRE_SUCCESS = 0,
  BACKFIRE_ERROR_NULL = -1,              /* a required pointer was NULL */
  BACKFIRE_ERROR_INVALID_ARGUMENT = -13, /* the text names field, rule and value */
  BACKFIRE_ERROR_INTERNAL = -99          /* memory is short, for one */
} BackfireStatus;

/* Which check fired. Numbers equal those of HaltKind in schema/oversight.fbs. */
typedef enum BackfireHaltKind {
  BACKFIRE_HALT_NONE = 0,
  BACKFIRE_HALT_HARD_LIMIT = 1,
  BACKFIRE_HALT_WINDOW_AVERAGE = 2,
  BACKFIRE_HALT_DOWNWARD_TREND = 3,
  BACKFIRE_HALT_ENTROPY = 4,
  BACKFIRE_HALT_DEADLINE = 5,
  BACKFIRE_HALT_EWMA = 6,
  BACKFIRE_HALT_CUSUM = 7,
  BACKFIRE_HALT_KERNEL_INACTIVE = 8,
  BACKFIRE_HALT_INVALID_SCORE = 9
} BackfireHaltKind;

typedef enum BackfireAction {
  BACKFIRE_RELEASE = 0,
  BACKFIRE_WARN = 1,   /* released, with a score under the soft limit */
  BACKFIRE_FINISH = 2, /* released to finish the sentence of a stream that has halted softly */
  BACKFIRE_HALT = 3    /* not released, and no token after it */
} BackfireAction;

BACKFIRE_API uint32_t backfire_abi_version(void); /* (BACKFIRE_ABI_MAJOR << 16) | BACKFIRE_ABI_MINOR of the library */
/* What went wrong in the last failed call of this thread; "" before the first failure. Owned by the library, valid
 * until this thread's next failed call. The same text as mycelium_last_error(). */
BACKFIRE_API const char* backfire_last_error(void);

/* ---- configuration ---- */

/* NaN and infinities are refused in every field. */
typedef struct BackfireConfig {
  size_t struct_size;
  double coherence_threshold; /* 0.6; in [0, 1] */
  double hard_limit;          /* 0.5; in [0, 1] */
  double soft_limit;          /* 0.7; in [hard_limit, 1] */
  double w_logic;             /* 0.6; in [0, 1] */
  double w_fact;              /* 0.4; in [0, 1], w_logic + w_fact is 1 within 1e-9 */
  double window_threshold;    /* 0.55; in [0, 1] */
  double trend_threshold;     /* 0.15; > 0 */
  double deadline_ms;         /* 50; > 0 */
  double logit_entropy_limit; /* 1.2 bits per token; > 0 */
  uint32_t window_size;       /* 10; 1 to 65536 */
  uint32_t trend_window;      /* 5; 2 to 65536 */
  uint32_t history_window;    /* 5; 0 to 65536 */
} BackfireConfig;

typedef struct BackfireOptions {
  size_t struct_size;
  uint32_t soft_halt;       /* 0; 1: finish the sentence where the check that fired allows it */
  uint32_t soft_tokens;     /* 50; at most so many tokens more */
  uint32_t whole_sentences; /* 0; 1: release tokens only when their sentence is complete */
  uint32_t score_every;     /* 1; n: only tokens 0, n, 2n, ... have to be scored */
  uint32_t evidence_size;   /* 16; 1 to 65536 newest scores are kept */
  uint32_t ewma;            /* 0; 1: halt when the smoothed score is below ewma_limit */
  double ewma_weight;       /* 0.2; in (0, 1] */
  double ewma_limit;        /* 0.55; in [0, 1] */
  double cusum_target;      /* 0.75; in [0, 1] */
  double cusum_slack;       /* 0.05; in [0, 1] */
  double cusum_limit;       /* 1; > 0 */
  uint32_t cusum;           /* 0; 1: halt when the drift below cusum_target is above cusum_limit */
  uint32_t reserved;        /* 0 */
} BackfireOptions;

/* NULL is ignored. */
BACKFIRE_API void backfire_config_init(BackfireConfig* config);
BACKFIRE_API void backfire_options_init(BackfireOptions* options);
/* BACKFIRE_ERROR_INVALID_ARGUMENT for the first wrong field: "config error: hard_limit must be in [0, 1], is 1.5". */
BACKFIRE_API int32_t backfire_config_check(const BackfireConfig* config);
/* Reads a JSON object with the fields' names as keys; those that are missing take their defaults. Refused, with a text
 * that begins "config error: ": what is no JSON object, a key that is no field or stands twice, a value that is no
 * number, and what backfire_config_check refuses. json: len bytes of UTF-8. Set out->struct_size first (by
 * backfire_config_init, for one); on failure the rest of *out stays as it was. */
BACKFIRE_API int32_t backfire_config_from_json(const char* json, size_t len, BackfireConfig* out);
/* Every field, on one line, each number in a form that reads back as itself. NULL: the defaults. A config
 * that backfire_config_check refuses is refused. Writes at most cap bytes including the terminating zero; *out_len (may
 * be NULL) gets the full length without it. buffer may be NULL when cap is 0. */
BACKFIRE_API int32_t backfire_config_to_json(const BackfireConfig* config, char* buffer, size_t cap, size_t* out_len);

/* ---- interlock: lets tokens pass while it is active ---- */

typedef struct BackfireInterlock BackfireInterlock;

/* Active. NULL if memory is short. */
BACKFIRE_API BackfireInterlock* backfire_interlock_create(void);
/* From now on every stream of this interlock halts at its next token with BACKFIRE_HALT_KERNEL_INACTIVE. A stream that
 * halts at the hard limit, or for want of a score, stops its interlock too. */
BACKFIRE_API int32_t backfire_interlock_stop(BackfireInterlock* interlock);
/* For streams that begin or go on after it; one that has halted stays so. */
BACKFIRE_API int32_t backfire_interlock_reactivate(BackfireInterlock* interlock);
/* 1 or 0, or BACKFIRE_ERROR_NULL. */
BACKFIRE_API int32_t backfire_interlock_is_active(const BackfireInterlock* interlock);
/* NULL is ignored. Streams that use it go on and keep what they need of it. */
BACKFIRE_API void backfire_interlock_destroy(BackfireInterlock* interlock);

/* ---- stream ---- */

typedef struct BackfireStream BackfireStream;

typedef struct BackfireObservation {
  size_t struct_size;
  uint32_t scored;      /* 1: score is set. 0 counts as a failed score where one was wanted */
  uint32_t has_entropy; /* 1: entropy is set */
  double score;
  double latency_ms; /* from asking for the score to having it */
  double entropy;    /* of the token's distribution, bits */
  const char* error; /* NULL, or why there is no score: it counts as 0 and halts. The first 159 bytes are kept */
} BackfireObservation;

typedef struct BackfireVerdict {
  size_t struct_size;
  uint64_t index;    /* of the token; after a halt, of the halting one */
  int32_t action;    /* BackfireAction */
  int32_t kind;      /* BackfireHaltKind */
  double score;      /* as it counted: 0 where it was invalid */
  double measured;   /* by the check that fired */
  double limit;      /* of that check */
  uint64_t released; /* tokens 0 to released - 1 of the stream may be shown */
} BackfireVerdict;

typedef struct BackfireSession {
  size_t struct_size;
  int32_t halted;     /* 1 or 0 */
  int32_t kind;       /* BackfireHaltKind */
  int64_t halt_index; /* -1 when not halted */
  double measured;
  double limit;
  uint64_t tokens;   /* pushed, the halting one included */
  uint64_t scored;   /* of them with a score */
  uint64_t released; /* of them */
  uint64_t warnings; /* scores under the soft limit */
  double average;    /* of the scores; 0 without any */
  double minimum;
} BackfireSession;

typedef struct BackfireSample {
  uint64_t index;
  double score;
} BackfireSample;

/* config, options and interlock may be NULL: the defaults, and an interlock of the stream's own. Nothing of the structs
 * is kept. *out is the caller's until backfire_stream_destroy; NULL on failure. */
BACKFIRE_API int32_t backfire_stream_begin(const BackfireConfig* config, const BackfireOptions* options,
                                           BackfireInterlock* interlock, BackfireStream** out);
/* 1 if the next token has to be scored, else 0, or BACKFIRE_ERROR_NULL. */
BACKFIRE_API int32_t backfire_stream_wants_score(const BackfireStream* stream);
/* token: len bytes of UTF-8, may be NULL if len is 0; nothing of it is kept. A halt is a success of the call: look at
 * out->action. After a halt or a finish the verdict is repeated and nothing is counted. A score that is not finite
 * halts. */
BACKFIRE_API int32_t backfire_stream_push(BackfireStream* stream, const char* token, size_t len, double score,
                                          BackfireVerdict* out);
/* The same with all that is known of the token. */
BACKFIRE_API int32_t backfire_stream_observe(BackfireStream* stream, const char* token, size_t len,
                                             const BackfireObservation* seen, BackfireVerdict* out);
/* Ends the stream: what waited for the end of its sentence is released, unless the stream has halted. out may be NULL.
 */
BACKFIRE_API int32_t backfire_stream_finish(BackfireStream* stream, BackfireSession* out);
/* How it stands, without ending it. */
BACKFIRE_API int32_t backfire_stream_summary(const BackfireStream* stream, BackfireSession* out);
/* Copies the newest scores, oldest first, at most cap; *out_count gets how many. out may be NULL when cap is 0. */
BACKFIRE_API int32_t backfire_stream_evidence(const BackfireStream* stream, BackfireSample* out, size_t cap,
                                              size_t* out_count);
/* What the scorer said when it failed, "" if it did not. Writes at most cap bytes including the terminating zero;
 * *out_len (may be NULL) gets the full length without it. buffer may be NULL when cap is 0. */
BACKFIRE_API int32_t backfire_stream_error(const BackfireStream* stream, char* buffer, size_t cap, size_t* out_len);
/* NULL is ignored. */
BACKFIRE_API void backfire_stream_destroy(BackfireStream* stream);

/* "hard_limit (0.1000 < 0.5)" from a verdict's or session's kind, measured and limit; "" for BACKFIRE_HALT_NONE. Buffer
 * rules as in backfire_stream_error. */
BACKFIRE_API int32_t backfire_reason_text(int32_t kind, double measured, double limit, char* buffer, size_t cap,
                                          size_t* out_len);

/* ---- knowledge: facts, found by BM25 ---- */

typedef struct BackfireKnowledge BackfireKnowledge;

typedef struct BackfireFact {
  uint64_t id;
  double score; /* BM25 with k1 = 1.2, b = 0.75; > 0 */
} BackfireFact;

/* Empty. NULL if memory is short. */
BACKFIRE_API BackfireKnowledge* backfire_knowledge_create(void);
/* text: len bytes of UTF-8, at most 65536 (BACKFIRE_ERROR_INVALID_ARGUMENT otherwise), which are copied; a byte that is
 * no UTF-8 separates words. *out_id (may be NULL) gets 1 for the first fact, then 2, 3, ...; an id is never used again.
 */
BACKFIRE_API int32_t backfire_knowledge_add(BackfireKnowledge* knowledge, const char* text, size_t len,
                                            uint64_t* out_id);
/* 1 if the fact was there, else 0, or BACKFIRE_ERROR_NULL. */
BACKFIRE_API int32_t backfire_knowledge_remove(BackfireKnowledge* knowledge, uint64_t id);
BACKFIRE_API int32_t backfire_knowledge_count(const BackfireKnowledge* knowledge, size_t* out_count);
/* The facts that share a word with the query, best first, the older first among equals: at most cap are copied to out,
 * *out_count gets how many. Function words of English ("the", "is", "what") count only in a query that has no other.
 * out may be NULL when cap is 0. */
BACKFIRE_API int32_t backfire_knowledge_find(const BackfireKnowledge* knowledge, const char* query, size_t len,
                                             BackfireFact* out, size_t cap, size_t* out_count);
/* The text of a fact, by the buffer rules of backfire_config_to_json. BACKFIRE_ERROR_INVALID_ARGUMENT: no such fact. */
BACKFIRE_API int32_t backfire_knowledge_fact(const BackfireKnowledge* knowledge, uint64_t id, char* buffer, size_t cap,
                                             size_t* out_len);
/* What a scorer takes as known of a prompt: the best fact, then at most two more that score at least half of it, each
 * on a line of its own; "" if nothing is found. Buffer rules as above. */
BACKFIRE_API int32_t backfire_knowledge_context(const BackfireKnowledge* knowledge, const char* prompt, size_t len,
                                                char* buffer, size_t cap, size_t* out_len);
/* NULL is ignored. Scorers that use it go on and keep what they need of it. */
BACKFIRE_API void backfire_knowledge_destroy(BackfireKnowledge* knowledge);

/* ---- scorer: how coherent is an answer ---- */

typedef struct BackfireScorer BackfireScorer;

/* What a callback answers into; valid during the call only. The last answer counts. NULL is ignored. */
typedef struct BackfireAnswer BackfireAnswer;
BACKFIRE_API void backfire_answer_score(BackfireAnswer* answer, double score);
BACKFIRE_API void backfire_answer_text(BackfireAnswer* answer, const char* text, size_t len); /* copied */
/* There is no answer, and why: len bytes of UTF-8, the first 159 are kept. */
BACKFIRE_API void backfire_answer_failure(BackfireAnswer* answer, const char* text, size_t len);

/* Natural-language inference: answers with a score in [0, 1]: 0 where the action follows from the prompt, 0.5 where it
 * is neutral, 1 where it contradicts; what lies beyond is cut. No score, one that is not finite, or a failure counts as
 * 0.5 and is told by the review. Called on the reviewing thread; texts are not zero-terminated and valid during the
 * call only. Must not use the scorer that calls it. */
typedef void (*BackfireNliFn)(const char* prompt, size_t prompt_len, const char* action, size_t action_len,
                              BackfireAnswer* answer, void* user_data);
/* Knowledge of a prompt: answers with a text, or not at all where there is none. A failure counts as no knowledge and
 * is told by the review. Otherwise as above. */
typedef void (*BackfireKnowledgeFn)(const char* prompt, size_t prompt_len, BackfireAnswer* answer, void* user_data);

typedef struct BackfireScorerOptions {
  size_t struct_size;
  BackfireNliFn nli; /* NULL: a heuristic on words */
  void* nli_data;
  BackfireKnowledgeFn knowledge; /* NULL: store */
  void* knowledge_data;
  BackfireKnowledge* store; /* NULL, and no callback: nothing is known */
} BackfireScorerOptions;

/* How a divergence came about. Numbers are never changed. */
typedef enum BackfireRule {
  BACKFIRE_RULE_NLI = 1,             /* the callback's score */
  BACKFIRE_RULE_NLI_FAILED = 2,      /* 0.5 */
  BACKFIRE_RULE_PHRASE = 3,          /* "consistent with reality" 0.1, "opposite is true" 0.9, "depends on ..." 0.5 */
  BACKFIRE_RULE_NO_WORDS = 4,        /* the prompt, the action or the context has none: 0.5 */
  BACKFIRE_RULE_OVERLAP = 5,         /* of words */
  BACKFIRE_RULE_NEGATION = 6,        /* a sentence says of the same words that it is not so: at least 0.8 */
  BACKFIRE_RULE_NUMBER = 7,          /* a sentence has another number with the same words: at least 0.8 */
  BACKFIRE_RULE_NO_KNOWLEDGE = 8,    /* 0.5 */
  BACKFIRE_RULE_KNOWLEDGE_FAILED = 9 /* 0.5 */
} BackfireRule;

typedef struct BackfireReview {
  size_t struct_size;
  double score;       /* coherence: 1 - (w_logic h_logical + w_fact h_factual), in [0, 1] */
  double h_logical;   /* in [0, 1] */
  double h_factual;   /* in [0, 1] */
  int32_t approved;   /* 1: score >= coherence_threshold */
  int32_t warning;    /* 1: approved, and score < soft_limit */
  int32_t logic_rule; /* BackfireRule */
  int32_t fact_rule;  /* BackfireRule */
} BackfireReview;

/* config and options may be NULL: the defaults, and neither callback nor store. *out is the caller's until
 * backfire_scorer_destroy; NULL on failure. user data must live as long. */
BACKFIRE_API int32_t backfire_scorer_create(const BackfireConfig* config, const BackfireScorerOptions* options,
                                            BackfireScorer** out);
/* Texts are UTF-8 of the given lengths and may be NULL if that is 0; at most 1 MiB each. Approved scores enter the
 * history. */
BACKFIRE_API int32_t backfire_scorer_review(BackfireScorer* scorer, const char* prompt, size_t prompt_len,
                                            const char* action, size_t action_len, BackfireReview* out);
/* The parts of a review: w_logic h_logical + w_fact h_factual, h_logical, h_factual. They enter no history. */
BACKFIRE_API int32_t backfire_scorer_divergence(BackfireScorer* scorer, const char* prompt, size_t prompt_len,
                                                const char* action, size_t action_len, double* out);
BACKFIRE_API int32_t backfire_scorer_logical(BackfireScorer* scorer, const char* prompt, size_t prompt_len,
                                             const char* action, size_t action_len, double* out);
BACKFIRE_API int32_t backfire_scorer_factual(BackfireScorer* scorer, const char* prompt, size_t prompt_len,
                                             const char* action, size_t action_len, double* out);
/* Why the last of the four calls above found what it did, as a JSON object: docs/oversight.md lists its keys. "{}"
 * before the first. Buffer rules as in backfire_config_to_json. */
BACKFIRE_API int32_t backfire_scorer_evidence_json(const BackfireScorer* scorer, char* buffer, size_t cap,
                                                   size_t* out_len);
/* From the next review on. Refused, and nothing changes, where backfire_config_check would refuse. */
BACKFIRE_API int32_t backfire_scorer_set_threshold(BackfireScorer* scorer, double coherence_threshold);
BACKFIRE_API int32_t backfire_scorer_set_soft_limit(BackfireScorer* scorer, double soft_limit);
BACKFIRE_API int32_t backfire_scorer_config(const BackfireScorer* scorer, BackfireConfig* out);
/* The newest approved scores, at most history_window, oldest first; copied as in backfire_knowledge_find. */
BACKFIRE_API int32_t backfire_scorer_history(const BackfireScorer* scorer, double* out, size_t cap, size_t* out_count);
/* NULL is ignored. */
BACKFIRE_API void backfire_scorer_destroy(BackfireScorer* scorer);

#ifdef __cplusplus
}
#endif
#endif
