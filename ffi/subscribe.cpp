// The subscribing half of the C interface, and queues.
#include "actors/runtime/queue.hpp"
#include "ffi/handles.hpp"

#include <bit>

namespace mycelium::ffi {
namespace {

using runtime::deadline;
using runtime::subscription_options;

failure invalid(const char* text) { return {status::invalid_argument, text}; }

// Checks what the caller asks for, before the runtime's defaults are filled in.
result<void> check(const MyceliumSubscribeOptions& o) {
  const int receivers =
      (o.on_payload != nullptr) + (o.on_message != nullptr) + (o.on_batch != nullptr) + (o.queue_id != 0);
  if (receivers != 1)
    return invalid("set exactly one of on_payload, on_message, on_batch and queue_id");
  constexpr std::uint32_t ways_to_run = MYCELIUM_SUBSCRIBE_DEDICATED | MYCELIUM_SUBSCRIBE_INLINE;
  if ((o.flags & ~(ways_to_run | MYCELIUM_SUBSCRIBE_GATEWAY)) != 0)
    return invalid("flags holds a bit that is no MyceliumSubscribeFlags");
  if ((o.flags & ways_to_run) == ways_to_run)
    return invalid("a callback runs either on a thread of its own or in the publisher's: not DEDICATED and INLINE");
  if (o.queue_id != 0 && (o.flags & ways_to_run) != 0)
    return invalid("a queue subscription has no callback that DEDICATED or INLINE could mean");
  if (o.policy < MYCELIUM_POLICY_DEFAULT || o.policy > MYCELIUM_POLICY_FAIL)
    return invalid("policy is no MyceliumPolicy");
  if (o.capacity == 1 || o.capacity > runtime::max_capacity)
    return invalid("capacity is 0 (the runtime's) or 2 to 2^24");
  if (o.history > runtime::max_history)
    return invalid("history is at most 65536");
  if (o.block_timeout_ns < 0)
    return invalid("block_timeout_ns is negative");
  return {};
}

subscription_options options_from(const MyceliumSubscribeOptions& o, std::uint16_t type_id, const runtime::bus& bus) {
  const auto& defaults = bus.options();
  subscription_options options;
  options.name = o.name != nullptr ? o.name : "";
  options.type_id = type_id;
  options.when_full = runtime::policy(o.policy != 0 ? o.policy : defaults.when_full);
  options.capacity = o.capacity != 0 ? std::bit_ceil(o.capacity) : defaults.mailbox_capacity;
  options.history = o.history;
  options.batch_max = o.batch_max != 0 ? o.batch_max : 256;
  options.block_timeout_ns = o.block_timeout_ns != 0 ? o.block_timeout_ns : defaults.block_timeout_ns;
  options.dedicated = (o.flags & MYCELIUM_SUBSCRIBE_DEDICATED) != 0;
  options.run_inline = (o.flags & MYCELIUM_SUBSCRIBE_INLINE) != 0;
  options.carries = (o.flags & MYCELIUM_SUBSCRIBE_GATEWAY) != 0;
  options.on_payload = o.on_payload;
  options.on_message = o.on_message;
  options.on_batch = o.on_batch;
  options.user_data = o.user_data;
  options.user_data_free = o.user_data_free;
  if (o.on_drop != nullptr)
    options.on_drop = [on_drop = o.on_drop, user_data = o.user_data](const runtime::drop_event& e) {
      const MyceliumDropEvent event{e.subscription_id, e.dropped, std::int32_t(e.reason), e.recovered ? 1 : 0};
      on_drop(&event, user_data);
    };
  if (o.on_complete != nullptr)
    options.on_complete = [on_complete = o.on_complete, user_data = o.user_data](std::uint64_t id) {
      on_complete(id, user_data);
    };
  return options;
}

std::int32_t subscribe(MyceliumRuntime* rt, std::uint16_t type_id, const MyceliumSubscribeOptions& given,
                       std::uint64_t* out_subscription_id) {
  if (out_subscription_id != nullptr)
    *out_subscription_id = 0;
  const pinned_bus bus(rt);
  if (!bus)
    return bus.error();
  if (type_id == 0)
    return fail(status::invalid_argument, "type_id 0 is reserved; message types begin at 1");
  if (const auto checked = check(given); !checked)
    return fail(checked.error());
  auto options = options_from(given, type_id, *bus);
  if (given.queue_id != 0) {
    options.queue = bus->find_queue(given.queue_id);
    if (!options.queue)
      return fail(status::subscription, "there is no queue " + std::to_string(given.queue_id));
  }
  const auto id = bus->subscribe(std::move(options));
  if (!id)
    return fail(id.error());
  if (out_subscription_id != nullptr)
    *out_subscription_id = *id;
  return MYCELIUM_SUCCESS;
}

result<runtime::counted_ptr<runtime::delivery_queue>> find(const pinned_bus& bus, std::uint64_t queue_id) {
  auto queue = bus->find_queue(queue_id);
  if (!queue)
    return failure{status::subscription, "there is no queue " + std::to_string(queue_id) + "; it was closed"};
  return queue;
}

} // namespace
} // namespace mycelium::ffi

