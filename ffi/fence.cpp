#include "ffi/fence.hpp"

#include <algorithm>

namespace mycelium::ffi {
namespace {

static_assert(int(status::deferred) == MYCELIUM_DEFERRED);
static_assert(int(status::null) == MYCELIUM_ERROR_NULL && int(status::digest) == MYCELIUM_ERROR_DIGEST);
static_assert(int(status::runtime) == MYCELIUM_ERROR_RUNTIME);
static_assert(int(status::subscription) == MYCELIUM_ERROR_SUBSCRIPTION);
static_assert(int(status::topology) == MYCELIUM_ERROR_TOPOLOGY);
static_assert(int(status::service_not_found) == MYCELIUM_ERROR_SERVICE_NOT_FOUND);
static_assert(int(status::unknown_type) == MYCELIUM_ERROR_UNKNOWN_TYPE);
static_assert(int(status::too_large) == MYCELIUM_ERROR_TOO_LARGE);
static_assert(int(status::invalid_payload) == MYCELIUM_ERROR_INVALID_PAYLOAD);
static_assert(int(status::full) == MYCELIUM_ERROR_FULL && int(status::timeout) == MYCELIUM_ERROR_TIMEOUT);
static_assert(int(status::closed) == MYCELIUM_ERROR_CLOSED);
static_assert(int(status::invalid_argument) == MYCELIUM_ERROR_INVALID_ARGUMENT);
static_assert(int(status::forked) == MYCELIUM_ERROR_FORKED && int(status::no_reply) == MYCELIUM_ERROR_NO_REPLY);
static_assert(int(status::unsupported) == MYCELIUM_ERROR_UNSUPPORTED);
static_assert(int(status::internal) == MYCELIUM_ERROR_INTERNAL);

// Plain memory, so that it may be read and written at any time of a thread's life.
constinit thread_local char last_text[512] = "";
constinit thread_local std::int32_t last_code = 0;

} // namespace

std::int32_t fail(status code, std::string_view text) noexcept {
  last_code = std::int32_t(code);
  const auto size = std::min(text.size(), sizeof last_text - 1);
  std::memcpy(last_text, text.data(), size);
  last_text[size] = '\0';
  return last_code;
}

std::int32_t fail_null(const char* argument) noexcept {
  char text[96] = "";
  std::strncat(text, argument, 64);
  std::strcat(text, " is NULL");
  return fail(status::null, text);
}

std::int32_t copy_text(const std::string& text, char* buffer, std::size_t cap, std::size_t* out_len) noexcept {
  if (buffer == nullptr && cap != 0)
    return fail_null("buffer");
  if (out_len != nullptr)
    *out_len = text.size();
  if (cap != 0) {
    const auto size = std::min(text.size(), cap - 1);
    std::memcpy(buffer, text.data(), size);
    buffer[size] = '\0';
  }
  return MYCELIUM_SUCCESS;
}

} // namespace mycelium::ffi

extern "C" {

const char* mycelium_last_error(void) { return mycelium::ffi::last_text; }

int32_t mycelium_last_status(void) { return mycelium::ffi::last_code; }

const char* mycelium_status_name(int32_t code) {
  switch (code) {
#define NAME(status)                                                                                                   \
  case status:                                                                                                         \
    return #status
    NAME(MYCELIUM_SUCCESS);
    NAME(MYCELIUM_DEFERRED);
    NAME(MYCELIUM_ERROR_NULL);
    NAME(MYCELIUM_ERROR_DIGEST);
    NAME(MYCELIUM_ERROR_RUNTIME);
    NAME(MYCELIUM_ERROR_SUBSCRIPTION);
    NAME(MYCELIUM_ERROR_TOPOLOGY);
    NAME(MYCELIUM_ERROR_SERVICE_NOT_FOUND);
    NAME(MYCELIUM_ERROR_UNKNOWN_TYPE);
    NAME(MYCELIUM_ERROR_TOO_LARGE);
    NAME(MYCELIUM_ERROR_INVALID_PAYLOAD);
    NAME(MYCELIUM_ERROR_FULL);
    NAME(MYCELIUM_ERROR_TIMEOUT);
    NAME(MYCELIUM_ERROR_CLOSED);
    NAME(MYCELIUM_ERROR_INVALID_ARGUMENT);
    NAME(MYCELIUM_ERROR_FORKED);
    NAME(MYCELIUM_ERROR_NO_REPLY);
    NAME(MYCELIUM_ERROR_UNSUPPORTED);
    NAME(MYCELIUM_ERROR_INTERNAL);
#undef NAME
  default:
    return "MYCELIUM_UNKNOWN_STATUS";
  }
}

} // extern "C"
