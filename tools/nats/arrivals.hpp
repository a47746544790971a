// Messages that came from NATS on their way to the bus: looked at, and published in batches. One thread.
#pragma once

#include "tools/nats/context.hpp"

namespace mycelium::nats {

// Who has published a message whose headers do not tell.
struct sender {
  std::uint64_t node = 0;
  std::uint64_t sequence = 0;
  std::int64_t timestamp_ns = 0;
};

std::int64_t wall_clock_ns();
// What its headers tell, completed. Counts what is refused or comes back.
std::optional<carried> admit(const context& shared, const chosen_type& type, natsMsg* m, const sender& otherwise);

class arrivals {
public:
  static constexpr std::size_t most = 256;

  explicit arrivals(const context& shared) : shared_(shared) {}
  // Takes the message if it is to be published. `type` outlives the batch.
  void add(message_ptr m, const chosen_type& type, const sender& otherwise);
  // With an envelope that is known already.
  void add(message_ptr m, const chosen_type& type, carried what);
  bool is_full() const noexcept { return held_.size() >= most; }
  // Waits while the bus has no room. False: it is closed, and has not taken all.
  bool publish();

private:
  struct held {
    message_ptr content;
    const chosen_type* type;
    carried what;
  };
  const context& shared_;
  std::vector<held> held_;
};

} // namespace mycelium::nats
