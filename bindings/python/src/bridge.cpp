// Runtime: its bridge to other processes and machines.
#include "runtime.hpp"

#include <initializer_list>
#include <string>

namespace mycelium::python {
namespace {

PyTypeObject* bridge_stats_type = nullptr;

PyObject* finished(std::int32_t status) {
  if (status == interrupted)
    return nullptr;
  return status < 0 ? raise(status) : ref::share(Py_None).release();
}

PyObject* text_of(const std::string& text) {
  return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

// A path that a keyword gave, as the system spells it.
struct path {
  PyObject* given = nullptr;
  ref spelled{};

  bool read(const char*& to) {
    PyObject* bytes = nullptr;
    if (!given || given == Py_None)
      return true;
    if (!PyUnicode_FSConverter(given, &bytes))
      return false;
    spelled = ref(bytes);
    to = PyBytes_AsString(bytes);
    return to != nullptr;
  }
};

// A new field of MyceliumBridgeConfig is a name here, and a letter and an address below.
// clang-format off
const char* option_names[] = {
    "name", "token", "max_links", "max_frame", "window", "capacity", "policy", "block_timeout", "hello_timeout",
    "heartbeat", "silence", "linger", "token_file", "tls_cert", "tls_key", "tls_ca", "permissions_file", "socket_mode",
    "max_links_per_peer", "max_accepts", "max_nodes", "max_state", "max_types", "max_requests", "max_message_rate",
    "max_byte_rate", "max_control_rate", "at_least_once", nullptr};
// clang-format on

PyObject* bridge_open(runtime* self, PyObject* args, PyObject* keywords) {
  MyceliumBridgeConfig c;
  mycelium_bridge_config_init(&c);
  PyObject *policy = nullptr, *block = nullptr, *hello = nullptr;
  PyObject *heartbeat = nullptr, *silence = nullptr, *linger = nullptr;
  path token, cert, key, ca, permissions;
  unsigned long long messages = 0, bytes = 0, control = 0;
  if (!open_runtime(object_of(self)) ||
      !PyArg_ParseTupleAndKeywords(args, keywords, "|$zzIIIIOOOOOOOOOOOIIIIIIIKKKz:bridge_open",
                                   const_cast<char**>(option_names), &c.name, &c.token, &c.max_links, &c.max_frame,
                                   &c.window, &c.capacity, &policy, &block, &hello, &heartbeat, &silence, &linger,
                                   &token.given, &cert.given, &key.given, &ca.given, &permissions.given, &c.socket_mode,
                                   &c.max_links_per_peer, &c.max_accepts, &c.max_nodes, &c.max_state, &c.max_types,
                                   &c.max_requests, &messages, &bytes, &control, &c.at_least_once) ||
      !read_policy(policy, c.policy) || !read_seconds(block, "block_timeout", c.block_timeout_ns) ||
      !read_seconds(hello, "hello_timeout", c.hello_timeout_ns) ||
      !read_seconds(heartbeat, "heartbeat", c.heartbeat_ns) || !read_seconds(silence, "silence", c.silence_ns) ||
      !read_seconds(linger, "linger", c.linger_ns) || !token.read(c.token_file) || !cert.read(c.tls_cert) ||
      !key.read(c.tls_key) || !ca.read(c.tls_ca) || !permissions.read(c.permissions_file))
    return nullptr;
  c.max_message_rate = messages;
  c.max_byte_rate = bytes;
  c.max_control_rate = control;
  return finished(without_gil([&] { return mycelium_bridge_open(self->handle, &c); }));
}

PyObject* bridge_reload(runtime* self, PyObject*) {
  if (!open_runtime(object_of(self)))
    return nullptr;
  return finished(without_gil([&] { return mycelium_bridge_reload(self->handle); }));
}

PyObject* bridge_listen(runtime* self, PyObject* address) {
  const char* at = open_runtime(object_of(self)) ? PyUnicode_AsUTF8AndSize(address, nullptr) : nullptr;
  if (!at)
    return nullptr;
  // It is not asked twice: the second time something would listen there.
  std::string bound(4096, '\0');
  std::size_t length = 0;
  const std::int32_t status =
      without_gil([&] { return mycelium_bridge_listen(self->handle, at, bound.data(), bound.size(), &length); });
  if (status < 0)
    return raise(status);
  bound.resize(std::min(length, bound.size() - 1));
  return text_of(bound);
}

PyObject* bridge_dial(runtime* self, PyObject* address) {
  const char* to = open_runtime(object_of(self)) ? PyUnicode_AsUTF8AndSize(address, nullptr) : nullptr;
  return to ? finished(without_gil([&] { return mycelium_bridge_dial(self->handle, to); })) : nullptr;
}

PyObject* bridge_wait_for_links(runtime* self, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"count", "timeout", nullptr};
  PyObject* seconds = nullptr;
  Py_ssize_t count = 1;
  std::int64_t timeout_ns = 0;
  if (!open_runtime(object_of(self)) ||
      !PyArg_ParseTupleAndKeywords(args, keywords, "|nO:bridge_wait_for_links", const_cast<char**>(names), &count,
                                   &seconds) ||
      !read_timeout(seconds, timeout_ns))
    return nullptr;
  const auto wanted = static_cast<std::size_t>(std::max<Py_ssize_t>(count, 0));
  return finished(wait_in_slices(
      timeout_ns, [&](std::int64_t slice) { return mycelium_bridge_wait_for_links(self->handle, wanted, slice); }));
}

PyObject* bridge_stats(runtime* self, PyObject*) {
  if (!open_runtime(object_of(self)))
    return nullptr;
  MyceliumBridgeStats s{};
  s.struct_size = sizeof s;
  if (const std::int32_t status = without_gil([&] { return mycelium_bridge_stats(self->handle, &s); }); status < 0)
    return raise(status);
  ref all(PyStructSequence_New(bridge_stats_type));
  Py_ssize_t at = 0;
  for (const std::uint64_t each :
       {s.node, s.neighbours, s.reachable, s.links_made, s.links_cut, s.refused, s.received, s.sent, s.sent_again,
        s.acknowledged, s.dropped, s.lost, s.missing, s.repeated, s.invalid, s.not_allowed}) {
    PyObject* value = all ? PyLong_FromUnsignedLongLong(each) : nullptr;
    if (!value)
      return nullptr;
    PyStructSequence_SetItem(all.get(), at++, value);
  }
  return all.release();
}

PyObject* bridge_json(runtime* self, PyObject*) {
  if (!open_runtime(object_of(self)))
    return nullptr;
  std::string text(1024, '\0');
  for (;;) {
    std::size_t length = 0;
    const std::int32_t status =
        without_gil([&] { return mycelium_bridge_json(self->handle, text.data(), text.size(), &length); });
    if (status < 0)
      return raise(status);
    const bool whole = length < text.size();
    text.resize(whole ? length : length + 1024); // it may grow meanwhile
    if (whole)
      return text_of(text);
  }
}

PyStructSequence_Field fields[] = {{"node", "this node's id, drawn at random when the bridge was opened"},
                                   {"neighbours", "linked now"},
                                   {"reachable", "nodes, over neighbours too; this one not counted"},
                                   {"links_made", nullptr},
                                   {"links_cut", nullptr},
                                   {"refused", "connections that did not become links"},
                                   {"received", "messages, of the links of now"},
                                   {"sent", "messages, each once"},
                                   {"sent_again", "after a link was cut"},
                                   {"acknowledged", "of sent"},
                                   {"dropped", "for want of room, by the policy"},
                                   {"lost", "on their way to a neighbour that did not come back"},
                                   {"missing", "that a neighbour had numbered and never sent"},
                                   {"repeated", "that came by two ways; delivered once"},
                                   {"invalid", "refused by verification or limits"},
                                   {"not_allowed", "of types that their senders may not publish here; dropped"},
                                   {nullptr, nullptr}};

PyStructSequence_Desc description = {"mycelium_native.BridgeStats", "Counters of a bridge.", fields, 16};

} // namespace

PyMethodDef bridge_methods[] = {
    {"bridge_open", method(bridge_open), METH_VARARGS | METH_KEYWORDS,
     "bridge_open(*, name=None, token=None, max_links=0, max_frame=0, window=0, capacity=0, policy=None, "
     "block_timeout=None, hello_timeout=None, heartbeat=None, silence=None, linger=None, token_file=None, "
     "tls_cert=None, tls_key=None, tls_ca=None, permissions_file=None, socket_mode=0, max_links_per_peer=0, "
     "max_accepts=0, max_nodes=0, max_state=0, max_types=0, max_requests=0, max_message_rate=0, max_byte_rate=0, "
     "max_control_rate=0, at_least_once=None)\n\nGives the runtime a bridge with these options, without an address "
     "yet; times are seconds, files are paths, types that are delivered at least once are a text as \"20001, "
     "20010-20019, sensors\", what is left out has its default: see MyceliumBridgeConfig of mycelium_bridge.h. Once "
     "for a runtime."},
    {"bridge_listen", method(bridge_listen), METH_O,
     "bridge_listen(address) -> str\n\nListens at \"unix:PATH\", \"tcp:HOST:PORT\", \"tcp:[IPV6]:PORT\" or "
     "\"tls:HOST:PORT\" and returns the address as it came to be: port 0 lets the system choose. Opens a bridge with "
     "the defaults if there is none."},
    {"bridge_dial", method(bridge_dial), METH_O,
     "bridge_dial(address)\n\nLinks with whoever listens at the address, now or later, and again after the link is "
     "cut. Returns before there is a link. Opens a bridge with the defaults if there is none."},
    {"bridge_wait_for_links", method(bridge_wait_for_links), METH_VARARGS | METH_KEYWORDS,
     "bridge_wait_for_links(count=1, timeout=None): waits until that many neighbours are linked; TimedOutError. To "
     "know "
     "that a subscriber elsewhere can be reached, use wait_for_subscribers()."},
    {"bridge_reload", method(bridge_reload), METH_NOARGS,
     "bridge_reload()\n\nReads the files of the options again; a link that would not come up with them is ended. If "
     "anything is wrong with a file, all stays as it was, and it is an error."},
    {"bridge_stats", method(bridge_stats), METH_NOARGS, "bridge_stats() -> BridgeStats"},
    {"bridge_json", method(bridge_json), METH_NOARGS,
     "bridge_json() -> str: the counters, and each neighbour's, as a JSON object."},
    {nullptr, nullptr, 0, nullptr}};

bool add_bridge_statistics(PyObject* module) {
  bridge_stats_type = PyStructSequence_NewType(&description);
  return bridge_stats_type && PyModule_AddType(module, bridge_stats_type) == 0;
}

} // namespace mycelium::python
