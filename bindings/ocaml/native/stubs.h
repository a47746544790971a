/* What the C parts of the binding share. No thread of the bus ever runs OCaml: threads that OCaml knows ask for what
 * there is, and wait for it with OCaml's runtime lock released. */
#ifndef MYCELIUM_OCAML_STUBS_H
#define MYCELIUM_OCAML_STUBS_H

#define CAML_NAME_SPACE
#include <caml/alloc.h>
#include <caml/bigarray.h>
#include <caml/callback.h>
#include <caml/custom.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>
#include <caml/signals.h>
#include <caml/threads.h>
#include <mycelium.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where OCaml's runtime lock is released, it is with caml_enter_blocking_section_no_pending: its sister runs OCaml's
 * signal handlers, which may raise over our heads, and what we hold then would be lost. Signals are handled once we are
 * back in OCaml. */

/* ---- errors.c: statuses become the exception Bus_error ---- */

/* Raises. text NULL: the library's own text for the last failure of this thread. */
void mycelium_ocaml_raise(int32_t status, const char* text) __attribute__((noreturn));
/* Raises if status is an error. */
void mycelium_ocaml_check(int32_t status);
/* Raises Out_of_memory if there is none. */
void* mycelium_ocaml_allocate(size_t size);

/* ---- log.c: lines of the bus, until OCaml takes them ---- */

struct log_lines;

struct log_lines* log_lines_create(void);
void log_lines_free(struct log_lines* lines);
void log_lines_add(MyceliumLogLevel level, const char* text, void* lines);
/* From now on a line wakes the dispatcher. */
void log_lines_wake(struct log_lines* lines, MyceliumRuntime* rt, uint64_t queue_id);
/* A list of (level, text), the oldest first. */
value log_lines_take(struct log_lines* lines);

/* ---- runtime.c ---- */

struct bus {
  MyceliumRuntime* handle;
  struct log_lines* lines; /* NULL: nobody listens */
  int closed;              /* every thread of the runtime has ended */
};

typedef int32_t (*text_writer)(MyceliumRuntime* rt, char* buffer, size_t capacity, size_t* length);

/* A string of what a function writes; the text may grow between two calls of it. Raises. */
value mycelium_ocaml_text_of(MyceliumRuntime* rt, text_writer write);

#define Bus_val(v) (*(struct bus**)Data_custom_val(v))
#define Handle_val(v) (Bus_val(v)->handle)

/* ---- wait.c: waiting so that signals are handled meanwhile ---- */

enum { slice_ns = 50 * 1000 * 1000 };

struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t passed;
};

void gate_init(struct gate* gate);
void gate_destroy(struct gate* gate);
/* Waits on the locked gate for a slice at most. */
void gate_wait(struct gate* gate);

/* A publish that waits for room lets OCaml's signal handlers run meanwhile. Between the two the runtime lock is
 * released; what a handler raises ends the wait, and is stored in *raised, a local root. */
struct publishing {
  value* raised;
  struct publishing* outer; /* a handler may publish, too */
};

void publishing_begin(struct publishing* self, value* raised);
void publishing_end(struct publishing* self);
/* Raises what a handler has raised, or an error status. */
void publishing_check(value raised, int32_t status);

/* ---- view.c: Bigarrays of memory of the bus ---- */

/* Makes a Bigarray of count elements of a kind at data, which keeps owned until it and all that is cut from it have
 * been collected. mem: bytes that this keeps in use. */
value view_of_message(MyceliumMessage* owned, const void* data, intnat kind, intnat count, size_t mem);
value view_of_loan(MyceliumLoan* owned, void* data, intnat kind, intnat count, size_t mem);
/* A view of nothing, which is pointed at one message after the other. */
value view_window(void);
void view_focus(value window, const MyceliumMessage* message);
/* Lets go of the message; a part that was cut from the window keeps it. True if it does: then it owns the message. */
int view_blur(value window, MyceliumMessage* message);
/* The loan of a view, NULL once taken. shared: a part of it is in use elsewhere. */
MyceliumLoan* view_loan(value view, int* shared);
/* Empties the view, or shows the loan again. */
void view_set_loan(value view, MyceliumLoan* loan, void* data, intnat count);
/* Raises Invalid_argument unless count elements of the kind lie in length bytes from first. */
void view_check(intnat kind, intnat first, intnat count, size_t length);

/* ---- message.c ---- */

/* An OCaml Message.t that owns the message. */
value message_adopt(MyceliumMessage* owned);

#endif
