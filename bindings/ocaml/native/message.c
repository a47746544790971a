#include "stubs.h"

#define Message_val(v) (*(MyceliumMessage**)Data_custom_val(v))

static void message_finalize(value v) { mycelium_message_release(Message_val(v)); }

static struct custom_operations message_ops = {
    "mycelium.message",       message_finalize,           custom_compare_default,     custom_hash_default,
    custom_serialize_default, custom_deserialize_default, custom_compare_ext_default, custom_fixed_length_default,
};

/* Beside the payload: what a message of the bus takes itself. */
enum { message_overhead = 128 };

value message_adopt(MyceliumMessage* owned) {
  size_t length = 0;
  mycelium_message_payload(owned, &length);
  value v = caml_alloc_custom_mem(&message_ops, sizeof owned, length + message_overhead);
  Message_val(v) = owned;
  return v;
}

static MyceliumMessage* alive(value v) {
  if (Message_val(v) == NULL)
    caml_invalid_argument("Mycelium_native.Message: the message has been released");
  return Message_val(v);
}

value mycelium_ocaml_message_release(value v) {
  MyceliumMessage* message = Message_val(v);
  Message_val(v) = NULL;
  mycelium_message_release(message);
  return Val_unit;
}

value mycelium_ocaml_message_type_id(value v) { return Val_int(mycelium_message_type_id(alive(v))); }

value mycelium_ocaml_message_length(value v) {
  size_t length = 0;
  mycelium_message_payload(alive(v), &length);
  return Val_long(length);
}

value mycelium_ocaml_message_is_request(value v) { return Val_bool(mycelium_message_is_request(alive(v))); }

value mycelium_ocaml_message_to_string(value v) {
  CAMLparam1(v); /* making room for the copy may collect what nobody holds: the message, without this */
  size_t length = 0;
  const uint8_t* data = mycelium_message_payload(alive(v), &length);
  CAMLreturn(caml_alloc_initialized_string(length, (const char*)data));
}

value mycelium_ocaml_message_view(value v, value kind, value first, value count) {
  size_t length = 0;
  const uint8_t* data = mycelium_message_payload(alive(v), &length);
  view_check(Long_val(kind), Long_val(first), Long_val(count), length);
  MyceliumMessage* kept = mycelium_message_retain(alive(v));
  if (kept == NULL)
    caml_raise_out_of_memory();
  return view_of_message(kept, data + Long_val(first), Long_val(kind), Long_val(count), length + message_overhead);
}

/* (type_id, priority, correlation_id, sequence, publisher_id, timestamp_ns, trace), trace "" or 25 bytes */
value mycelium_ocaml_message_envelope(value v) {
  CAMLparam1(v);
  CAMLlocal2(out, part);
  MyceliumEnvelope envelope;
  memset(&envelope, 0, sizeof envelope);
  envelope.struct_size = sizeof envelope;
  mycelium_ocaml_check(mycelium_message_envelope(alive(v), &envelope));
  out = caml_alloc_tuple(7);
  Store_field(out, 0, Val_int(envelope.type_id));
  Store_field(out, 1, Val_int(envelope.priority));
  part = caml_copy_int64((int64_t)envelope.correlation_id);
  Store_field(out, 2, part);
  part = caml_copy_int64((int64_t)envelope.sequence);
  Store_field(out, 3, part);
  part = caml_copy_int64((int64_t)envelope.publisher_id);
  Store_field(out, 4, part);
  part = caml_copy_int64(envelope.timestamp_ns);
  Store_field(out, 5, part);
  char trace[25];
  memcpy(trace, envelope.trace_id, 16);
  memcpy(trace + 16, envelope.span_id, 8);
  trace[24] = (char)envelope.trace_flags;
  part = caml_alloc_initialized_string(envelope.has_trace ? sizeof trace : 0, trace);
  Store_field(out, 6, part);
  CAMLreturn(out);
}

value mycelium_ocaml_reply(value bus, value request, value type_id, value payload) {
  CAMLparam2(bus, request);
  const size_t length = caml_string_length(payload);
  MyceliumRuntime* handle = Handle_val(bus);
  MyceliumMessage* kept = mycelium_message_retain(alive(request)); /* the other thread may release the value */
  uint8_t* copy = malloc(length != 0 ? length : 1);
  if (kept == NULL || copy == NULL) {
    mycelium_message_release(kept);
    free(copy);
    caml_raise_out_of_memory();
  }
  memcpy(copy, String_val(payload), length);
  const uint16_t type = (uint16_t)Int_val(type_id);
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_reply(handle, kept, type, copy, length);
  free(copy);
  mycelium_message_release(kept);
  caml_leave_blocking_section();
  CAMLreturn(Val_int(status));
}
