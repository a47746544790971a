#include "stubs.h"

/* A runtime that was dropped without close ends on a thread of its own: nobody may wait in a finaliser. Its log may
 * still be written to then, so that stays. */
static void bus_finalize(value v) {
  struct bus* bus = Bus_val(v);
  if (bus->closed) {
    mycelium_runtime_destroy(bus->handle);
    log_lines_free(bus->lines);
  } else if (bus->handle != NULL) {
    mycelium_runtime_destroy_later(bus->handle);
  }
  free(bus);
}

static struct custom_operations bus_ops = {
    "mycelium.bus",
    bus_finalize,
    custom_compare_default,
    custom_hash_default,
    custom_serialize_default,
    custom_deserialize_default,
    custom_compare_ext_default,
    custom_fixed_length_default,
};

enum { bus_mem = 256 * 1024 }; /* what a runtime takes, roughly: dropped ones are collected in time */

static value bus_adopt(struct bus* bus) {
  value v = caml_alloc_custom_mem(&bus_ops, sizeof bus, bus_mem);
  Bus_val(v) = bus;
  return v;
}

/* The fields of Native.config, in its order. */
enum {
  config_name,
  config_threads,
  config_mailbox_capacity,
  config_policy,
  config_verify,
  config_block_timeout_ns,
  config_close_timeout_ns,
  config_max_payload,
  config_strict,
  config_log
};

value mycelium_ocaml_create(value options) {
  CAMLparam1(options);
  struct bus* bus = mycelium_ocaml_allocate(sizeof *bus);
  MyceliumRuntimeConfig config;
  mycelium_runtime_config_init(&config);
  char* name = strdup(String_val(Field(options, config_name)));
  config.name = name != NULL && *name != '\0' ? name : NULL;
  config.threads = (uint32_t)Long_val(Field(options, config_threads));
  config.mailbox_capacity = (uint32_t)Long_val(Field(options, config_mailbox_capacity));
  config.policy = (int32_t)Long_val(Field(options, config_policy));
  config.verify = (int32_t)Long_val(Field(options, config_verify));
  config.block_timeout_ns = Long_val(Field(options, config_block_timeout_ns));
  config.close_timeout_ns = Long_val(Field(options, config_close_timeout_ns));
  config.max_payload = (size_t)Long_val(Field(options, config_max_payload));
  config.strict = Bool_val(Field(options, config_strict));
  if (Bool_val(Field(options, config_log))) {
    bus->lines = log_lines_create();
    config.log = log_lines_add;
    config.log_user_data = bus->lines;
  }
  caml_enter_blocking_section_no_pending();
  bus->handle = mycelium_runtime_create_with_config(&config);
  caml_leave_blocking_section();
  free(name);
  if (bus->handle == NULL) {
    log_lines_free(bus->lines);
    free(bus);
    mycelium_ocaml_raise(mycelium_last_status(), NULL);
  }
  CAMLreturn(bus_adopt(bus));
}

value mycelium_ocaml_create_from_topology(value path, value service) {
  CAMLparam2(path, service);
  struct bus* bus = mycelium_ocaml_allocate(sizeof *bus);
  bus->handle = mycelium_runtime_create_from_topology(String_val(path), String_val(service));
  if (bus->handle == NULL) {
    free(bus);
    mycelium_ocaml_raise(mycelium_last_status(), NULL);
  }
  CAMLreturn(bus_adopt(bus));
}

/* Every thread has ended: what is left is memory. */
value mycelium_ocaml_set_closed(value v) {
  Bus_val(v)->closed = 1;
  return Val_unit;
}

value mycelium_ocaml_handle(value v) { return caml_copy_nativeint((intnat)Handle_val(v)); }

value mycelium_ocaml_take_log(value v) {
  CAMLparam1(v);
  CAMLreturn(log_lines_take(Bus_val(v)->lines));
}

value mycelium_ocaml_verify_digest(value v, value digest) {
  return Val_int(mycelium_verify_schema_digest(Handle_val(v), Bytes_val(digest), caml_string_length(digest)));
}

value mycelium_ocaml_register_schema(value v, value bfbs) {
  uint8_t digest[MYCELIUM_DIGEST_SIZE];
  mycelium_ocaml_check(mycelium_register_schema(Handle_val(v), Bytes_val(bfbs), caml_string_length(bfbs), digest));
  return caml_alloc_initialized_string(sizeof digest, (const char*)digest);
}

value mycelium_ocaml_schema_digest(value unit) {
  (void)unit;
  uint8_t digest[MYCELIUM_DIGEST_SIZE];
  mycelium_ocaml_check(mycelium_schema_digest(digest));
  return caml_alloc_initialized_string(sizeof digest, (const char*)digest);
}

