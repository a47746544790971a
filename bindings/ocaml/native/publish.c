#include "stubs.h"

/* What OCaml's strings hold may move as soon as the runtime lock is released: it is copied before, a small payload onto
 * the stack, a large one into memory of the bus, which is then published without another copy. */
enum { small_payload = 1024 };

/* Whether a publish failed for everyone; a loan is the caller's again then. */
static int nobody_got_it(int32_t status) {
  switch (status) {
  case MYCELIUM_ERROR_NULL:
  case MYCELIUM_ERROR_UNKNOWN_TYPE:
  case MYCELIUM_ERROR_TOO_LARGE:
  case MYCELIUM_ERROR_INVALID_PAYLOAD:
  case MYCELIUM_ERROR_CLOSED:
  case MYCELIUM_ERROR_INVALID_ARGUMENT:
  case MYCELIUM_ERROR_FORKED:
    return 1;
  default:
    return 0;
  }
}

static int32_t publish_small(MyceliumRuntime* rt, uint16_t type_id, const char* data, size_t length, value* raised) {
  uint8_t copy[small_payload];
  struct publishing publishing;
  memcpy(copy, data, length);
  publishing_begin(&publishing, raised);
  const int32_t status = mycelium_publish(rt, type_id, copy, length);
  publishing_end(&publishing);
  return status;
}

static int32_t publish_large(MyceliumRuntime* rt, uint16_t type_id, const char* data, size_t length, value* raised) {
  struct publishing publishing;
  MyceliumLoan* loan = NULL;
  uint8_t* memory = NULL;
  int32_t status = mycelium_loan(rt, length, &loan, &memory);
  if (status < 0)
    return status;
  memcpy(memory, data, length);
  publishing_begin(&publishing, raised);
  status = mycelium_publish_loan(rt, type_id, loan, 0, length);
  if (nobody_got_it(status))
    mycelium_loan_discard(loan);
  publishing_end(&publishing);
  return status;
}

value mycelium_ocaml_publish(value bus, value type_id, value payload) {
  CAMLparam1(bus);
  CAMLlocal1(raised);
  const size_t length = caml_string_length(payload);
  const uint16_t type = (uint16_t)Int_val(type_id);
  const int32_t status = (length <= small_payload ? publish_small : publish_large)(
      Handle_val(bus), type, String_val(payload), length, &raised);
  publishing_check(raised, status);
  CAMLreturn(Val_unit);
}

/* The fields of Native.envelope, in its order. */
enum {
  envelope_type_id,
  envelope_priority,
  envelope_correlation_id,
  envelope_destination,
  envelope_key,
  envelope_trace
};

value mycelium_ocaml_publish_envelope(value bus, value fields, value payload) {
  CAMLparam2(bus, payload);
  CAMLlocal1(raised);
  struct publishing publishing;
  const size_t length = caml_string_length(payload);
  MyceliumEnvelope envelope;
  memset(&envelope, 0, sizeof envelope);
  envelope.struct_size = sizeof envelope;
  envelope.type_id = (uint16_t)Int_val(Field(fields, envelope_type_id));
  envelope.priority = (uint8_t)Int_val(Field(fields, envelope_priority));
  envelope.correlation_id = (uint64_t)Int64_val(Field(fields, envelope_correlation_id));
  envelope.destination = Int_val(Field(fields, envelope_destination));
  envelope.destination_key = (uint64_t)Int64_val(Field(fields, envelope_key));
  const char* trace = String_val(Field(fields, envelope_trace));
  if (caml_string_length(Field(fields, envelope_trace)) == 25) {
    envelope.has_trace = 1;
    memcpy(envelope.trace_id, trace, 16);
    memcpy(envelope.span_id, trace + 16, 8);
    envelope.trace_flags = (uint8_t)trace[24];
  }
  MyceliumRuntime* rt = Handle_val(bus);
  uint8_t* copy = malloc(length != 0 ? length : 1);
  if (copy == NULL)
    caml_raise_out_of_memory();
  memcpy(copy, String_val(payload), length);
  publishing_begin(&publishing, &raised);
  const int32_t status = mycelium_publish_envelope(rt, &envelope, copy, length);
  free(copy);
  publishing_end(&publishing);
  publishing_check(raised, status);
  CAMLreturn(Val_unit);
}

