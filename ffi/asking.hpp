// The options of a request, checked.
#pragma once

#include "ffi/handles.hpp"

namespace mycelium::ffi {

struct asking {
  runtime::reply_target target;
  std::int64_t timeout_ns = 0;
};

inline result<asking> asking_of(const runtime::bus& bus, const MyceliumRequestOptions& given) {
  constexpr std::int64_t default_timeout_ns = 5'000'000'000;
  if ((given.on_reply != nullptr) == (given.queue_id != 0))
    return failure{status::invalid_argument, "set exactly one of on_reply and queue_id"};
  if (given.timeout_ns < 0)
    return failure{status::invalid_argument, "timeout_ns is negative"};
  asking made{.target = {.handler = given.on_reply, .queue = {}, .user_data = given.user_data},
              .timeout_ns = given.timeout_ns != 0 ? given.timeout_ns : default_timeout_ns};
  if (given.queue_id != 0) {
    made.target.queue = bus.find_queue(given.queue_id);
    if (!made.target.queue)
      return failure{status::subscription, "there is no queue " + std::to_string(given.queue_id)};
  }
  return made;
}

} // namespace mycelium::ffi
