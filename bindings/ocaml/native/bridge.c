/* Bridges: the functions of mycelium_bridge.h. They ask the thread of the bridge, and wait for it with OCaml's runtime
 * lock released. */
#include "stubs.h"

#include <mycelium_bridge.h>

/* A copy of an option's text, NULL for None: what OCaml holds may move while its lock is released. */
static char* copy_of_option(value option) {
  if (option == Val_none)
    return NULL;
  char* copy = strdup(String_val(Some_val(option)));
  if (copy == NULL)
    caml_raise_out_of_memory();
  return copy;
}

/* The fields of Native.bridge_config, in its order. */
enum {
  field_name,
  field_token,
  field_max_links,
  field_max_frame,
  field_window,
  field_capacity,
  field_policy,
  field_block_timeout_ns,
  field_hello_timeout_ns,
  field_heartbeat_ns,
  field_silence_ns,
  field_linger_ns,
  field_token_file,
  field_tls_cert,
  field_tls_key,
  field_tls_ca,
  field_permissions_file,
  field_socket_mode,
  field_max_links_per_peer,
  field_max_accepts,
  field_max_nodes,
  field_max_state,
  field_max_types,
  field_max_requests,
  field_max_message_rate,
  field_max_byte_rate,
  field_max_control_rate,
  field_at_least_once
};

value mycelium_ocaml_bridge_open(value v, value options) {
  CAMLparam2(v, options);
  MyceliumRuntime* handle = Handle_val(v);
  MyceliumBridgeConfig config;
  mycelium_bridge_config_init(&config);
  config.max_links = (uint32_t)Long_val(Field(options, field_max_links));
  config.max_frame = (uint32_t)Long_val(Field(options, field_max_frame));
  config.window = (uint32_t)Long_val(Field(options, field_window));
  config.capacity = (uint32_t)Long_val(Field(options, field_capacity));
  config.policy = (int32_t)Long_val(Field(options, field_policy));
  config.block_timeout_ns = Long_val(Field(options, field_block_timeout_ns));
  config.hello_timeout_ns = Long_val(Field(options, field_hello_timeout_ns));
  config.heartbeat_ns = Long_val(Field(options, field_heartbeat_ns));
  config.silence_ns = Long_val(Field(options, field_silence_ns));
  config.linger_ns = Long_val(Field(options, field_linger_ns));
  config.socket_mode = (uint32_t)Long_val(Field(options, field_socket_mode));
  config.max_links_per_peer = (uint32_t)Long_val(Field(options, field_max_links_per_peer));
  config.max_accepts = (uint32_t)Long_val(Field(options, field_max_accepts));
  config.max_nodes = (uint32_t)Long_val(Field(options, field_max_nodes));
  config.max_state = (uint32_t)Long_val(Field(options, field_max_state));
  config.max_types = (uint32_t)Long_val(Field(options, field_max_types));
  config.max_requests = (uint32_t)Long_val(Field(options, field_max_requests));
  config.max_message_rate = (uint64_t)Long_val(Field(options, field_max_message_rate));
  config.max_byte_rate = (uint64_t)Long_val(Field(options, field_max_byte_rate));
  config.max_control_rate = (uint64_t)Long_val(Field(options, field_max_control_rate));
  const char** texts[] = {&config.name,    &config.token,  &config.token_file,       &config.tls_cert,
                          &config.tls_key, &config.tls_ca, &config.permissions_file, &config.at_least_once};
  enum { count = sizeof texts / sizeof *texts };
  const int fields[count] = {field_name,    field_token,  field_token_file,       field_tls_cert,
                             field_tls_key, field_tls_ca, field_permissions_file, field_at_least_once};
  char* copies[count];
  for (int i = 0; i < count; ++i)
    *texts[i] = copies[i] = copy_of_option(Field(options, fields[i]));
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_bridge_open(handle, &config);
  caml_leave_blocking_section();
  for (int i = 0; i < count; ++i)
    free(copies[i]);
  mycelium_ocaml_check(status);
  CAMLreturn(Val_unit);
}

/* An address as it came to be is as long as a path may be, at most. */
enum { longest_address = 4096 };

value mycelium_ocaml_bridge_listen(value v, value address) {
  CAMLparam2(v, address);
  MyceliumRuntime* handle = Handle_val(v);
  char bound[longest_address];
  char* at = caml_stat_strdup(String_val(address));
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_bridge_listen(handle, at, bound, sizeof bound, NULL);
  caml_leave_blocking_section();
  caml_stat_free(at);
  mycelium_ocaml_check(status);
  CAMLreturn(caml_copy_string(bound));
}

value mycelium_ocaml_bridge_dial(value v, value address) {
  CAMLparam2(v, address);
  MyceliumRuntime* handle = Handle_val(v);
  char* to = caml_stat_strdup(String_val(address));
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_bridge_dial(handle, to);
  caml_leave_blocking_section();
  caml_stat_free(to);
  mycelium_ocaml_check(status);
  CAMLreturn(Val_unit);
}

value mycelium_ocaml_bridge_reload(value v) {
  CAMLparam1(v);
  MyceliumRuntime* handle = Handle_val(v);
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_bridge_reload(handle);
  caml_leave_blocking_section();
  mycelium_ocaml_check(status);
  CAMLreturn(Val_unit);
}

/* Waits for so many nanoseconds, and gives the status. */
value mycelium_ocaml_bridge_wait_for_links(value v, value count, value timeout_ns) {
  CAMLparam1(v);
  MyceliumRuntime* handle = Handle_val(v);
  const size_t wanted = (size_t)Long_val(count);
  const int64_t timeout = Long_val(timeout_ns);
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_bridge_wait_for_links(handle, wanted, timeout);
  caml_leave_blocking_section();
  CAMLreturn(Val_int(status));
}

/* In the order of Bridge.stats; the node's id does not fit an int. */
value mycelium_ocaml_bridge_stats(value v) {
  CAMLparam1(v);
  CAMLlocal2(out, node);
  MyceliumRuntime* handle = Handle_val(v);
  MyceliumBridgeStats s;
  memset(&s, 0, sizeof s);
  s.struct_size = sizeof s;
  caml_enter_blocking_section_no_pending();
  const int32_t status = mycelium_bridge_stats(handle, &s);
  caml_leave_blocking_section();
  mycelium_ocaml_check(status);
  const uint64_t counters[] = {s.neighbours, s.reachable, s.links_made, s.links_cut,    s.refused,
                               s.received,   s.sent,      s.sent_again, s.acknowledged, s.dropped,
                               s.lost,       s.missing,   s.repeated,   s.invalid,      s.not_allowed};
  const size_t count = sizeof counters / sizeof *counters;
  node = caml_copy_int64((int64_t)s.node);
  out = caml_alloc(1 + count, 0);
  Store_field(out, 0, node);
  for (size_t i = 0; i < count; ++i)
    Store_field(out, 1 + i, Val_long((intnat)counters[i]));
  CAMLreturn(out);
}

value mycelium_ocaml_bridge_json(value v) { return mycelium_ocaml_text_of(Handle_val(v), mycelium_bridge_json); }
