/* A plug-in in C: subscribes to TextMessage on a runtime that its host made, and appends what it receives to a file.
 * Build it as a shared object, load it with dlopen (or ctypes, as tools/demonstration/host.py does), and give it the
 * host's handle. */
#ifndef TEXT_SUBSCRIBER_H
#define TEXT_SUBSCRIBER_H

#include <mycelium.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TextSubscriber TextSubscriber;

/* What arrived since the last report. Latency is from the message's timestamp (nanoseconds since 1970) to its
 * callback. */
typedef struct TextReport {
  uint64_t messages;
  uint64_t bytes;   /* of their contents */
  uint64_t invalid; /* payloads that are no TextMessage, or that could not be written */
  uint64_t p50_ns;
  uint64_t p99_ns;
  uint64_t max_ns;
} TextReport;

/* Creates the file at path and subscribes. NULL on failure; the reason is printed to stderr. Owned by the caller until
 * text_subscriber_close, which has to come before the runtime's end. */
MYCELIUM_API TextSubscriber* text_subscriber_open(MyceliumRuntime* rt, const char* path);
/* Writes the file to disk and fills *out. To be called when nothing is being published: after mycelium_flush. */
MYCELIUM_API void text_subscriber_report(TextSubscriber* subscriber, TextReport* out);
/* Unsubscribes, closes the file and frees. 0, or -1 if the file could not be completed. */
MYCELIUM_API int32_t text_subscriber_close(TextSubscriber* subscriber);

#ifdef __cplusplus
}
#endif
#endif
