#include "tools/cli/bus.hpp"

namespace mycelium::cli {
namespace {

failure last_failure(std::int32_t status, std::string_view what) {
  const std::string_view detail = mycelium_last_error();
  std::string text(what);
  text += ": ";
  text += detail.empty() ? std::string_view(mycelium_status_name(status)) : detail;
  return {static_cast<mycelium::status>(status), text};
}

} // namespace

result<runtime_ptr> open_runtime(const char* name, MyceliumLogCallback log, void* log_user_data) {
  MyceliumRuntimeConfig config;
  mycelium_runtime_config_init(&config);
  config.name = name;
  config.log = log;
  config.log_user_data = log_user_data;
  runtime_ptr runtime(mycelium_runtime_create_with_config(&config));
  if (!runtime)
    return last_failure(mycelium_last_status(), "the runtime does not start");
  return runtime;
}

result<void> check(std::int32_t status, std::string_view what) {
  if (status >= MYCELIUM_SUCCESS)
    return {};
  return last_failure(status, what);
}

} // namespace mycelium::cli
