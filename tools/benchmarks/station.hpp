// What the runs have in common: one way, opened with its threads placed, its publishers' streams and one audit per
// subscriber.
#pragma once

#include "tools/benchmarks/crew.hpp"
#include "tools/benchmarks/samples.hpp"
#include "tools/benchmarks/scenarios.hpp"

#include <memory>

namespace mycelium::bench {

inline constexpr std::uint16_t benchmark_type = 60'001; // in the range for experiments
inline constexpr double give_up_s = 5.0; // for what was published to arrive: more than any way needs on a busy machine

class station {
public:
  station(const way_facts& facts, const load& expected) : load_(expected), way_(facts.make()) {
    for (unsigned i = 0; i < expected.publishers; ++i) {
      streams_.emplace_back(i, expected.payload);
    }
    for (unsigned i = 0; i < expected.subscribers; ++i) {
      audits_.push_back(std::make_unique<audit>(expected.publishers, expected.payload, &line));
    }
  }

  // open, subscribe_all(way) and start, with what they start on the workers' places.
  template <class Subscribe>
  void open(const placement& places, Subscribe subscribe_all) {
    places.take_worker_place();
    way_->open(load_);
    subscribe_all(*way_);
    way_->start();
    places.spread_workers();
    places.leave();
  }
  way& operator*() { return *way_; }
  way* operator->() { return way_.get(); }
  stream& messages_of(unsigned publisher) { return streams_[publisher]; }
  audit& audit_of(unsigned subscriber) { return *audits_[subscriber]; }
  // Ends every callback. "" if nothing was lost, repeated, reordered or changed.
  std::string close() {
    way_->close();
    std::string text;
    for (std::size_t i = 0; i < audits_.size() && text.empty(); ++i) {
      if (text = audits_[i]->complaint(); !text.empty()) {
        text = "subscriber " + std::to_string(i) + ": " + text;
      }
    }
    return text;
  }

  finish_line line;

private:
  load load_;
  std::vector<stream> streams_;
  std::vector<std::unique_ptr<audit>> audits_;
  std::unique_ptr<way> way_; // last: its end ends the callbacks that use the rest
};

// A subscriber that only notes when each message came.
struct catcher {
  explicit catcher(audit& checks, std::size_t most_samples) : check(checks), taken(most_samples) {}
  static void on_message(const std::uint8_t* payload, std::size_t size, void* user) {
    const ticks received = now();
    auto* self = static_cast<catcher*>(user);
    const header h = read_header(payload);
    if (h.sequence >= warm_up) {
      self->taken.add(h.stamp, received);
    }
    self->check.receive(payload, size);
    self->arrived.fetch_add(1, std::memory_order_release);
  }

  static constexpr std::uint64_t warm_up = 20; // messages that do not count
  audit& check;
  samples taken;
  std::atomic<std::uint64_t> arrived{0};
};

void report(samples& taken, measurement& result);

// Runs body(result); its exceptions become the result's failure.
template <class Body>
measurement guarded(const placement& places, Body body) {
  measurement result;
  try {
    body(result);
  } catch (const std::exception& error) {
    places.leave();
    result.failure = error.what();
  }
  return result;
}

} // namespace mycelium::bench
