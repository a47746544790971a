#include "tools/benchmarks/oversight_work.hpp"

#include <backfire_physics.h>

#include <array>
#include <cmath>
#include <memory>
#include <string_view>

namespace mycelium::bench {
namespace {

constexpr std::size_t n = BACKFIRE_STANDARD_SIZE;
using phases = std::array<double, n>;

phases ramp() {
  phases out;
  for (std::size_t i = 0; i < n; ++i)
    out[i] = 0.4 * double(i);
  return out;
}

// A handle of the C interface that is shared by the copies of a work's function.
template <class Handle>
std::shared_ptr<Handle> owned(Handle* handle, void (*destroy)(Handle*)) {
  return {handle, destroy};
}

// Sessions of 1000 tokens, from begin to destroy.
std::int64_t stream_tokens(std::int64_t times, const BackfireOptions* options) {
  constexpr std::array<std::string_view, 8> tokens{"The ", "sky ", "above ", "us ", "is ", "very ", "blue", ". "};
  constexpr std::int64_t session = 1000;
  std::int64_t done = 0;
  for (; done < times; done += session) {
    BackfireStream* stream = nullptr;
    if (backfire_stream_begin(nullptr, options, nullptr, &stream) != BACKFIRE_SUCCESS)
      return -1;
    BackfireVerdict verdict{};
    verdict.struct_size = sizeof verdict;
    for (std::int64_t i = 0; i < session; ++i) {
      const auto token = tokens[std::size_t(i) % tokens.size()];
      // Scores that move and let all pass.
      const double score = 0.9 + 0.01 * double(i % 7);
      if (backfire_stream_push(stream, token.data(), token.size(), score, &verdict) != BACKFIRE_SUCCESS)
        return -1;
    }
    BackfireSession whole{};
    whole.struct_size = sizeof whole;
    const bool right = backfire_stream_finish(stream, &whole) == BACKFIRE_SUCCESS && whole.halted == 0;
    backfire_stream_destroy(stream);
    if (!right)
      return -1;
  }
  return done;
}

std::int64_t stream_with_all_checks(std::int64_t times) {
  BackfireOptions options;
  backfire_options_init(&options);
  options.soft_halt = options.whole_sentences = options.ewma = options.cusum = 1;
  return stream_tokens(times, &options);
}

work review(std::string what, double wanted_ns, std::size_t facts) {
  const auto store = owned(backfire_knowledge_create(), backfire_knowledge_destroy);
  for (std::size_t i = 0; i < facts; ++i) {
    const auto fact = "Fact " + std::to_string(i) + " says that thing " + std::to_string(i * 7) + " is of color blue.";
    backfire_knowledge_add(store.get(), fact.data(), fact.size(), nullptr);
  }
  BackfireScorerOptions options{};
  options.struct_size = sizeof options;
  options.store = facts == 0 ? nullptr : store.get();
  BackfireScorer* made = nullptr;
  backfire_scorer_create(nullptr, &options, &made);
  return {std::move(what), wanted_ns,
          [scorer = owned(made, backfire_scorer_destroy), facts](std::int64_t times) -> std::int64_t {
            const std::string_view prompt = facts == 0 ? "What color is the sky?" : "What color is thing 42?";
            const std::string_view action = "The sky is blue";
            BackfireReview found{};
            found.struct_size = sizeof found;
            for (std::int64_t i = 0; i < times; ++i)
              if (backfire_scorer_review(scorer.get(), prompt.data(), prompt.size(), action.data(), action.size(),
                                         &found) != BACKFIRE_SUCCESS)
                return -1;
            return times;
          }};
}

work upde(std::string what, double wanted_ns, double noise, std::uint64_t at_once) {
  BackfireUpdeOptions options;
  backfire_upde_options_init(&options);
  options.noise_amplitude = noise;
  BackfireUpde* made = nullptr;
  backfire_upde_create(&options, nullptr, &made);
  return {std::move(what), wanted_ns,
          [stepper = owned(made, backfire_upde_destroy), at_once](std::int64_t times) -> std::int64_t {
            auto theta = ramp();
            phases velocity;
            BackfireUpdeState state{};
            state.struct_size = sizeof state;
            std::int64_t done = 0;
            for (; done < times; done += std::int64_t(at_once))
              if (backfire_upde_run(stepper.get(), at_once, theta.data(), n, velocity.data(), n, &state) !=
                  BACKFIRE_SUCCESS)
                return -1;
            return done;
          }};
}

work sec() {
  BackfireSec* made = nullptr;
  backfire_sec_create(nullptr, nullptr, &made);
  return {"SEC, evaluate with previous phases", 0,
          [functional = owned(made, backfire_sec_destroy)](std::int64_t times) -> std::int64_t {
            const auto before = ramp();
            auto now = before;
            BackfireSecResult found{};
            found.struct_size = sizeof found;
            for (std::int64_t i = 0; i < times; ++i) {
              now[0] += 0.01;
              if (backfire_sec_evaluate(functional.get(), now.data(), n, before.data(), n, 0.01, &found) !=
                  BACKFIRE_SUCCESS)
                return -1;
            }
            return times;
          }};
}

work l16() {
  BackfireL16* made = nullptr;
  backfire_l16_create(nullptr, &made);
  return {"L16, step", 0, [controller = owned(made, backfire_l16_destroy)](std::int64_t times) -> std::int64_t {
            const auto theta = ramp();
            BackfireL16Input in{};
            in.struct_size = sizeof in;
            in.r_global = in.plv = 0.7;
            in.dt = 0.01;
            BackfireL16Output out{};
            out.struct_size = sizeof out;
            for (std::int64_t i = 0; i < times; ++i)
              if (backfire_l16_step(controller.get(), theta.data(), n, &in, &out) != BACKFIRE_SUCCESS)
                return -1;
            return times;
          }};
}

work pgbo() {
  BackfirePgbo* made = nullptr;
  backfire_pgbo_create(nullptr, &made);
  return {"PGBO, compute", 0, [engine = owned(made, backfire_pgbo_destroy)](std::int64_t times) -> std::int64_t {
            auto theta = ramp();
            std::array<double, n * n> h;
            BackfirePgboResult out{};
            out.struct_size = sizeof out;
            for (std::int64_t i = 0; i < times; ++i) {
              theta[3] += 0.01;
              if (backfire_pgbo_compute(engine.get(), theta.data(), n, 0.01, nullptr, 0, h.data(), h.size(), &out) !=
                  BACKFIRE_SUCCESS)
                return -1;
            }
            return times;
          }};
}

// A new sample and the whole homology of the window each time.
work tcbo() {
  BackfireTcbo* made = nullptr;
  backfire_tcbo_create(nullptr, &made);
  return {"TCBO, push and compute", 0,
          [observer = owned(made, backfire_tcbo_destroy), t = 0.0](std::int64_t times) mutable -> std::int64_t {
            phases theta;
            BackfireTcboResult found{};
            found.struct_size = sizeof found;
            for (std::int64_t i = 0; i < times; ++i, t += 1) {
              for (std::size_t k = 0; k < n; ++k)
                theta[k] = 0.2 * t + 0.3 * std::sin(t * (1 + 0.1 * double(k)));
              if (backfire_tcbo_push(observer.get(), theta.data(), n) != BACKFIRE_SUCCESS ||
                  backfire_tcbo_compute(observer.get(), 0, &found) != BACKFIRE_SUCCESS)
                return -1;
            }
            return times;
          }};
}

work ssgf() {
  BackfireSsgf* made = nullptr;
  backfire_ssgf_create(nullptr, nullptr, &made);
  return {"SSGF, outer step with the true gradient", 40000,
          [engine = owned(made, backfire_ssgf_destroy)](std::int64_t times) -> std::int64_t {
            return backfire_ssgf_run(engine.get(), std::uint64_t(times), nullptr) == BACKFIRE_SUCCESS ? times : -1;
          }};
}

} // namespace

std::vector<work> oversight_work() {
  return {{"stream, per token", 15, [](std::int64_t times) { return stream_tokens(times, nullptr); }},
          {"stream, per token, every option on", 0, stream_with_all_checks},
          review("review, without facts", 245, 0),
          review("review, 100 facts", 0, 100),
          upde("UPDE, step", 250, 0.05, 1000),
          upde("UPDE, step, a call each", 0, 0.05, 1),
          upde("UPDE, step, without noise", 0, 0, 1000),
          sec(),
          l16(),
          pgbo(),
          tcbo(),
          ssgf()};
}

} // namespace mycelium::bench
