#include "tools/cli/observer.hpp"

#include "schema/report_type.hpp"

#include <array>

namespace mycelium::cli {

result<observer> observer::open(const live_bus& bus) {
  auto in = inflow::open(bus.runtime(), std::array{schema::report_type_id}, {});
  if (!in)
    return in.error();
  return observer(bus, std::move(*in));
}

result<void> observer::gather(std::int64_t timeout_ns) {
  for (std::size_t count = 64; count == 64; timeout_ns = 0) {
    const auto received = in_.receive(bus_.stop(), timeout_ns, 64, [this](auto messages) {
      for (const auto* each : messages)
        if (const auto report = bus_.types().to_json(schema::report_type_id, payload_of(each)))
          mesh_.hear(*report, envelope_of(each).timestamp_ns);
      return result<void>();
    });
    if (!received)
      return received.error();
    count = *received;
  }
  const auto page = bus_.neighbourhood();
  if (!page)
    return page.error();
  mesh_.know(*page);
  return {};
}

} // namespace mycelium::cli
