#include "stubs.h"

#include <stdio.h>

enum { most_lines = 256 };

struct line {
  MyceliumLogLevel level;
  char* text;
};

struct log_lines {
  pthread_mutex_t mutex;
  struct line waiting[most_lines];
  unsigned count;
  unsigned left_out;
  MyceliumRuntime* rt;
  uint64_t queue_id; /* 0: no dispatcher yet */
};

struct log_lines* log_lines_create(void) {
  struct log_lines* lines = calloc(1, sizeof *lines);
  if (lines != NULL)
    pthread_mutex_init(&lines->mutex, NULL);
  return lines;
}

void log_lines_free(struct log_lines* lines) {
  if (lines == NULL)
    return;
  for (unsigned i = 0; i < lines->count; ++i)
    free(lines->waiting[i].text);
  pthread_mutex_destroy(&lines->mutex);
  free(lines);
}

void log_lines_add(MyceliumLogLevel level, const char* text, void* user_data) {
  struct log_lines* lines = user_data;
  pthread_mutex_lock(&lines->mutex);
  char* kept = lines->count < most_lines ? strdup(text) : NULL;
  if (kept != NULL)
    lines->waiting[lines->count++] = (struct line){level, kept};
  else
    ++lines->left_out;
  MyceliumRuntime* rt = lines->rt;
  const uint64_t queue_id = lines->queue_id;
  pthread_mutex_unlock(&lines->mutex);
  if (queue_id != 0)
    mycelium_queue_wake(rt, queue_id);
}

void log_lines_wake(struct log_lines* lines, MyceliumRuntime* rt, uint64_t queue_id) {
  if (lines == NULL)
    return;
  pthread_mutex_lock(&lines->mutex);
  lines->rt = rt;
  lines->queue_id = queue_id;
  pthread_mutex_unlock(&lines->mutex);
}

/* (level, text) :: list */
static value prepend(MyceliumLogLevel level, const char* line, value list) {
  CAMLparam1(list);
  CAMLlocal3(text, pair, out);
  text = caml_copy_string(line);
  pair = caml_alloc_tuple(2);
  Store_field(pair, 0, Val_int(level));
  Store_field(pair, 1, text);
  out = caml_alloc(2, Tag_cons);
  Store_field(out, 0, pair);
  Store_field(out, 1, list);
  CAMLreturn(out);
}

value log_lines_take(struct log_lines* lines) {
  CAMLparam0();
  CAMLlocal1(list);
  struct line taken[most_lines];
  list = Val_emptylist;
  if (lines == NULL)
    CAMLreturn(list);
  pthread_mutex_lock(&lines->mutex);
  const unsigned count = lines->count;
  const unsigned left_out = lines->left_out;
  memcpy(taken, lines->waiting, count * sizeof *taken);
  lines->count = lines->left_out = 0;
  pthread_mutex_unlock(&lines->mutex);
  if (left_out != 0) {
    char text[64];
    snprintf(text, sizeof text, "%u more lines were left out", left_out);
    list = prepend(MYCELIUM_LOG_WARNING, text, list);
  }
  for (unsigned i = count; i > 0; --i) {
    list = prepend(taken[i - 1].level, taken[i - 1].text, list);
    free(taken[i - 1].text);
  }
  CAMLreturn(list);
}
