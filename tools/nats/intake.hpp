// One type from NATS to the bus, while somebody there wants it.
#pragma once

#include "tools/nats/requests.hpp"

namespace mycelium::nats {

class intake {
public:
  virtual ~intake() = default;
  virtual void ask_to_stop() noexcept = 0; // soon; joined by the destructor
};

// As it is published: what comes while nobody is subscribed is missed.
result<std::unique_ptr<intake>> take_in(const context& shared, const chosen_type& type, server& requests);
// Out of the stream, from where this bridge has stopped; acknowledged when the bus has it.
std::unique_ptr<intake> take_in_durably(const context& shared, const chosen_type& type);

} // namespace mycelium::nats
