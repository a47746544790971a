#include "actors/oversight/overseer_settings.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mycelium::oversight {
namespace {

constexpr std::uint32_t most_waiting = 1U << 20;
constexpr std::uint32_t most_sessions = 1U << 20;
constexpr std::uint32_t most_text = 1U << 24;

failure wrong(const std::string& field, const std::string& rule, std::uint64_t is) {
  return {status::invalid_argument, "oversight error: " + field + " must be " + rule + ", is " + std::to_string(is)};
}

} // namespace

void score_answer::set_error(std::string_view why) noexcept {
  scored = false;
  const auto size = std::min(why.size(), error_room - 1);
  std::memcpy(error, why.data(), size);
  error[size] = '\0';
}

result<void> overseer_settings::check() const {
  if (mode != watch_mode::gate && mode != watch_mode::observe)
    return wrong("mode", "MYCELIUM_OVERSIGHT_GATE or _OBSERVE", std::uint64_t(mode));
  if (!std::has_single_bit(capacity) || capacity < 2 || capacity > most_waiting)
    return wrong("capacity", "2 to 2^20", capacity);
  if (max_held == 0 || max_held > most_waiting)
    return wrong("max_held", "1 to 2^20", max_held);
  if (max_sessions == 0 || max_sessions > most_sessions)
    return wrong("max_sessions", "1 to 2^20", max_sessions);
  if (text_bytes > most_text)
    return wrong("text_bytes", "at most 2^24", text_bytes);
  if (idle_ns <= 0)
    return failure{status::invalid_argument, "oversight error: idle_ns must be > 0, is " + std::to_string(idle_ns)};
  if (run_inline && mode == watch_mode::observe)
    return failure{status::invalid_argument,
                   "oversight error: an observer gets its tokens from one mailbox for all sessions; use INLINE with "
                   "MYCELIUM_OVERSIGHT_GATE"};
  if (const auto stream = stream::begin(config, options, lock); !stream)
    return stream.error();
  return {};
}

} // namespace mycelium::oversight
