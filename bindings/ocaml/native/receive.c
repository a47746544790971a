#include "stubs.h"

/* Numbers that the parts in OCaml know. */
_Static_assert(MYCELIUM_DELIVERY_MESSAGE == 0 && MYCELIUM_DELIVERY_COMPLETE == 1 && MYCELIUM_DELIVERY_REPLY == 2, "");
_Static_assert(MYCELIUM_POLICY_BLOCK == 1 && MYCELIUM_POLICY_DROP_OLDEST == 2 && MYCELIUM_POLICY_DROP_NEWEST == 3 &&
                   MYCELIUM_POLICY_FAIL == 4,
               "");
_Static_assert(MYCELIUM_VERIFY_NONE == 1 && MYCELIUM_VERIFY_SIZE == 2 && MYCELIUM_VERIFY_FULL == 3, "");
_Static_assert(MYCELIUM_TO_ALL == 0 && MYCELIUM_TO_SUBSCRIPTION == 1 && MYCELIUM_TO_KEY == 2, "");
_Static_assert(MYCELIUM_LOG_ERROR == 0 && MYCELIUM_LOG_WARNING == 1 && MYCELIUM_LOG_INFO == 2, "");
_Static_assert(MYCELIUM_DROP_OLDEST == 0 && MYCELIUM_DROP_CLOSED == 5 && MYCELIUM_DROP_REASONS == 6, "");

enum { batch_size = 256 };

/* What was taken from a queue and not yet given to OCaml. */
struct batch {
  MyceliumDelivery taken[batch_size];
  size_t count;
  MyceliumMessage* focus; /* what the window shows */
};

#define Batch_val(v) (*(struct batch**)Data_custom_val(v))

static void batch_clear(struct batch* self) {
  for (size_t i = 0; i < self->count; ++i)
    mycelium_message_release(self->taken[i].message);
  self->count = 0;
  self->focus = NULL;
}

static void batch_finalize(value v) {
  batch_clear(Batch_val(v));
  free(Batch_val(v));
}

static struct custom_operations batch_ops = {
    "mycelium.batch",           batch_finalize,
    custom_compare_default,     custom_hash_default,
    custom_serialize_default,   custom_deserialize_default,
    custom_compare_ext_default, custom_fixed_length_default,
};

value mycelium_ocaml_batch_create(value unit) {
  (void)unit;
  struct batch* self = mycelium_ocaml_allocate(sizeof *self);
  value v = caml_alloc_custom_mem(&batch_ops, sizeof self, sizeof *self);
  Batch_val(v) = self;
  return v;
}

value mycelium_ocaml_window_create(value unit) {
  (void)unit;
  return view_window();
}

value mycelium_ocaml_queue_open(value bus) {
  uint64_t id = 0;
  mycelium_ocaml_check(mycelium_queue_open(Handle_val(bus), &id));
  return Val_long((intnat)id);
}

value mycelium_ocaml_queue_close(value bus, value queue) {
  return Val_int(mycelium_queue_close(Handle_val(bus), (uint64_t)Long_val(queue)));
}

value mycelium_ocaml_queue_wake(value bus, value queue) {
  return Val_int(mycelium_queue_wake(Handle_val(bus), (uint64_t)Long_val(queue)));
}

value mycelium_ocaml_queue_fd(value bus, value queue) {
  int fd = -1;
  mycelium_ocaml_check(mycelium_queue_fd(Handle_val(bus), (uint64_t)Long_val(queue), &fd));
  return Val_int(fd); /* as Unix.file_descr is */
}

/* A line of the log wakes this queue's receiver. */
value mycelium_ocaml_queue_for_log(value bus, value queue) {
  log_lines_wake(Bus_val(bus)->lines, Handle_val(bus), (uint64_t)Long_val(queue));
  return Val_unit;
}

/* Takes what there is, waiting so many nanoseconds for the first. How many, or a status below 0. What was there before
 * is released. */
value mycelium_ocaml_receive(value bus, value queue, value batch, value timeout_ns) {
  CAMLparam2(bus, batch);
  MyceliumRuntime* rt = Handle_val(bus);
  struct batch* self = Batch_val(batch);
  const uint64_t id = (uint64_t)Long_val(queue);
  const int64_t timeout = Long_val(timeout_ns) == Max_long ? MYCELIUM_FOREVER : Long_val(timeout_ns);
  batch_clear(self);
  size_t count = 0;
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_queue_receive(rt, id, self->taken, batch_size, timeout, &count);
  self->count = count; /* before signals are handled: a handler may raise */
  caml_leave_blocking_section();
  CAMLreturn(status < 0 && count == 0 ? Val_int(status) : Val_long((intnat)count));
}

