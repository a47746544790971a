/* A Bigarray knows how to share its memory with those that are cut from it: they have one proxy, which counts them. Our
 * proxies also say whose the memory is, and our finaliser gives it back with the last of them. */
#include "stubs.h"

struct owner {
  struct caml_ba_proxy proxy; /* first: the Bigarrays hold it by this */
  MyceliumMessage* message;   /* one of these, or neither */
  MyceliumLoan* loan;
};

static struct custom_operations view_ops;

static struct owner* owner_of(value view) { return (struct owner*)Caml_ba_array_val(view)->proxy; }

static void owner_drop(struct owner* owner) {
  if (--owner->proxy.refcount > 0)
    return;
  mycelium_message_release(owner->message);
  mycelium_loan_discard(owner->loan);
  free(owner);
}

static void view_finalize(value view) { owner_drop(owner_of(view)); }

/* As every Bigarray, but for its end. */
value mycelium_ocaml_view_init(value any) {
  view_ops = *Custom_ops_val(any);
  view_ops.finalize = view_finalize;
  return Val_unit;
}

static struct owner* owner_create(MyceliumMessage* message, MyceliumLoan* loan) {
  struct owner* owner = calloc(1, sizeof *owner);
  if (owner == NULL) {
    mycelium_message_release(message);
    mycelium_loan_discard(loan);
    caml_raise_out_of_memory();
  }
  owner->proxy.refcount = 1;
  owner->message = message;
  owner->loan = loan;
  return owner;
}

static value view_create(struct owner* owner, void* data, intnat kind, intnat count, size_t mem) {
  value view = caml_alloc_custom_mem(&view_ops, SIZEOF_BA_ARRAY + sizeof(intnat), mem);
  struct caml_ba_array* array = Caml_ba_array_val(view);
  array->data = data;
  array->num_dims = 1;
  array->flags = kind | CAML_BA_C_LAYOUT | CAML_BA_MAPPED_FILE; /* not EXTERNAL: those cut from it share the proxy */
  array->proxy = &owner->proxy;
  array->dim[0] = count;
  return view;
}

value view_of_message(MyceliumMessage* owned, const void* data, intnat kind, intnat count, size_t mem) {
  return view_create(owner_create(owned, NULL), (void*)data, kind, count, mem);
}

value view_of_loan(MyceliumLoan* owned, void* data, intnat kind, intnat count, size_t mem) {
  return view_create(owner_create(NULL, owned), data, kind, count, mem);
}

value view_window(void) { return view_create(owner_create(NULL, NULL), NULL, CAML_BA_CHAR, 0, 0); }

void view_focus(value window, const MyceliumMessage* message) {
  struct caml_ba_array* array = Caml_ba_array_val(window);
  size_t length = 0;
  array->data = (void*)mycelium_message_payload(message, &length);
  array->dim[0] = (intnat)length;
}

int view_blur(value window, MyceliumMessage* message) {
  struct caml_ba_array* array = Caml_ba_array_val(window);
  struct owner* owner = owner_of(window);
  array->data = NULL;
  array->dim[0] = 0;
  if (owner->proxy.refcount == 1)
    return 0;
  array->proxy = &owner_create(NULL, NULL)->proxy;
  owner->message = message;
  owner_drop(owner); /* the window's share */
  return 1;
}

MyceliumLoan* view_loan(value view, int* shared) {
  struct owner* owner = owner_of(view);
  *shared = owner->proxy.refcount > 1;
  return owner->loan;
}

void view_set_loan(value view, MyceliumLoan* loan, void* data, intnat count) {
  struct caml_ba_array* array = Caml_ba_array_val(view);
  owner_of(view)->loan = loan;
  array->data = data;
  array->dim[0] = count;
}

void view_check(intnat kind, intnat first, intnat count, size_t length) {
  static const unsigned char sizes[] = {4, 8, 1, 1, 2, 2, 4, 8, 8, 8, 8, 16, 1};
  if (kind < 0 || kind >= (intnat)sizeof sizes)
    caml_invalid_argument("Mycelium_native: no such kind of Bigarray");
  const intnat size = sizes[kind];
  if (first < 0 || count < 0 || (uintnat)first > length || (uintnat)count > (length - (uintnat)first) / (uintnat)size)
    caml_invalid_argument("Mycelium_native: the view is not inside the message");
  if (first % size != 0)
    caml_invalid_argument("Mycelium_native: the view's elements would be misaligned");
}