/* A Bigarray of bytes stays where it is. */
value mycelium_ocaml_publish_view(value bus, value type_id, value view) {
  CAMLparam2(bus, view);
  CAMLlocal1(raised);
  struct publishing publishing;
  MyceliumRuntime* rt = Handle_val(bus);
  const uint16_t type = (uint16_t)Int_val(type_id);
  const uint8_t* data = Caml_ba_data_val(view);
  const size_t length = (size_t)Caml_ba_array_val(view)->dim[0];
  publishing_begin(&publishing, &raised);
  const int32_t status = mycelium_publish(rt, type, data, length);
  publishing_end(&publishing);
  publishing_check(raised, status);
  CAMLreturn(Val_unit);
}

/* Publishes the payloads of an array; how many went out, and the status. */
value mycelium_ocaml_publish_batch(value bus, value type_id, value payloads) {
  CAMLparam2(bus, payloads);
  CAMLlocal2(out, raised);
  struct publishing publishing;
  const size_t count = Wosize_val(payloads);
  size_t total = 0;
  for (size_t i = 0; i < count; ++i)
    total += caml_string_length(Field(payloads, i));
  MyceliumPayload* all = malloc((count + 1) * sizeof *all + total);
  if (all == NULL)
    caml_raise_out_of_memory();
  uint8_t* bytes = (uint8_t*)(all + count);
  for (size_t i = 0; i < count; ++i) {
    const size_t length = caml_string_length(Field(payloads, i));
    memcpy(bytes, String_val(Field(payloads, i)), length);
    all[i] = (MyceliumPayload){(uint16_t)Int_val(type_id), bytes, length};
    bytes += length;
  }
  MyceliumRuntime* rt = Handle_val(bus);
  size_t accepted = 0;
  publishing_begin(&publishing, &raised);
  const int32_t status = mycelium_publish_batch(rt, all, count, &accepted);
  free(all);
  publishing_end(&publishing);
  publishing_check(raised, 0);
  out = caml_alloc_tuple(2);
  Store_field(out, 0, Val_long((intnat)accepted));
  Store_field(out, 1, Val_int(status));
  CAMLreturn(out);
}

/* ---- loans ---- */

value mycelium_ocaml_loan(value bus, value kind, value count, value size) {
  CAMLparam1(bus);
  MyceliumLoan* loan = NULL;
  uint8_t* data = NULL;
  const size_t bytes = (size_t)Long_val(count) * (size_t)Long_val(size);
  mycelium_ocaml_check(mycelium_loan(Handle_val(bus), bytes, &loan, &data));
  CAMLreturn(view_of_loan(loan, data, Long_val(kind), Long_val(count), bytes));
}

/* Publishes the bytes of a loan's Bigarray from its start, and empties it. Where a part of it is in use elsewhere, a
 * copy is published: nobody may write into a message. */
value mycelium_ocaml_publish_loan(value bus, value type_id, value view, value bytes) {
  CAMLparam2(bus, view);
  CAMLlocal1(raised);
  struct publishing publishing;
  int shared = 0;
  MyceliumLoan* loan = view_loan(view, &shared);
  void* data = Caml_ba_data_val(view);
  if (loan == NULL || data == NULL)
    caml_invalid_argument("Mycelium_native.Loan: it has been published");
  const intnat count = Caml_ba_array_val(view)->dim[0];
  MyceliumRuntime* rt = Handle_val(bus);
  const uint16_t type = (uint16_t)Int_val(type_id);
  const size_t length = (size_t)Long_val(bytes);
  view_set_loan(view, shared ? loan : NULL, NULL, 0); /* nobody writes to it from here on */
  publishing_begin(&publishing, &raised);
  const int32_t status =
      shared ? mycelium_publish(rt, type, data, length) : mycelium_publish_loan(rt, type, loan, 0, length);
  publishing_end(&publishing);
  if (nobody_got_it(status))
    view_set_loan(view, loan, data, count);
  publishing_check(raised, status);
  CAMLreturn(Val_unit);
}

value mycelium_ocaml_loan_is_live(value view) {
  int shared = 0;
  return Val_bool(view_loan(view, &shared) != NULL && Caml_ba_data_val(view) != NULL);
}
