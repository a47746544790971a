// What every function of the C interface does at its border: report errors per thread, keep exceptions in, check
// structs.
#pragma once

#include "ffi/include/mycelium.h"
#include "schema/status.hpp"

#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string>

namespace mycelium::ffi {

// Records a failure of this thread and returns its status. Never throws: if memory is short, the text is lost.
std::int32_t fail(status code, std::string_view text) noexcept;
inline std::int32_t fail(const failure& why) noexcept { return fail(why.code, why.text); }
std::int32_t fail_null(const char* argument) noexcept;

// Runs body; an exception becomes a status.
template <class Body>
std::int32_t fenced(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(status::internal, "out of memory");
  } catch (const std::exception& e) {
    return fail(status::internal, e.what());
  } catch (...) {
    return fail(status::internal, "an exception that is no std::exception");
  }
}

inline std::int32_t answer(const result<void>& r) noexcept { return r ? MYCELIUM_SUCCESS : fail(r.error()); }

// A struct of the caller, which may be older or newer than ours: what it does not have is zero, what we do not know is
// ignored. Every version begins with struct_size. False if that was not set.
template <class Struct>
bool read_struct(Struct& ours, const Struct* theirs) noexcept {
  std::memset(&ours, 0, sizeof ours);
  const auto size = theirs->struct_size;
  if (size < sizeof(std::size_t) * 2)
    return false;
  std::memcpy(&ours, theirs, size < sizeof ours ? size : sizeof ours);
  return true;
}

template <class Struct>
std::int32_t write_struct(Struct* theirs, Struct& ours) noexcept {
  const auto size = theirs->struct_size;
  if (size < sizeof(std::size_t) * 2)
    return fail(status::invalid_argument, "struct_size is not set; set it to sizeof the struct");
  std::memcpy(theirs, &ours, size < sizeof ours ? size : sizeof ours);
  theirs->struct_size = size;
  return MYCELIUM_SUCCESS;
}

// Zero in a field of a caller's struct is its default.
template <class Value>
Value or_default(Value given, Value otherwise) noexcept {
  return given != Value{} ? given : otherwise;
}

inline std::int32_t fail_struct_size() noexcept {
  return fail(status::invalid_argument,
              "struct_size is not set; set it to sizeof the struct, or call its _init function");
}

// Copies text into a caller's buffer: the rules of mycelium_info_json.
std::int32_t copy_text(const std::string& text, char* buffer, std::size_t cap, std::size_t* out_len) noexcept;

} // namespace mycelium::ffi
