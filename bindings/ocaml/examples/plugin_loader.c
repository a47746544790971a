/* Loads a C plug-in and calls its three functions, for host_plugin.ml. */
#include <caml/alloc.h>
#include <caml/fail.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>
#include <caml/signals.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct plugin {
  int32_t (*start)(void* rt);
  int32_t (*ask)(const char* text, uint64_t* words);
  int32_t (*stop)(void);
};

static void* function(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == NULL)
    caml_failwith(dlerror());
  return found;
}

value plugin_load(value path) {
  void* library = dlopen(String_val(path), RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    caml_failwith(dlerror());
  value out = caml_alloc(sizeof(struct plugin) / sizeof(value), Abstract_tag);
  struct plugin* plugin = (struct plugin*)out;
  /* What dlsym gives is copied as it is: C has no conversion from it to a function. */
  void* start = function(library, "plugin_start");
  void* ask = function(library, "plugin_ask");
  void* stop = function(library, "plugin_stop");
  memcpy(&plugin->start, &start, sizeof start);
  memcpy(&plugin->ask, &ask, sizeof ask);
  memcpy(&plugin->stop, &stop, sizeof stop);
  return out;
}

static void check(int32_t status, const char* what) {
  if (status != 0)
    caml_failwith(what);
}

value plugin_start_on(value plugin, value handle) {
  check(((struct plugin*)plugin)->start((void*)Nativeint_val(handle)), "plugin_start failed");
  return Val_unit;
}

/* The answer may come from a handler in OCaml: it needs the runtime lock. */
value plugin_ask_words(value plugin, value text) {
  CAMLparam1(plugin);
  int32_t (*ask)(const char*, uint64_t*) = ((struct plugin*)plugin)->ask;
  char* copy = strdup(String_val(text));
  if (copy == NULL)
    caml_raise_out_of_memory();
  uint64_t words = 0;
  caml_enter_blocking_section();
  const int32_t status = ask(copy, &words);
  free(copy);
  caml_leave_blocking_section();
  check(status, "plugin_ask failed");
  CAMLreturn(caml_copy_int64((int64_t)words));
}

value plugin_stop_all(value plugin) {
  CAMLparam1(plugin);
  int32_t (*stop)(void) = ((struct plugin*)plugin)->stop;
  caml_enter_blocking_section();
  const int32_t status = stop();
  caml_leave_blocking_section();
  check(status, "plugin_stop failed");
  CAMLreturn(Val_unit);
}