value mycelium_ocaml_type_digest(value v, value type_id) {
  uint8_t digest[MYCELIUM_DIGEST_SIZE];
  mycelium_ocaml_check(mycelium_type_digest(Handle_val(v), (uint16_t)Int_val(type_id), digest));
  return caml_alloc_initialized_string(sizeof digest, (const char*)digest);
}

value mycelium_ocaml_verify_payload(value v, value type_id, value payload) {
  return Val_int(mycelium_verify_payload(Handle_val(v), (uint16_t)Int_val(type_id), Bytes_val(payload),
                                         caml_string_length(payload)));
}

value mycelium_ocaml_keep_history(value v, value type_id, value depth) {
  mycelium_ocaml_check(mycelium_keep_history(Handle_val(v), (uint16_t)Int_val(type_id), (uint32_t)Long_val(depth)));
  return Val_unit;
}

/* Both wait for so many nanoseconds, and give the status. */
value mycelium_ocaml_wait_for_subscribers(value v, value type_id, value count, value timeout_ns) {
  CAMLparam1(v);
  MyceliumRuntime* handle = Handle_val(v);
  const uint16_t type = (uint16_t)Int_val(type_id);
  const size_t wanted = (size_t)Long_val(count);
  const int64_t timeout = Long_val(timeout_ns);
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_wait_for_subscribers(handle, type, wanted, timeout);
  caml_leave_blocking_section();
  CAMLreturn(Val_int(status));
}

value mycelium_ocaml_flush(value v, value timeout_ns) {
  CAMLparam1(v);
  MyceliumRuntime* handle = Handle_val(v);
  const int64_t timeout = Long_val(timeout_ns);
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_flush(handle, timeout);
  caml_leave_blocking_section();
  CAMLreturn(Val_int(status));
}

/* Raises for a status of an earlier call on this thread. */
value mycelium_ocaml_raise_last(value status) { mycelium_ocaml_raise(Int_val(status), NULL); }

static value counters(const uint64_t* from, size_t count, const uint64_t* dropped) {
  value out = caml_alloc(count + MYCELIUM_DROP_REASONS, 0); /* few, and small: all of it is written below */
  for (size_t i = 0; i < count; ++i)
    Field(out, i) = Val_long((intnat)from[i]);
  for (size_t i = 0; i < MYCELIUM_DROP_REASONS; ++i)
    Field(out, count + i) = Val_long((intnat)dropped[i]);
  return out;
}

value mycelium_ocaml_stats(value v) {
  MyceliumRuntimeStats s;
  memset(&s, 0, sizeof s);
  s.struct_size = sizeof s;
  mycelium_ocaml_check(mycelium_runtime_stats(Handle_val(v), &s));
  const uint64_t all[] = {s.published,     s.published_bytes, s.refused,          s.offered,
                          s.delivered,     s.waiting,         s.callback_errors,  s.restarts,
                          s.subscriptions, s.queues,          s.requests_pending, s.threads};
  return counters(all, sizeof all / sizeof *all, s.dropped);
}

value mycelium_ocaml_subscription_stats(value v, value id) {
  MyceliumSubscriptionStats s;
  memset(&s, 0, sizeof s);
  s.struct_size = sizeof s;
  mycelium_ocaml_check(mycelium_subscription_stats(Handle_val(v), (uint64_t)Long_val(id), &s));
  const uint64_t all[] = {s.offered, s.delivered, s.waiting, s.capacity, s.high_water, s.callback_errors};
  return counters(all, sizeof all / sizeof *all, s.dropped);
}

static int32_t write_info(MyceliumRuntime* rt, char* buffer, size_t capacity, size_t* length) {
  (void)rt;
  return mycelium_info_json(buffer, capacity, length);
}

value mycelium_ocaml_text_of(MyceliumRuntime* rt, text_writer write) {
  char* text = NULL;
  size_t capacity = 0;
  size_t length = 16 * 1024;
  int32_t status = 0;
  do {
    capacity = length + 1024;
    char* larger = realloc(text, capacity);
    if (larger == NULL) {
      free(text);
      caml_raise_out_of_memory();
    }
    text = larger;
    status = write(rt, text, capacity, &length);
  } while (status >= 0 && length >= capacity);
  if (status < 0) {
    free(text);
    mycelium_ocaml_raise(status, NULL);
  }
  value out = caml_copy_string(text);
  free(text);
  return out;
}

value mycelium_ocaml_metrics(value v) { return mycelium_ocaml_text_of(Handle_val(v), mycelium_metrics_text); }

value mycelium_ocaml_info(value unit) {
  (void)unit;
  return mycelium_ocaml_text_of(NULL, write_info);
}
