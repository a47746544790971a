// Runtimes are created, closed and destroyed.
#include "actors/bridge/bridge.hpp"
#include "actors/runtime/callback_scope.hpp"
#include "actors/runtime/signals_blocked.hpp"
#include "ffi/handles.hpp"

#include <thread>
#include <utility>

namespace mycelium::ffi {
namespace {

using runtime::bus;
using runtime::deadline;

runtime::runtime_options options_from(const MyceliumRuntimeConfig& config) {
  runtime::runtime_options options{
      .name = config.name != nullptr ? config.name : "",
      .threads = config.threads,
      .mailbox_capacity = config.mailbox_capacity,
      .when_full = config.policy,
      .verify = config.verify,
      .block_timeout_ns = config.block_timeout_ns,
      .close_timeout_ns = config.close_timeout_ns,
      .max_payload = config.max_payload,
      .strict = config.strict != 0,
      .log = {},
  };
  if (config.log != nullptr)
    options.log = [log = config.log, user_data = config.log_user_data](runtime::log_level level, const char* text) {
      log(MyceliumLogLevel(level), text, user_data);
    };
  return options;
}

MyceliumRuntime* create(runtime::runtime_options options) {
  auto started = bus::start(std::move(options));
  if (!started) {
    fail(started.error());
    return nullptr;
  }
  return add_handle(std::move(*started));
}

result<void> join(MyceliumRuntime* rt, const bridge::topology& all, const bridge::topology_node& as) {
  const pinned_bus bus(rt);
  bridge::settings how;
  how.credentials = all.credentials;
  how.at_least_once = all.at_least_once;
  auto links = bridge::bridge::start(*bus, std::move(how));
  return links ? (*links)->join(all, as) : result<void>(links.error());
}

// Closes and frees a bus whose destruction the caller has claimed. The handle stays good until it is closed, so that
// who serves a queue can take what is left. What cannot end in time is left as it is.
void dispose(MyceliumRuntime* rt, bus* doomed) {
  constexpr std::int64_t patience_ns = 1'000'000'000; // for calls that closing has woken
  const auto closed = doomed->close(deadline::in(doomed->options().close_timeout_ns));
  remove_handle(rt);
  runtime::wait_for_readers();
  if (closed && doomed->wait_for_users(deadline::in(patience_ns))) {
    delete doomed;
    return;
  }
  const auto why = closed ? std::string("a call is still in progress") : closed.error().text;
  fail(status::runtime, "the runtime was abandoned with its threads: " + why);
  doomed->log(runtime::log_level::error, "destroy abandons the runtime with its threads: " + why);
}

} // namespace
} // namespace mycelium::ffi

using namespace mycelium;
using namespace mycelium::ffi;

extern "C" {

void mycelium_runtime_config_init(MyceliumRuntimeConfig* config) {
  if (config == nullptr)
    return;
  *config = MyceliumRuntimeConfig{};
  config->struct_size = sizeof *config;
}

MyceliumRuntime* mycelium_runtime_create(void) { return mycelium_runtime_create_with_config(nullptr); }

MyceliumRuntime* mycelium_runtime_create_with_config(const MyceliumRuntimeConfig* config) {
  MyceliumRuntime* created = nullptr;
  fenced([&] {
    MyceliumRuntimeConfig given{};
    if (config != nullptr && !read_struct(given, config))
      return fail_struct_size();
    created = create(options_from(given));
    return MYCELIUM_SUCCESS + 0;
  });
  return created;
}

MyceliumRuntime* mycelium_runtime_create_from_topology(const char* topology_path, const char* service_name) {
  MyceliumRuntime* created = nullptr;
  fenced([&] {
    if (topology_path == nullptr || service_name == nullptr)
      return fail_null(topology_path == nullptr ? "topology_path" : "service_name");
    const auto all = bridge::read_topology(topology_path);
    if (!all)
      return fail(all.error());
    const auto node = all->node_of_service(service_name);
    if (!node)
      return fail(node.error());
    runtime::runtime_options options;
    options.name = service_name;
    created = create(std::move(options));
    if (created == nullptr)
      return mycelium_last_status();
    if (const auto joined = join(created, *all, **node); !joined) {
      mycelium_runtime_destroy(std::exchange(created, nullptr));
      return fail(joined.error());
    }
    return MYCELIUM_SUCCESS + 0;
  });
  return created;
}

void mycelium_runtime_destroy(MyceliumRuntime* rt) {
  fenced([&] {
    {
      const runtime::read_guard guard;
      const auto* target = find_handle(rt);
      if (target == nullptr)
        return rt == nullptr ? MYCELIUM_SUCCESS + 0 : fail_handle(rt);
      if (runtime::in_callback_of(target) || runtime::on_pooled_worker)
        return fail(status::unsupported,
                    "a callback cannot destroy the runtime that runs it; use mycelium_runtime_destroy_later");
    }
    if (auto* doomed = claim_destruction(rt))
      dispose(rt, doomed);
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_runtime_destroy_later(MyceliumRuntime* rt) {
  return fenced([&] {
    auto* doomed = claim_destruction(rt);
    if (doomed == nullptr)
      return fail_handle(rt);
    doomed->stop_accepting();
    const runtime::signals_blocked in_new_threads;
    std::thread([rt, doomed] {
      pthread_setname_np(pthread_self(), "myc.destroy");
      dispose(rt, doomed);
    }).detach();
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_runtime_close(MyceliumRuntime* rt, int64_t timeout_ns) {
  return fenced([&] {
    const pinned_bus bus(rt);
    return bus ? answer(bus->close(deadline::in(timeout_ns))) : bus.error();
  });
}

int32_t mycelium_flush(MyceliumRuntime* rt, int64_t timeout_ns) {
  return fenced([&] {
    const pinned_bus bus(rt);
    return bus ? answer(bus->flush(deadline::in(timeout_ns))) : bus.error();
  });
}

} // extern "C"
