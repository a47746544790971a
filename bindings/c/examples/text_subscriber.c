#define _POSIX_C_SOURCE 200809L
#include "text_subscriber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  TEXT_MESSAGE = 1001, /* mycelium.examples.TextMessage in schema/examples.fbs */
  FIELD_CONTENT = 1,   /* sender 0, content 1, timestamp 2 */
  FIELD_TIMESTAMP = 2,
  LATENCIES_KEPT = 1 << 16
};

struct TextSubscriber {
  MyceliumRuntime* rt;
  uint64_t subscription;
  FILE* file;
  TextReport since_report;
  size_t latency_count;
  uint64_t latencies[LATENCIES_KEPT];
};

/* ---- reading a FlatBuffers table: root offset -> table -> vtable -> field, each step inside the payload -------------
 */

static uint32_t read_u32(const uint8_t* at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}
static uint16_t read_u16(const uint8_t* at) { return (uint16_t)(at[0] | at[1] << 8); }

/* The place of a field of size bytes in the payload; 0 if the field is absent or the payload is not whole. */
static size_t find_field(const uint8_t* payload, size_t len, unsigned field, size_t size) {
  if (len < 8 || read_u32(payload) > len - 4)
    return 0;
  const size_t table = read_u32(payload);
  const int64_t vtable = (int64_t)table - (int32_t)read_u32(payload + table);
  if (vtable < 0 || vtable > (int64_t)len - 4)
    return 0;
  const size_t vtable_size = read_u16(payload + vtable);
  const size_t slot = 4 + 2 * (size_t)field;
  if ((size_t)vtable + vtable_size > len || slot + 2 > vtable_size)
    return 0;
  const size_t offset = read_u16(payload + vtable + slot);
  if (offset == 0 || table + offset + size > len)
    return 0;
  return table + offset;
}

/* The characters of a string field, which are not zero-terminated here; NULL if there are none to be had. */
static const char* read_string(const uint8_t* payload, size_t len, unsigned field, size_t* out_len) {
  const size_t at = find_field(payload, len, field, 4);
  if (at == 0 || read_u32(payload + at) > len - at - 4)
    return NULL;
  const size_t string = at + read_u32(payload + at);
  *out_len = read_u32(payload + string);
  return *out_len <= len - string - 4 ? (const char*)payload + string + 4 : NULL;
}

static uint64_t read_u64(const uint8_t* payload, size_t len, unsigned field) {
  const size_t at = find_field(payload, len, field, 8);
  return at == 0 ? 0 : (uint64_t)read_u32(payload + at) | (uint64_t)read_u32(payload + at + 4) << 32;
}

/* ---- the subscription ---- */

/* Runs on a worker of the runtime, never twice at once: no lock is needed. */
static void on_text(uint16_t type_id, const uint8_t* payload, size_t len, void* user_data) {
  TextSubscriber* self = user_data;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  (void)type_id;

  const uint64_t sent_ns = read_u64(payload, len, FIELD_TIMESTAMP);
  const uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  if (sent_ns != 0 && sent_ns <= now_ns && self->latency_count < LATENCIES_KEPT)
    self->latencies[self->latency_count++] = now_ns - sent_ns;

  size_t content_len = 0;
  const char* content = read_string(payload, len, FIELD_CONTENT, &content_len);
  ++self->since_report.messages;
  self->since_report.bytes += content_len;
  if (content == NULL || fwrite(content, 1, content_len, self->file) != content_len)
    ++self->since_report.invalid;
}

static int compare_u64(const void* left, const void* right) {
  const uint64_t a = *(const uint64_t*)left;
  const uint64_t b = *(const uint64_t*)right;
  return (a > b) - (a < b);
}

TextSubscriber* text_subscriber_open(MyceliumRuntime* rt, const char* path) {
  TextSubscriber* self = calloc(1, sizeof *self);
  if (self == NULL)
    return NULL;
  self->rt = rt;
  self->file = fopen(path, "wb");
  if (self->file == NULL) {
    fprintf(stderr, "text_subscriber: cannot write %s\n", path);
    free(self);
    return NULL;
  }
  /* A full mailbox makes the publisher wait (the default policy), so nothing is lost. */
  if (mycelium_subscribe(rt, TEXT_MESSAGE, on_text, self, &self->subscription) != MYCELIUM_SUCCESS) {
    fprintf(stderr, "text_subscriber: %s\n", mycelium_last_error());
    fclose(self->file);
    free(self);
    return NULL;
  }
  return self;
}

void text_subscriber_report(TextSubscriber* self, TextReport* out) {
  *out = self->since_report;
  if (fflush(self->file) != 0)
    ++out->invalid;
  if (self->latency_count > 0) {
    const size_t last = self->latency_count - 1;
    qsort(self->latencies, self->latency_count, sizeof self->latencies[0], compare_u64);
    out->p50_ns = self->latencies[last / 2];
    out->p99_ns = self->latencies[last * 99 / 100];
    out->max_ns = self->latencies[last];
  }
  memset(&self->since_report, 0, sizeof self->since_report);
  self->latency_count = 0;
}

int32_t text_subscriber_close(TextSubscriber* self) {
  mycelium_unsubscribe(self->rt, self->subscription); /* no callback runs after this */
  const int result = fclose(self->file);
  free(self);
  return result == 0 ? 0 : -1;
}
