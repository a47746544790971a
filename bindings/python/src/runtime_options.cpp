// Arguments of Runtime(): a digest, a topology, or the fields of MyceliumRuntimeConfig by name.
#include "runtime.hpp"

#include <cmath>
#include <cstring>

namespace mycelium::python {
namespace {

struct named_number {
  const char* name;
  std::int32_t number;
};

constexpr named_number policies[] = {{"default", MYCELIUM_POLICY_DEFAULT},
                                     {"block", MYCELIUM_POLICY_BLOCK},
                                     {"drop_oldest", MYCELIUM_POLICY_DROP_OLDEST},
                                     {"drop_newest", MYCELIUM_POLICY_DROP_NEWEST},
                                     {"fail", MYCELIUM_POLICY_FAIL}};
constexpr named_number levels[] = {{"default", MYCELIUM_VERIFY_DEFAULT},
                                   {"none", MYCELIUM_VERIFY_NONE},
                                   {"size", MYCELIUM_VERIFY_SIZE},
                                   {"full", MYCELIUM_VERIFY_FULL}};

template <std::size_t N>
bool read_name(PyObject* name, const named_number (&known)[N], const char* what, std::int32_t& out) {
  if (!name || name == Py_None)
    return true;
  for (const named_number& each : known) {
    if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, each.name) == 0) {
      out = each.number;
      return true;
    }
  }
  PyErr_Format(PyExc_ValueError, "unknown %s %R", what, name);
  return false;
}

struct arguments {
  PyObject* digest = nullptr;
  PyObject* topology = nullptr;
  PyObject* service = nullptr;
  PyObject* policy = nullptr;
  PyObject* verify = nullptr;
  PyObject* block_timeout = nullptr;
  PyObject* close_timeout = nullptr;
  int strict = 0;
};

bool read(PyObject* args, PyObject* keywords, arguments& out, MyceliumRuntimeConfig& config) {
  static const char* names[] = {"schema_digest",    "topology_path", "service_name", "name",          "threads",
                                "mailbox_capacity", "policy",        "verify",       "block_timeout", "close_timeout",
                                "max_payload",      "strict",        nullptr};
  Py_ssize_t max_payload = 0;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "|OOO$zIIOOOOnp:Runtime", const_cast<char**>(names), &out.digest,
                                   &out.topology, &out.service, &config.name, &config.threads, &config.mailbox_capacity,
                                   &out.policy, &out.verify, &out.block_timeout, &out.close_timeout, &max_payload,
                                   &out.strict))
    return false;
  if (max_payload < 0) {
    PyErr_SetString(PyExc_ValueError, "max_payload is a number of bytes, 0 or more");
    return false;
  }
  config.max_payload = static_cast<std::size_t>(max_payload);
  config.strict = static_cast<std::uint32_t>(out.strict);
  return read_policy(out.policy, config.policy) && read_name(out.verify, levels, "level to verify", config.verify) &&
         read_seconds(out.block_timeout, "block_timeout", config.block_timeout_ns) &&
         read_seconds(out.close_timeout, "close_timeout", config.close_timeout_ns);
}

bool given(PyObject* value) { return value && value != Py_None; }

MyceliumRuntime* created(MyceliumRuntime* handle) {
  if (!handle)
    raise(mycelium_last_status());
  return handle;
}

MyceliumRuntime* create_from_topology(const arguments& from, PyObject* keywords) {
  PyObject* path = nullptr;
  for (Py_ssize_t at = 0; keywords;) {
    PyObject *key = nullptr, *value = nullptr;
    if (!PyDict_Next(keywords, &at, &key, &value))
      break;
    bool known = false;
    for (const char* name : {"schema_digest", "topology_path", "service_name"})
      known = known || PyUnicode_CompareWithASCIIString(key, name) == 0;
    if (!known) {
      PyErr_Format(PyExc_TypeError, "%R cannot be given with a topology: the topology file sets it", key);
      return nullptr;
    }
  }
  if (!given(from.topology) || !given(from.service)) {
    PyErr_SetString(PyExc_TypeError, "topology_path and service_name belong together");
    return nullptr;
  }
  if (!PyUnicode_FSConverter(from.topology, &path))
    return nullptr;
  ref encoded(path);
  const char* service = PyUnicode_AsUTF8AndSize(from.service, nullptr);
  const char* file = PyBytes_AsString(path);
  if (!service || !file)
    return nullptr;
  return created(without_gil([&] { return mycelium_runtime_create_from_topology(file, service); }));
}

} // namespace

bool read_policy(PyObject* name, std::int32_t& policy) { return read_name(name, policies, "policy", policy); }

bool read_seconds(PyObject* value, const char* name, std::int64_t& nanoseconds) {
  if (!given(value))
    return true;
  const double seconds = PyFloat_AsDouble(value);
  if (seconds == -1.0 && PyErr_Occurred())
    return false;
  if (!(seconds > 0)) {
    PyErr_Format(PyExc_ValueError, "%s is a number of seconds above 0", name);
    return false;
  }
  nanoseconds =
      seconds < 9.0e9 ? std::max<std::int64_t>(static_cast<std::int64_t>(seconds * 1e9), 1) : MYCELIUM_FOREVER;
  return true;
}

bool check_digest(MyceliumRuntime* handle, PyObject* digest) {
  buffer bytes;
  if (!bytes.acquire(digest, PyBUF_SIMPLE))
    return false;
  const std::int32_t status = mycelium_verify_schema_digest(handle, bytes.data(), bytes.size());
  if (status < 0)
    raise(status == MYCELIUM_ERROR_INVALID_ARGUMENT ? std::int32_t{MYCELIUM_ERROR_DIGEST} : status);
  return status >= 0;
}

MyceliumRuntime* create_runtime(PyObject* args, PyObject* keywords, log_lines* log, PyObject** digest) {
  arguments from;
  MyceliumRuntimeConfig config;
  mycelium_runtime_config_init(&config);
  config.log = log_lines::on_log;
  config.log_user_data = log;
  if (!read(args, keywords, from, config))
    return nullptr;
  *digest = given(from.digest) ? from.digest : nullptr;
  if (given(from.topology) || given(from.service))
    return create_from_topology(from, keywords);
  return created(without_gil([&] { return mycelium_runtime_create_with_config(&config); }));
}

} // namespace mycelium::python
