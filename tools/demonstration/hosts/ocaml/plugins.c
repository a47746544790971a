/* The demo's plug-ins for host.ml: loads the shared objects and calls their functions, with OCaml's lock released while
 * they run. */
#include <caml/alloc.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>
#include <caml/signals.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* As in tools/demonstration/text_publisher.hpp. */
struct file {
  uint64_t lines, bytes;
};
struct words {
  uint64_t requests, words, expected, p50_ns, p99_ns;
};
/* As in bindings/c/examples/text_subscriber.h. */
struct report {
  uint64_t messages, bytes, invalid, p50_ns, p99_ns, max_ns;
};

/* An object of a plug-in and the library that its functions are in; both stay until the process ends. */
struct object {
  void* library;
  void* self;
};

static struct object* object_of(value wrapped) { return (struct object*)Data_abstract_val(wrapped); }

static value wrap(void* library, void* self) {
  value wrapped = caml_alloc(sizeof(struct object) / sizeof(value), Abstract_tag);
  object_of(wrapped)->library = library;
  object_of(wrapped)->self = self;
  return wrapped;
}

static void* load(value path) {
  void* library = dlopen(String_val(path), RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    caml_failwith(dlerror());
  return library;
}

/* The function name of a library as *out, which is a pointer to a function. */
static void find(void* library, const char* name, void* out) {
  void* found = dlsym(library, name);
  if (found == NULL)
    caml_failwith(dlerror());
  memcpy(out, &found, sizeof found);
}

static void fail(void* library) {
  const char* (*error)(void);
  find(library, "text_publisher_error", &error);
  caml_failwith(error());
}

static char* copy(value text) {
  char* own = strdup(String_val(text));
  if (own == NULL)
    caml_raise_out_of_memory();
  return own;
}

value demo_publisher_open(value path, value runtime, value file) {
  CAMLparam3(path, runtime, file);
  void* (*open)(void*, const char*, struct file*);
  struct file read;
  void* library = load(path);
  find(library, "text_publisher_open", &open);
  void* self = open((void*)Nativeint_val(runtime), String_val(file), &read);
  if (self == NULL)
    fail(library);
  CAMLreturn(wrap(library, self));
}

value demo_publisher_stream(value publisher, value count) {
  CAMLparam1(publisher);
  const struct object object = *object_of(publisher);
  int32_t (*stream)(void*, uint64_t, uint32_t);
  find(object.library, "text_publisher_stream", &stream);
  const uint64_t lines = Long_val(count);
  caml_enter_blocking_section();
  const int32_t status = stream(object.self, lines, 0);
  caml_leave_blocking_section();
  if (status < 0)
    fail(object.library);
  CAMLreturn(Val_unit);
}

value demo_publisher_count_words(value publisher, value lines_per_request) {
  CAMLparam1(publisher);
  const struct object object = *object_of(publisher);
  int32_t (*count_words)(void*, uint32_t, struct words*);
  struct words words;
  find(object.library, "text_publisher_count_words", &count_words);
  const uint32_t lines = Long_val(lines_per_request);
  caml_enter_blocking_section();
  const int32_t status = count_words(object.self, lines, &words);
  caml_leave_blocking_section();
  if (status < 0)
    fail(object.library);
  value out = caml_alloc_tuple(3);
  Field(out, 0) = Val_long(words.requests);
  Field(out, 1) = Val_long(words.words);
  Field(out, 2) = Val_long(words.expected);
  CAMLreturn(out);
}

value demo_publisher_close(value publisher) {
  void (*close)(void*);
  find(object_of(publisher)->library, "text_publisher_close", &close);
  close(object_of(publisher)->self);
  return Val_unit;
}

value demo_subscriber_open(value path, value runtime, value file) {
  CAMLparam3(path, runtime, file);
  void* (*open)(void*, const char*);
  void* library = load(path);
  find(library, "text_subscriber_open", &open);
  char* name = copy(file);
  void* self = open((void*)Nativeint_val(runtime), name);
  free(name);
  if (self == NULL)
    caml_failwith("the C subscriber did not start: see above");
  CAMLreturn(wrap(library, self));
}

value demo_subscriber_report(value subscriber) {
  CAMLparam1(subscriber);
  void (*tell)(void*, struct report*);
  struct report report;
  find(object_of(subscriber)->library, "text_subscriber_report", &tell);
  tell(object_of(subscriber)->self, &report);
  value out = caml_alloc_tuple(3);
  Field(out, 0) = Val_long(report.messages);
  Field(out, 1) = Val_long(report.bytes);
  Field(out, 2) = Val_long(report.invalid);
  CAMLreturn(out);
}

/* Waits for a running callback of the subscriber, which needs no OCaml. */
value demo_subscriber_close(value subscriber) {
  int32_t (*close)(void*);
  find(object_of(subscriber)->library, "text_subscriber_close", &close);
  if (close(object_of(subscriber)->self) < 0)
    caml_failwith("the C subscriber could not complete its file: is the disk full?");
  return Val_unit;
}
