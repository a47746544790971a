// The bus as the verbs use it: a runtime that destroys itself, and statuses as results with the library's own words.
#pragma once

#include "mycelium.h"
#include "schema/status.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mycelium::cli {

struct runtime_deleter {
  void operator()(MyceliumRuntime* runtime) const noexcept { mycelium_runtime_destroy(runtime); }
};
using runtime_ptr = std::unique_ptr<MyceliumRuntime, runtime_deleter>;

// A runtime with the environment's configuration. name is shown in its metrics; log may be null.
result<runtime_ptr> open_runtime(const char* name, MyceliumLogCallback log = nullptr, void* log_user_data = nullptr);

// A failure with "<what>: <the library's last error>" unless status is a success. To be asked on the thread of the
// call.
result<void> check(std::int32_t status, std::string_view what);

// The whole text of a function that fills a buffer and tells the length: mycelium_info_json, mycelium_metrics_text.
template <class Fill>
result<std::string> read_text(Fill fill, std::string_view what) {
  std::string text;
  std::size_t length = 0;
  do { // the text may have grown since its length was asked for
    text.resize(length + 1);
    if (auto filled = check(fill(text.data(), text.size(), &length), what); !filled)
      return filled.error();
  } while (length >= text.size());
  text.resize(length);
  return text;
}

} // namespace mycelium::cli
