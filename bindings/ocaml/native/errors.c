#include "stubs.h"

void mycelium_ocaml_raise(int32_t status, const char* text) {
  static const value* raise = NULL;
  CAMLparam0();
  CAMLlocal1(message);
  if (raise == NULL)
    raise = caml_named_value("mycelium.raise");
  message = caml_copy_string(text != NULL ? text : mycelium_last_error());
  caml_callback2(*raise, Val_int(status), message);
  abort(); /* the callback raises */
}

void mycelium_ocaml_check(int32_t status) {
  if (status < 0)
    mycelium_ocaml_raise(status, NULL);
}

void* mycelium_ocaml_allocate(size_t size) {
  void* memory = calloc(1, size);
  if (memory == NULL)
    caml_raise_out_of_memory();
  return memory;
}

value mycelium_ocaml_status_name(value status) { return caml_copy_string(mycelium_status_name(Int_val(status))); }

value mycelium_ocaml_version(value unit) {
  (void)unit;
  return caml_copy_string(mycelium_version());
}

value mycelium_ocaml_abi_version(value unit) {
  (void)unit;
  return Val_long(mycelium_abi_version());
}
