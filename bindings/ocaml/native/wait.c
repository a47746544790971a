#include "stubs.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

void gate_init(struct gate* gate) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_mutex_init(&gate->mutex, NULL);
  pthread_cond_init(&gate->passed, &attributes);
  pthread_condattr_destroy(&attributes);
}

void gate_destroy(struct gate* gate) {
  pthread_cond_destroy(&gate->passed);
  pthread_mutex_destroy(&gate->mutex);
}

void gate_wait(struct gate* gate) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_nsec += slice_ns;
  if (end.tv_nsec >= 1000000000) {
    end.tv_nsec -= 1000000000;
    ++end.tv_sec;
  }
  pthread_cond_timedwait(&gate->passed, &gate->mutex, &end);
}

/* ---- a turnstile: who waits for a handler's end sees a number go up ---- */

struct turnstile {
  struct gate gate;
  intnat turns;
};

#define Turnstile_val(v) (*(struct turnstile**)Data_custom_val(v))

static void turnstile_finalize(value v) {
  gate_destroy(&Turnstile_val(v)->gate);
  free(Turnstile_val(v));
}

static struct custom_operations turnstile_ops = {
    "mycelium.turnstile",     turnstile_finalize,         custom_compare_default,     custom_hash_default,
    custom_serialize_default, custom_deserialize_default, custom_compare_ext_default, custom_fixed_length_default,
};

value mycelium_ocaml_turnstile_create(value unit) {
  (void)unit;
  struct turnstile* self = mycelium_ocaml_allocate(sizeof *self);
  gate_init(&self->gate);
  value v = caml_alloc_custom_mem(&turnstile_ops, sizeof self, sizeof *self);
  Turnstile_val(v) = self;
  return v;
}

value mycelium_ocaml_turnstile_turns(value v) {
  struct turnstile* self = Turnstile_val(v);
  pthread_mutex_lock(&self->gate.mutex);
  const intnat turns = self->turns;
  pthread_mutex_unlock(&self->gate.mutex);
  return Val_long(turns);
}

value mycelium_ocaml_turnstile_turn(value v) {
  struct turnstile* self = Turnstile_val(v);
  pthread_mutex_lock(&self->gate.mutex);
  ++self->turns;
  pthread_cond_broadcast(&self->gate.passed);
  pthread_mutex_unlock(&self->gate.mutex);
  return Val_unit;
}

/* Waits for a slice at most until the turns are others than those seen. */
value mycelium_ocaml_turnstile_wait(value v, value seen) {
  CAMLparam1(v);
  struct turnstile* self = Turnstile_val(v);
  const intnat before = Long_val(seen);
  caml_enter_blocking_section_no_pending();
  pthread_mutex_lock(&self->gate.mutex);
  if (self->turns == before)
    gate_wait(&self->gate);
  pthread_mutex_unlock(&self->gate.mutex);
  caml_leave_blocking_section();
  CAMLreturn(Val_unit);
}

/* ---- publishing ---- */

static __thread struct publishing* running;

/* Called by the bus on the thread that waits in a publish. One of other code, which may hold the runtime lock, is not
 * ours to interrupt. */
static int32_t run_signal_handlers(void* unused) {
  (void)unused;
  struct publishing* self = running;
  if (self == NULL)
    return 0;
  caml_leave_blocking_section();
  const value result = caml_process_pending_actions_exn();
  const int raised = Is_exception_result(result);
  if (raised)
    *self->raised = Extract_exception(result);
  caml_enter_blocking_section_no_pending();
  return raised;
}

void publishing_begin(struct publishing* self, value* raised) {
  static __thread int checked;
  if (!checked)
    checked = mycelium_thread_interrupt_check(run_signal_handlers, NULL) >= 0;
  self->raised = raised;
  self->outer = running;
  running = self;
  caml_enter_blocking_section_no_pending();
}

void publishing_end(struct publishing* self) {
  caml_leave_blocking_section();
  running = self->outer;
}

void publishing_check(value raised, int32_t status) {
  if (raised != Val_unit)
    caml_raise(raised);
  mycelium_ocaml_check(status);
}

