/* A request whose answer comes to a plain struct on a worker of the bus, which needs no runtime lock; the caller waits
 * for that in slices. */
#include "stubs.h"
#include <stdio.h>

struct request {
  struct gate gate;
  int holders; /* OCaml's value; the bus, until the outcome or its cancellation */
  int done;
  int32_t status;
  MyceliumMessage* reply;
  MyceliumRuntime* rt;
  uint64_t id; /* 0: not sent */
};

#define Request_val(v) (*(struct request**)Data_custom_val(v))

static void request_release(struct request* self) {
  pthread_mutex_lock(&self->gate.mutex);
  const int last = --self->holders == 0;
  pthread_mutex_unlock(&self->gate.mutex);
  if (!last)
    return;
  mycelium_message_release(self->reply);
  gate_destroy(&self->gate);
  free(self);
}

/* No outcome comes after it. */
static void request_cancel(struct request* self) {
  const uint64_t id = self->id;
  self->id = 0;
  if (id != 0 && mycelium_request_cancel(self->rt, id) >= 0)
    request_release(self);
}

/* One that nobody waits for any more is forgotten, whatever ended the waiting. */
static void request_finalize(value v) {
  request_cancel(Request_val(v));
  request_release(Request_val(v));
}

static struct custom_operations request_ops = {
    "mycelium.request",       request_finalize,           custom_compare_default,     custom_hash_default,
    custom_serialize_default, custom_deserialize_default, custom_compare_ext_default, custom_fixed_length_default,
};

static void on_reply(uint64_t id, int32_t status, const MyceliumMessage* reply, void* user_data) {
  struct request* self = user_data;
  (void)id;
  pthread_mutex_lock(&self->gate.mutex);
  self->reply = reply != NULL ? mycelium_message_retain(reply) : NULL;
  self->status = reply != NULL && self->reply == NULL ? MYCELIUM_ERROR_INTERNAL : status;
  self->done = 1;
  pthread_cond_broadcast(&self->gate.passed);
  pthread_mutex_unlock(&self->gate.mutex);
  request_release(self);
}

/* What is asked, out of OCaml's memory. Publishing it may wait for room. */
static int32_t send_request(value bus, value type_id, value payload, MyceliumRequestOptions* options, uint64_t* id,
                            value* raised) {
  MyceliumRuntime* rt = Handle_val(bus);
  const uint16_t type = (uint16_t)Int_val(type_id);
  const size_t length = caml_string_length(payload);
  struct publishing publishing;
  uint8_t* copy = malloc(length != 0 ? length : 1);
  if (copy == NULL)
    return MYCELIUM_ERROR_INTERNAL;
  memcpy(copy, String_val(payload), length);
  options->struct_size = sizeof *options;
  publishing_begin(&publishing, raised);
  const int32_t status = mycelium_request_async(rt, type, copy, length, options, id);
  free(copy);
  publishing_end(&publishing);
  return status;
}

static int64_t timeout_of(value timeout_ns) {
  const intnat given = Long_val(timeout_ns);
  return given == Max_long ? MYCELIUM_FOREVER : given > 0 ? given : 1; /* 0 would be the library's default */
}

value mycelium_ocaml_request(value bus, value type_id, value payload, value timeout_ns) {
  CAMLparam2(bus, payload);
  CAMLlocal2(v, raised);
  struct request* self = mycelium_ocaml_allocate(sizeof *self);
  gate_init(&self->gate);
  self->holders = 1;
  self->rt = Handle_val(bus);
  v = caml_alloc_custom_mem(&request_ops, sizeof self, sizeof *self);
  Request_val(v) = self;
  MyceliumRequestOptions options;
  memset(&options, 0, sizeof options);
  options.timeout_ns = timeout_of(timeout_ns);
  options.on_reply = on_reply;
  options.user_data = self;
  self->holders = 2;
  const int32_t status = send_request(bus, type_id, payload, &options, &self->id, &raised);
  if (status < 0) {
    self->id = 0;
    request_release(self); /* no outcome follows */
  } else if (raised != Val_unit) {
    request_cancel(self);
  }
  publishing_check(raised, status);
  CAMLreturn(v);
}

/* Waits for a slice at most; true when the outcome is there. */
value mycelium_ocaml_request_wait(value v) {
  CAMLparam1(v);
  struct request* self = Request_val(v);
  caml_enter_blocking_section_no_pending();
  pthread_mutex_lock(&self->gate.mutex);
  if (!self->done)
    gate_wait(&self->gate);
  const int done = self->done;
  pthread_mutex_unlock(&self->gate.mutex);
  caml_leave_blocking_section();
  CAMLreturn(Val_bool(done));
}

value mycelium_ocaml_request_cancel(value v) {
  request_cancel(Request_val(v));
  return Val_unit;
}

value mycelium_ocaml_request_status(value v) { return Val_int(Request_val(v)->status); }

/* The reply of one that ended with status 0, as a message. */
value mycelium_ocaml_request_reply(value v) {
  struct request* self = Request_val(v);
  MyceliumMessage* reply = self->reply;
  if (reply == NULL)
    caml_invalid_argument("Mycelium_native: the request has no reply");
  self->reply = NULL; /* before anything is allocated, which may collect the request */
  return message_adopt(reply);
}

/* A request whose outcome comes to a queue. Its id. */
value mycelium_ocaml_request_queued(value bus, value type_id, value payload, value queue, value timeout_ns) {
  CAMLparam2(bus, payload);
  CAMLlocal1(raised);
  uint64_t id = 0;
  MyceliumRequestOptions options;
  memset(&options, 0, sizeof options);
  options.timeout_ns = timeout_of(timeout_ns);
  options.queue_id = (uint64_t)Long_val(queue);
  const int32_t status = send_request(bus, type_id, payload, &options, &id, &raised);
  if (status >= 0 && raised != Val_unit)
    mycelium_request_cancel(Handle_val(bus), id);
  publishing_check(raised, status);
  CAMLreturn(Val_long((intnat)id));
}

value mycelium_ocaml_request_forget(value bus, value id) {
  return Val_bool(mycelium_request_cancel(Handle_val(bus), (uint64_t)Long_val(id)) >= 0);
}
