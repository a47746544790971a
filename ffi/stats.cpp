// Counters.
#include "ffi/handles.hpp"

#include <algorithm>

using namespace mycelium;
using namespace mycelium::ffi;

static_assert(runtime::drop_reasons == MYCELIUM_DROP_REASONS);

extern "C" {

int32_t mycelium_runtime_stats(MyceliumRuntime* rt, MyceliumRuntimeStats* out) {
  return fenced([&] {
    if (out == nullptr)
      return fail_null("out");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    const auto s = bus->stats();
    MyceliumRuntimeStats ours{};
    ours.published = s.published.published;
    ours.published_bytes = s.published.published_bytes;
    ours.refused = s.published.refused;
    ours.offered = s.lanes.offered;
    ours.delivered = s.lanes.delivered;
    ours.waiting = s.lanes.waiting;
    ours.callback_errors = s.lanes.callback_errors;
    ours.restarts = s.restarts;
    ours.subscriptions = s.subscriptions;
    ours.queues = s.queues;
    ours.requests_pending = s.requests_pending;
    ours.threads = s.threads;
    std::copy(s.lanes.dropped.begin(), s.lanes.dropped.end(), ours.dropped);
    return write_struct(out, ours);
  });
}

int32_t mycelium_subscription_stats(MyceliumRuntime* rt, uint64_t subscription_id, MyceliumSubscriptionStats* out) {
  return fenced([&] {
    if (out == nullptr)
      return fail_null("out");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    MyceliumSubscriptionStats ours{};
    const auto s = bus->subscription_stats(subscription_id, ours.capacity);
    if (!s)
      return fail(status::subscription, "there is no subscription " + std::to_string(subscription_id));
    ours.offered = s->offered;
    ours.delivered = s->delivered;
    ours.waiting = s->waiting;
    ours.high_water = s->high_water;
    ours.callback_errors = s->callback_errors;
    std::copy(s->dropped.begin(), s->dropped.end(), ours.dropped);
    return write_struct(out, ours);
  });
}

int32_t mycelium_metrics_text(MyceliumRuntime* rt, char* buffer, size_t cap, size_t* out_len) {
  return fenced([&] {
    const pinned_bus bus(rt);
    return bus ? copy_text(bus->metrics_text(), buffer, cap, out_len) : bus.error();
  });
}

} // extern "C"
