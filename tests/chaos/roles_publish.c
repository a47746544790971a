/* The publisher: numbers first, first + 1, ... over its types in turn, and books that survive kill -9. */
#include "party.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef struct Books {
  _Atomic uint64_t attempted;
  _Atomic uint64_t accepted;
  _Atomic uint64_t refused; /* FULL or TIMEOUT: the neighbour's share is counted among its drops */
} Books;

static MyceliumRuntime* runtime;
static const Options* wanted;
static Books* books;
static Books unmapped;
static pthread_t thread;
static atomic_bool stopping;
static _Atomic int32_t last_refusal;

static int open_books(const char* path) {
  books = &unmapped;
  if (path == NULL)
    return 0;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof *books) != 0)
    return -1;
  void* mapped = mmap(NULL, sizeof *books, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED)
    return -1;
  books = mapped;
  return 0;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Relative: libfaketime, which one scenario loads, has another opinion of absolute times. */
static void wait_until(int64_t due_ns) {
  const int64_t left = due_ns - now_ns();
  const struct timespec pause = {left / 1000000000, left % 1000000000};
  if (left > 0)
    nanosleep(&pause, NULL);
}

static void* publish_all(void* nothing) {
  static uint8_t payload[CONTENT_MAX];
  (void)nothing;
  int64_t due_ns = now_ns();
  for (uint64_t i = 0; (wanted->count == 0 || i < wanted->count) && !atomic_load(&stopping); ++i) {
    const uint64_t number = wanted->first + i;
    const uint16_t type_id = wanted->types[number % wanted->type_count];
    const size_t size = content_write(number, type_id, wanted->sizes, payload);
    atomic_fetch_add(&books->attempted, 1);
    const int32_t status = mycelium_publish(runtime, type_id, payload, size);
    if (status == MYCELIUM_SUCCESS) {
      atomic_fetch_add(&books->accepted, 1);
    } else {
      atomic_store(&last_refusal, status);
      atomic_fetch_add(&books->refused, 1);
    }
    if (wanted->rate != 0)
      wait_until(due_ns += (int64_t)(1000000000u / wanted->rate));
  }
  return NULL;
}

static void* wait_and_publish(void* nothing) {
  for (uint64_t i = 0; i < wanted->type_count; ++i)
    while (mycelium_wait_for_subscribers(runtime, wanted->types[i], 1, 50000000) != MYCELIUM_SUCCESS)
      if (atomic_load(&stopping))
        return NULL;
  return publish_all(nothing);
}

static int start(MyceliumRuntime* rt, const Options* options) {
  runtime = rt;
  wanted = options;
  if (open_books(options->books) != 0) {
    perror(options->books);
    return 1;
  }
  return pthread_create(&thread, NULL, wait_and_publish, NULL);
}

static void stop(void) {
  if (!atomic_exchange(&stopping, 1))
    pthread_join(thread, NULL);
}

static void report(FILE* to) {
  fprintf(to, ", \"attempted\": %llu, \"accepted\": %llu, \"refused\": %llu, \"last_refusal\": \"%s\"",
          (unsigned long long)atomic_load(&books->attempted), (unsigned long long)atomic_load(&books->accepted),
          (unsigned long long)atomic_load(&books->refused), mycelium_status_name(atomic_load(&last_refusal)));
}

const Role publish_role = {start, stop, report};
