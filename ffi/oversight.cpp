// Oversight on a bus, behind the C interface.
#include "actors/oversight/overseer.hpp"
#include "ffi/backfire_border.hpp"
#include "ffi/handles.hpp"
#include "ffi/include/mycelium_oversight.h"

#include <bit>

using namespace mycelium;
using namespace mycelium::ffi;
using namespace mycelium::oversight;

namespace {

static_assert(int(watch_mode::gate) == MYCELIUM_OVERSIGHT_GATE &&
              int(watch_mode::observe) == MYCELIUM_OVERSIGHT_OBSERVE);

// The host's, freed after the last copy of the scorer that uses it, once there is an oversight.
struct scorer_data {
  void* data;
  void (*free)(void*);
  bool taken = false;

  scorer_data(void* of_host, void (*by)(void*)) noexcept : data(of_host), free(by) {}
  ~scorer_data() {
    if (taken && free != nullptr)
      free(data);
  }
  scorer_data(const scorer_data&) = delete;
  scorer_data& operator=(const scorer_data&) = delete;
};

std::function<void(const score_question&, score_answer&)> scorer_of(MyceliumScorer scorer,
                                                                    std::shared_ptr<scorer_data> user_data) {
  return [scorer, user_data = std::move(user_data)](const score_question& q, score_answer& answer) {
    const MyceliumScoreQuestion question{sizeof question, q.session_id,   q.index,
                                         q.token.data(),  q.token.size(), q.so_far.empty() ? nullptr : q.so_far.data(),
                                         q.so_far.size()};
    scorer(&question, reinterpret_cast<MyceliumScoreAnswer*>(&answer), user_data->data);
  };
}

result<overseer_settings> settings_of(const MyceliumOversightConfig& c, const std::shared_ptr<scorer_data>& user_data) {
  constexpr std::uint32_t most_flags = MYCELIUM_OVERSIGHT_INLINE;
  const failure no_size{status::invalid_argument, "struct_size of config or options is not set; call their _init"};
  if ((c.flags & ~most_flags) != 0)
    return failure{status::invalid_argument, "flags holds a bit that is no MyceliumOversightFlags"};
  if (c.capacity > (1U << 20))
    return failure{status::invalid_argument,
                   "oversight error: capacity must be at most 2^20, is " + std::to_string(c.capacity)};
  BackfireConfig config;
  BackfireOptions options;
  if (!read_over_defaults(config, c.config, backfire_config_init) ||
      !read_over_defaults(options, c.options, backfire_options_init))
    return no_size;
  const overseer_settings defaults;
  return overseer_settings{
      .name = c.name != nullptr ? c.name : "oversight",
      .config = config_of(config),
      .options = options_of(options),
      .lock = c.interlock != nullptr ? c.interlock->lock : nullptr,
      .mode = watch_mode(c.mode),
      .score = c.scorer != nullptr ? scorer_of(c.scorer, user_data) : nullptr,
      .scorer_subscription = c.scorer_subscription,
      .run_inline = (c.flags & MYCELIUM_OVERSIGHT_INLINE) != 0,
      .capacity = c.capacity < 2 ? or_default(c.capacity * 2, defaults.capacity) : std::bit_ceil(c.capacity),
      .max_held = or_default(c.max_held, defaults.max_held),
      .max_sessions = or_default(c.max_sessions, defaults.max_sessions),
      .text_bytes = c.text_bytes,
      .idle_ns = or_default(c.idle_ns, defaults.idle_ns),
  };
}

std::int32_t create(const pinned_bus& bus, const MyceliumOversightConfig& given, std::uint64_t* out_oversight_id) {
  const auto user_data = std::make_shared<scorer_data>(given.user_data, given.user_data_free);
  auto settings = settings_of(given, user_data);
  if (!settings)
    return fail(settings.error());
  const auto id = overseer::create(*bus, std::move(*settings));
  if (!id)
    return fail(id.error());
  user_data->taken = true;
  *out_oversight_id = *id;
  return MYCELIUM_SUCCESS;
}

// Calls use(overseer) if there is one.
template <class Use>
std::int32_t with_oversight(MyceliumRuntime* rt, std::uint64_t oversight_id, Use use) noexcept {
  return fenced([&]() -> std::int32_t {
    const pinned_bus bus(rt);
    if (!bus)
      return bus.error();
    const auto found = overseer::find(*bus, oversight_id);
    if (!found)
      return fail(status::subscription, "there is no oversight " + std::to_string(oversight_id) + "; it was destroyed");
    return use(*found);
  });
}

MyceliumOversightStats stats_of(const session_counts& c) noexcept {
  MyceliumOversightStats s{};
  s.tokens = c.tokens;
  s.released = c.released;
  s.withheld = c.withheld;
  s.scored = c.scored;
  s.failed_scores = c.failed_scores;
  s.warnings = c.warnings;
  s.idle = c.idle_ends;
  std::copy(std::begin(c.halts), std::end(c.halts), s.halts);
  return s;
}

} // namespace