using namespace mycelium;
using namespace mycelium::ffi;

extern "C" {

void mycelium_subscribe_options_init(MyceliumSubscribeOptions* options) {
  if (options == nullptr)
    return;
  *options = MyceliumSubscribeOptions{};
  options->struct_size = sizeof *options;
}

int32_t mycelium_subscribe(MyceliumRuntime* rt, uint16_t type_id, MyceliumMessageCallback cb, void* user_data,
                           uint64_t* out_subscription_id) {
  return fenced([&] {
    if (cb == nullptr)
      return fail_null("the callback");
    MyceliumSubscribeOptions options{};
    options.on_payload = cb;
    options.user_data = user_data;
    return subscribe(rt, type_id, options, out_subscription_id);
  });
}

int32_t mycelium_subscribe_with_options(MyceliumRuntime* rt, uint16_t type_id, const MyceliumSubscribeOptions* options,
                                        uint64_t* out_subscription_id) {
  return fenced([&] {
    if (options == nullptr)
      return fail_null("options");
    MyceliumSubscribeOptions given;
    return read_struct(given, options) ? subscribe(rt, type_id, given, out_subscription_id) : fail_struct_size();
  });
}

int32_t mycelium_unsubscribe(MyceliumRuntime* rt, uint64_t subscription_id) {
  return fenced([&] {
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    const auto outcome = bus->unsubscribe(subscription_id);
    return outcome ? std::int32_t(*outcome) : fail(outcome.error());
  });
}

int32_t mycelium_wait_for_subscribers(MyceliumRuntime* rt, uint16_t type_id, size_t count, int64_t timeout_ns) {
  return fenced([&] {
    const pinned_bus bus(rt);
    return bus ? answer(bus->wait_for_subscribers(type_id, count, deadline::in(timeout_ns))) : bus.error();
  });
}

int32_t mycelium_keep_history(MyceliumRuntime* rt, uint16_t type_id, uint32_t depth) {
  return fenced([&] {
    const pinned_bus bus(rt);
    return bus ? answer(bus->keep_history(type_id, depth)) : bus.error();
  });
}

// ---- queues ----

int32_t mycelium_queue_open(MyceliumRuntime* rt, uint64_t* out_queue_id) {
  return fenced([&] {
    if (out_queue_id == nullptr)
      return fail_null("out_queue_id");
    *out_queue_id = 0;
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    const auto id = bus->open_queue();
    if (!id)
      return fail(id.error());
    *out_queue_id = *id;
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_queue_receive(MyceliumRuntime* rt, uint64_t queue_id, MyceliumDelivery* out, size_t max,
                               int64_t timeout_ns, size_t* out_count) {
  static_assert(sizeof(MyceliumDelivery) == sizeof(runtime::delivery));
  static_assert(offsetof(MyceliumDelivery, status) == offsetof(runtime::delivery, outcome));
  static_assert(offsetof(MyceliumDelivery, id) == offsetof(runtime::delivery, id));
  static_assert(offsetof(MyceliumDelivery, user_data) == offsetof(runtime::delivery, user_data));
  static_assert(offsetof(MyceliumDelivery, message) == offsetof(runtime::delivery, content));
  return fenced([&] {
    if (out == nullptr || out_count == nullptr)
      return fail_null(out == nullptr ? "out" : "out_count");
    *out_count = 0;
    if (max == 0)
      return fail(status::invalid_argument, "max is 0; ask for at least one delivery");
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    const auto queue = find(bus, queue_id);
    if (!queue)
      return fail(queue.error());
    const auto until = deadline::in(runtime::on_pooled_worker ? 0 : timeout_ns);
    const auto count = (*queue)->receive({reinterpret_cast<runtime::delivery*>(out), max}, until);
    if (!count)
      return fail(count.error());
    *out_count = *count;
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_queue_fd(MyceliumRuntime* rt, uint64_t queue_id, int* out_fd) {
  return fenced([&] {
    if (out_fd == nullptr)
      return fail_null("out_fd");
    *out_fd = -1;
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    const auto queue = find(bus, queue_id);
    if (!queue)
      return fail(queue.error());
    const auto fd = (*queue)->descriptor();
    if (!fd)
      return fail(fd.error());
    *out_fd = *fd;
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_queue_wake(MyceliumRuntime* rt, uint64_t queue_id) {
  return fenced([&] {
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    const auto queue = find(bus, queue_id);
    if (!queue)
      return fail(queue.error());
    (*queue)->wake();
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_queue_close(MyceliumRuntime* rt, uint64_t queue_id) {
  return fenced([&] {
    const pinned_bus bus(rt);
    return bus ? answer(bus->close_queue(queue_id)) : bus.error();
  });
}

} // extern "C"
