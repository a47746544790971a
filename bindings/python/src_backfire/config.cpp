// Configurations and options: tuples of numbers on the Python side, structs on that of C.
#include "native.hpp"

#include <array>
#include <cstring>
#include <string>

namespace mycelium::backfire {
namespace {

// An integer as Python has it; one that the C field cannot hold is clamped, to what the library refuses.
struct whole {
  const char* name;
  long long value;

  std::uint32_t fitting() const {
    return value < 0 || value > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(value);
  }
  bool is_clamped() const { return value < 0 || value > UINT32_MAX; }
};

// The library's text names the clamped number; the exception names the given one.
template <std::size_t Count>
PyObject* raise_with(std::int32_t status, const std::array<whole, Count>& wholes) {
  const std::string text = backfire_last_error();
  for (const whole& each : wholes) {
    const std::string start = std::string("config error: ") + each.name + " ";
    if (status == BACKFIRE_ERROR_INVALID_ARGUMENT && each.is_clamped() && text.starts_with(start))
      return PyErr_Format(PyExc_ValueError, "%s, is %lld", text.substr(0, text.rfind(", is ")).c_str(), each.value);
  }
  return raise(status);
}

bool read(PyObject* values, BackfireConfig& out, std::array<whole, 3>& wholes) {
  backfire_config_init(&out);
  auto& [window, trend, history] = wholes;
  window.name = "window_size";
  trend.name = "trend_window";
  history.name = "history_window";
  if (!PyArg_ParseTuple(values, "dddddddddLLL", &out.coherence_threshold, &out.hard_limit, &out.soft_limit,
                        &out.w_logic, &out.w_fact, &out.window_threshold, &out.trend_threshold, &out.deadline_ms,
                        &out.logit_entropy_limit, &window.value, &trend.value, &history.value))
    return false;
  out.window_size = window.fitting();
  out.trend_window = trend.fitting();
  out.history_window = history.fitting();
  return true;
}

bool read(PyObject* values, BackfireOptions& out, std::array<whole, 3>& wholes) {
  backfire_options_init(&out);
  auto& [tokens, every, evidence] = wholes;
  tokens.name = "soft_tokens";
  every.name = "score_every";
  evidence.name = "evidence_size";
  int soft = 0, sentences = 0, ewma = 0, cusum = 0;
  if (!PyArg_ParseTuple(values, "pLpLLpdddddp", &soft, &tokens.value, &sentences, &every.value, &evidence.value, &ewma,
                        &out.ewma_weight, &out.ewma_limit, &out.cusum_target, &out.cusum_slack, &out.cusum_limit,
                        &cusum))
    return false;
  out.soft_halt = soft != 0;
  out.whole_sentences = sentences != 0;
  out.ewma = ewma != 0;
  out.cusum = cusum != 0;
  out.soft_tokens = tokens.fitting();
  out.score_every = every.fitting();
  out.evidence_size = evidence.fitting();
  return true;
}

} // namespace

bool read_config(PyObject* config, BackfireConfig& out) {
  std::array<whole, 3> wholes{};
  ref values(PyObject_GetAttrString(config, "_values"));
  return values && read(values.get(), out, wholes);
}

bool read_options(PyObject* options, BackfireOptions& out) {
  std::array<whole, 3> wholes{};
  ref values(PyObject_GetAttrString(options, "_values"));
  return values && read(values.get(), out, wholes);
}

PyObject* check_config(PyObject*, PyObject* values) {
  BackfireConfig config;
  std::array<whole, 3> wholes{};
  if (!read(values, config, wholes))
    return nullptr;
  const std::int32_t status = backfire_config_check(&config);
  return status < 0 ? raise_with(status, wholes) : ref::share(Py_None).release();
}

PyObject* config_from_json(PyObject*, PyObject* text) {
  BackfireConfig config;
  backfire_config_init(&config);
  char* json = nullptr;
  Py_ssize_t length = 0;
  if (PyBytes_AsStringAndSize(text, &json, &length) < 0)
    return nullptr;
  if (const std::int32_t status = backfire_config_from_json(json, static_cast<std::size_t>(length), &config);
      status < 0)
    return raise(status);
  return Py_BuildValue("(dddddddddIII)", config.coherence_threshold, config.hard_limit, config.soft_limit,
                       config.w_logic, config.w_fact, config.window_threshold, config.trend_threshold,
                       config.deadline_ms, config.logit_entropy_limit, config.window_size, config.trend_window,
                       config.history_window);
}

PyObject* config_to_json(PyObject*, PyObject* values) {
  BackfireConfig config;
  std::array<whole, 3> wholes{};
  if (!read(values, config, wholes))
    return nullptr;
  return text_of([&](char* buffer, std::size_t cap, std::size_t* length) {
    return backfire_config_to_json(&config, buffer, cap, length);
  });
}

PyObject* check_options(PyObject*, PyObject* values) {
  BackfireOptions options;
  std::array<whole, 3> wholes{};
  if (!read(values, options, wholes))
    return nullptr;
  // The library looks at options where a stream begins.
  BackfireStream* stream = nullptr;
  const std::int32_t status = backfire_stream_begin(nullptr, &options, nullptr, &stream);
  backfire_stream_destroy(stream);
  return status < 0 ? raise_with(status, wholes) : ref::share(Py_None).release();
}

} // namespace mycelium::backfire