extern "C" {

void mycelium_score_set(MyceliumScoreAnswer* answer, double score) {
  if (answer == nullptr)
    return;
  auto& ours = *reinterpret_cast<score_answer*>(answer);
  ours.scored = true;
  ours.score = score;
  ours.error[0] = '\0';
}

void mycelium_score_fail(MyceliumScoreAnswer* answer, const char* text, size_t len) {
  if (answer == nullptr)
    return;
  const std::string_view why = text != nullptr ? std::string_view(text, len) : std::string_view();
  reinterpret_cast<score_answer*>(answer)->set_error(why.empty() ? "the scorer failed" : why);
}

void mycelium_oversight_config_init(MyceliumOversightConfig* config) {
  if (config == nullptr)
    return;
  *config = MyceliumOversightConfig{};
  config->struct_size = sizeof *config;
}

int32_t mycelium_oversight_create(MyceliumRuntime* rt, const MyceliumOversightConfig* config,
                                  uint64_t* out_oversight_id) {
  return fenced([&] {
    if (out_oversight_id == nullptr)
      return fail_null("out_oversight_id");
    *out_oversight_id = 0;
    MyceliumOversightConfig given{};
    if (config != nullptr && !read_struct(given, config))
      return fail_struct_size();
    const pinned_bus bus(rt);
    return bus ? create(bus, given, out_oversight_id) : bus.error();
  });
}

int32_t mycelium_oversight_attach(MyceliumRuntime* rt, uint64_t oversight_id, uint64_t session_id,
                                  uint64_t* out_subscription_id) {
  if (out_subscription_id == nullptr)
    return fail_null("out_subscription_id");
  *out_subscription_id = 0;
  return with_oversight(rt, oversight_id, [&](overseer& by) {
    const auto id = by.attach(session_id);
    if (!id)
      return fail(id.error());
    *out_subscription_id = *id;
    return MYCELIUM_SUCCESS + 0;
  });
}

int32_t mycelium_oversight_detach(MyceliumRuntime* rt, uint64_t oversight_id, uint64_t session_id) {
  return with_oversight(rt, oversight_id, [&](overseer& by) {
    const auto left = by.detach(session_id);
    return left ? std::int32_t(*left) : fail(left.error());
  });
}

int32_t mycelium_oversight_destroy(MyceliumRuntime* rt, uint64_t oversight_id) {
  return with_oversight(rt, oversight_id, [&](overseer& by) { return std::int32_t(by.end(oversight_id)); });
}

int32_t mycelium_oversight_stats(MyceliumRuntime* rt, uint64_t oversight_id, MyceliumOversightStats* out) {
  if (out == nullptr)
    return fail_null("out");
  return with_oversight(rt, oversight_id, [&](overseer& by) {
    const auto all = by.stats();
    auto ours = stats_of(all.sum);
    ours.sessions = all.sessions;
    ours.begun = all.begun;
    ours.refused = all.refused;
    return write_struct(out, ours);
  });
}

int32_t mycelium_oversight_session_stats(MyceliumRuntime* rt, uint64_t oversight_id, uint64_t session_id,
                                         MyceliumOversightStats* out) {
  if (out == nullptr)
    return fail_null("out");
  return with_oversight(rt, oversight_id, [&](overseer& by) {
    session_counts counts;
    if (!by.session_stats(session_id, counts))
      return fail(status::subscription, "session " + std::to_string(session_id) + " is not watched now");
    auto ours = stats_of(counts);
    ours.sessions = ours.begun = 1;
    return write_struct(out, ours);
  });
}

} // extern "C"
