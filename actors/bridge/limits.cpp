#include "actors/bridge/limits.hpp"

#include <algorithm>

namespace mycelium::bridge {
namespace {

constexpr double burst = 0.1;     // seconds of a rate that may come at once
constexpr double node_cost = 100; // it is passed on to every neighbour, and all ways are found anew

} // namespace

void token_bucket::take(double amount, clock::time_point now) {
  if (a_second_ == 0)
    return;
  const auto passed = std::chrono::duration<double>(now - last_).count();
  left_ = std::min(at_once_, left_ + passed * a_second_) - amount;
  last_ = now;
}

token_bucket::clock::duration token_bucket::debt() const {
  if (a_second_ == 0 || left_ >= 0)
    return {};
  return std::chrono::ceil<clock::duration>(std::chrono::duration<double>(-left_ / a_second_));
}

pace::pace(const limits& how)
    : messages_(double(how.messages), std::max(1.0, double(how.messages) * burst)),
      bytes_(double(how.bytes), double(how.bytes) * burst), control_(double(how.control), double(how.control)) {}

void pace::heard_message(std::size_t size, clock::time_point now) {
  messages_.take(1, now);
  bytes_.take(double(size), now);
}

void pace::heard_control(bool tells_of_a_node, clock::time_point now) {
  control_.take(tells_of_a_node ? node_cost : 1, now);
}

pace::clock::duration pace::pause() const { return std::max({messages_.debt(), bytes_.debt(), control_.debt()}); }

} // namespace mycelium::bridge