/* ---- errands: a call that must not be repeated is made by a thread of its own, which knows nothing of OCaml; when a
 * signal handler raises in the thread that waits for it, the call goes on and nothing of it is lost ---- */

enum errand_kind { errand_close, errand_flush };

struct errand {
  struct gate gate;
  int holders; /* the thread and OCaml's value */
  int done;
  enum errand_kind kind;
  MyceliumRuntime* rt;
  int64_t timeout_ns;
  int32_t status;
  char* text;
};

#define Errand_val(v) (*(struct errand**)Data_custom_val(v))

static void errand_release(struct errand* self) {
  pthread_mutex_lock(&self->gate.mutex);
  const int last = --self->holders == 0;
  pthread_mutex_unlock(&self->gate.mutex);
  if (!last)
    return;
  gate_destroy(&self->gate);
  free(self->text);
  free(self);
}

static void errand_finalize(value v) { errand_release(Errand_val(v)); }

static struct custom_operations errand_ops = {
    "mycelium.errand",          errand_finalize,
    custom_compare_default,     custom_hash_default,
    custom_serialize_default,   custom_deserialize_default,
    custom_compare_ext_default, custom_fixed_length_default,
};

static void* errand_run(void* argument) {
  struct errand* self = argument;
  const int32_t status = self->kind == errand_close ? mycelium_runtime_close(self->rt, self->timeout_ns)
                                                    : mycelium_flush(self->rt, self->timeout_ns);
  pthread_mutex_lock(&self->gate.mutex);
  self->status = status;
  self->text = status < 0 ? strdup(mycelium_last_error()) : NULL;
  self->done = 1;
  pthread_cond_broadcast(&self->gate.passed);
  pthread_mutex_unlock(&self->gate.mutex);
  errand_release(self);
  return NULL;
}

/* Every signal is blocked in the thread, so that handlers run on the threads that OCaml knows. */
static int errand_start(struct errand* self) {
  sigset_t all;
  sigset_t old;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const int failed = pthread_create(&thread, NULL, errand_run, self);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (failed == 0)
    pthread_detach(thread);
  return failed;
}

value mycelium_ocaml_errand(value bus, value kind, value timeout_ns) {
  CAMLparam1(bus);
  CAMLlocal1(v);
  struct errand* self = mycelium_ocaml_allocate(sizeof *self);
  gate_init(&self->gate);
  self->holders = 2;
  self->kind = Int_val(kind);
  self->rt = Handle_val(bus);
  self->timeout_ns = Long_val(timeout_ns) == Max_long ? MYCELIUM_FOREVER : Long_val(timeout_ns);
  v = caml_alloc_custom_mem(&errand_ops, sizeof self, sizeof *self);
  Errand_val(v) = self;
  if (errand_start(self) != 0) {
    self->holders = 1;
    mycelium_ocaml_raise(MYCELIUM_ERROR_RUNTIME, "no thread could be started to wait; are there too many?");
  }
  CAMLreturn(v);
}

/* Waits for a slice at most; true when the call has returned. */
value mycelium_ocaml_errand_wait(value v) {
  CAMLparam1(v);
  struct errand* self = Errand_val(v);
  caml_enter_blocking_section_no_pending();
  pthread_mutex_lock(&self->gate.mutex);
  if (!self->done)
    gate_wait(&self->gate);
  const int done = self->done;
  pthread_mutex_unlock(&self->gate.mutex);
  caml_leave_blocking_section();
  CAMLreturn(Val_bool(done));
}

/* Of a call that has returned: raises its error. */
value mycelium_ocaml_errand_result(value v) {
  CAMLparam1(v);
  struct errand* self = Errand_val(v);
  if (self->status < 0)
    mycelium_ocaml_raise(self->status, self->text != NULL ? self->text : "");
  CAMLreturn(Val_unit);
}

/* Runs the handlers of signals that have come, which may raise. */
value mycelium_ocaml_handle_signals(value unit) {
  caml_process_pending_actions();
  return unit;
}
