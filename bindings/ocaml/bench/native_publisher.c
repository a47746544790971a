/* Publishes on a thread that OCaml does not know, so that a measurement is of the receiving side. */
#include <caml/mlvalues.h>
#include <mycelium.h>
#include <pthread.h>
#include <stdlib.h>

struct work {
  MyceliumRuntime* rt;
  uint16_t type_id;
  long count;
};

static void* publish(void* argument) {
  struct work* work = argument;
  uint8_t payload[64] = {0};
  for (long i = 0; i < work->count; ++i)
    if (mycelium_publish(work->rt, work->type_id, payload, sizeof payload) < 0)
      abort();
  free(work);
  return NULL;
}

value bench_publish(value handle, value type_id, value count) {
  struct work* work = calloc(1, sizeof *work);
  pthread_t thread;
  work->rt = (MyceliumRuntime*)Nativeint_val(handle);
  work->type_id = (uint16_t)Int_val(type_id);
  work->count = Long_val(count);
  if (pthread_create(&thread, NULL, publish, work) != 0)
    abort();
  pthread_detach(thread);
  return Val_unit;
}
