// Any bytes as a configuration of oversight: an error that says so, or a config that is right and reads back as itself.
#include "backfire.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

std::string written(const BackfireConfig& config) {
  char text[1024];
  std::size_t length = 0;
  if (backfire_config_to_json(&config, text, sizeof text, &length) != BACKFIRE_SUCCESS || length >= sizeof text)
    std::abort();
  return {text, length};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of its own, so that a byte too far is seen.
  const std::string input(reinterpret_cast<const char*>(data), size);
  BackfireConfig config;
  backfire_config_init(&config);
  const auto status = backfire_config_from_json(input.data(), input.size(), &config);
  if (status == BACKFIRE_ERROR_INVALID_ARGUMENT) {
    if (std::strncmp(backfire_last_error(), "config error: ", 14) != 0)
      std::abort();
    return 0;
  }
  if (status != BACKFIRE_SUCCESS || backfire_config_check(&config) != BACKFIRE_SUCCESS)
    std::abort();
  const auto text = written(config);
  BackfireConfig again;
  backfire_config_init(&again);
  if (backfire_config_from_json(text.data(), text.size(), &again) != BACKFIRE_SUCCESS || written(again) != text)
    std::abort();
  return 0;
}