static MyceliumDelivery* delivery(value batch, value i) {
  struct batch* self = Batch_val(batch);
  if ((uintnat)Long_val(i) >= self->count)
    caml_invalid_argument("Mycelium_native: no such delivery");
  return &self->taken[Long_val(i)];
}

value mycelium_ocaml_batch_kind(value batch, value i) { return Val_int(delivery(batch, i)->kind); }
value mycelium_ocaml_batch_status(value batch, value i) { return Val_int(delivery(batch, i)->status); }
value mycelium_ocaml_batch_id(value batch, value i) { return Val_long((intnat)delivery(batch, i)->id); }
value mycelium_ocaml_batch_slot(value batch, value i) { return Val_long((intnat)delivery(batch, i)->user_data); }

value mycelium_ocaml_batch_is_request(value batch, value i) {
  return Val_bool(mycelium_message_is_request(delivery(batch, i)->message));
}

value mycelium_ocaml_batch_release(value batch, value i) {
  MyceliumDelivery* of = delivery(batch, i);
  mycelium_message_release(of->message);
  of->message = NULL;
  return Val_unit;
}

/* The message as a value that owns it. */
value mycelium_ocaml_batch_take(value batch, value i) {
  MyceliumDelivery* of = delivery(batch, i);
  if (of->message == NULL)
    caml_invalid_argument("Mycelium_native: the delivery has no message");
  MyceliumMessage* message = of->message;
  of->message = NULL; /* before anything is allocated, which may collect the batch */
  return message_adopt(message);
}

/* Points the window at a message, until blur; views can be made of it meanwhile. */
value mycelium_ocaml_batch_focus(value batch, value i, value window) {
  MyceliumDelivery* of = delivery(batch, i);
  if (of->message == NULL)
    caml_invalid_argument("Mycelium_native: the delivery has no message");
  Batch_val(batch)->focus = of->message;
  view_focus(window, of->message);
  return Val_unit;
}

/* The message is released, unless a part of the window has kept it. */
value mycelium_ocaml_batch_blur(value batch, value i, value window) {
  MyceliumDelivery* of = delivery(batch, i);
  MyceliumMessage* message = of->message;
  Batch_val(batch)->focus = NULL;
  of->message = NULL;
  if (!view_blur(window, message))
    mycelium_message_release(message);
  return Val_unit;
}

/* The same, but that the message stays in the batch. */
value mycelium_ocaml_batch_unfocus(value batch, value i, value window) {
  MyceliumMessage* message = mycelium_message_retain(delivery(batch, i)->message);
  Batch_val(batch)->focus = NULL;
  if (!view_blur(window, message))
    mycelium_message_release(message);
  return Val_unit;
}

value mycelium_ocaml_batch_view(value batch, value kind, value first, value count) {
  const MyceliumMessage* focus = Batch_val(batch)->focus;
  if (focus == NULL)
    caml_invalid_argument("Mycelium_native: views of a message can be made while it is decoded only");
  size_t length = 0;
  const uint8_t* data = mycelium_message_payload(focus, &length);
  view_check(Long_val(kind), Long_val(first), Long_val(count), length);
  MyceliumMessage* kept = mycelium_message_retain(focus);
  if (kept == NULL)
    caml_raise_out_of_memory();
  return view_of_message(kept, data + Long_val(first), Long_val(kind), Long_val(count), length);
}

/* ---- subscriptions ---- */

/* The fields of Native.subscription, in its order. */
enum {
  subscription_type_id,
  subscription_name,
  subscription_policy,
  subscription_capacity,
  subscription_history,
  subscription_block_timeout_ns,
  subscription_queue,
  subscription_slot
};

value mycelium_ocaml_subscribe(value bus, value fields) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  const char* name = String_val(Field(fields, subscription_name));
  options.name = *name != '\0' ? name : NULL;
  options.policy = Int_val(Field(fields, subscription_policy));
  options.capacity = (uint32_t)Long_val(Field(fields, subscription_capacity));
  options.history = (uint32_t)Long_val(Field(fields, subscription_history));
  options.block_timeout_ns = Long_val(Field(fields, subscription_block_timeout_ns));
  options.queue_id = (uint64_t)Long_val(Field(fields, subscription_queue));
  options.user_data = (void*)Long_val(Field(fields, subscription_slot));
  uint64_t id = 0;
  mycelium_ocaml_check(mycelium_subscribe_with_options(
      Handle_val(bus), (uint16_t)Int_val(Field(fields, subscription_type_id)), &options, &id));
  return Val_long((intnat)id);
}

value mycelium_ocaml_unsubscribe(value bus, value id) {
  CAMLparam1(bus);
  MyceliumRuntime* rt = Handle_val(bus);
  const uint64_t subscription = (uint64_t)Long_val(id);
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_unsubscribe(rt, subscription);
  caml_leave_blocking_section();
  CAMLreturn(Val_int(status));
}
