#include "tools/benchmarks/plan.hpp"

#include "tools/benchmarks/clock.hpp"

namespace mycelium::bench {

namespace {

class runner {
public:
  runner(const plan& wanted, const std::function<void(const std::string&)>& progress)
      : plan_(wanted), progress_(progress), begin_(now()) {}

  std::vector<row> run() {
    footprint(); // first: memory is measured while the process is still small
    for (const placement& places : places_) {
      if (wants("throughput")) {
        throughput(places);
      }
    }
    for (const placement& places : places_) {
      if (wants("latency")) {
        turns(new_rows("latency", places.name(), {1, 1, 64}), plan_.rounds,
              [&](const way_facts& facts) { return measure_latency(facts, 64, places, plan_.latency_slice_s); });
      }
    }
    for (const placement& places : places_) {
      if (wants("sporadic") && !(plan_.quick && places.is_pinned() && places_.size() > 1)) {
        turns(new_rows("sporadic", places.name(), {1, 1, 64}), plan_.rounds,
              [&](const way_facts& facts) { return measure_sporadic(facts, 64, places, plan_.sporadic_slice_s); });
      }
    }
    if (wants("idle")) {
      turns(new_rows("idle", "unpinned", {1, 8, 64}), plan_.quick ? 1 : plan_.rounds,
            [&](const way_facts& facts) { return measure_idle(facts, plan_.idle_slice_s); });
    }
    return std::move(rows_);
  }

private:
  bool wants(const char* section) const { return std::regex_search(section, plan_.sections); }
  bool late() const { return plan_.budget_s > 0 && seconds(now() - begin_) > plan_.budget_s; }

  void footprint() {
    const auto add = [&](const char* section, std::string name, const load& carried, measurement found) {
      rows_.push_back({section, std::move(name), "unpinned", carried, "", {std::move(found)}});
    };
    if (wants("memory")) {
      progress_("memory");
      constexpr unsigned subscriptions = 10'000;
      add("memory", "own type each", {1, subscriptions, 0}, measure_idle_memory(subscriptions, true));
      add("memory", "one type", {1, subscriptions, 0}, measure_idle_memory(subscriptions, false));
    }
    if (wants("lifecycle")) {
      progress_("lifecycle");
      add("lifecycle", "create + destroy", {0, 0, 0}, measure_lifecycle(plan_.lifecycle_runtimes));
    }
    if (wants("micro")) {
      progress_("micro");
      for (micro_result& one : measure_micro(plan_.micro_slice_s)) {
        add("micro", std::move(one.call), {1, 1, 64}, std::move(one.found));
      }
    }
  }

  void throughput(const placement& places) {
    for (const std::size_t payload : plan_.payloads) {
      if (plan_.quick && places.is_pinned() && places_.size() > 1 && payload != 64) {
        continue;
      }
      for (const auto& [publishers, subscribers] : plan_.shapes) {
        const load carried{publishers, subscribers, payload};
        turns(new_rows("throughput", places.name(), carried), plan_.rounds, [&](const way_facts& facts) {
          return measure_throughput(facts, carried, places, plan_.throughput_slice_s);
        });
      }
    }
  }

  // A row for each way that the plan wants; the index of the first.
  std::size_t new_rows(const char* section, const char* placement, const load& carried) {
    progress_(std::string(section) + ", " + placement + ", " + std::to_string(carried.payload) + " B, " +
              std::to_string(carried.publishers) + "->" + std::to_string(carried.subscribers));
    const std::size_t first = rows_.size();
    for (const way_facts& facts : all_ways()) {
      if (std::regex_search(facts.name, plan_.ways) && (facts.in_quick_runs || !plan_.quick)) {
        rows_.push_back({section, facts.name, placement, carried, facts.missing});
      }
    }
    return first;
  }

  template <class Measure>
  void turns(std::size_t first_row, unsigned rounds, Measure measure) {
    for (unsigned round = 0; round < rounds && (round == 0 || !late()); ++round) {
      std::size_t at = first_row;
      for (const way_facts& facts : all_ways()) {
        if (at == rows_.size() || rows_[at].way != facts.name) {
          continue; // not wanted
        }
        row& mine = rows_[at++];
        if (facts.missing.empty()) {
          mine.rounds.push_back(measure(facts));
        }
      }
    }
  }

  const plan& plan_;
  const std::function<void(const std::string&)>& progress_;
  const ticks begin_;
  std::vector<row> rows_;
  const std::vector<placement> places_ = [this] {
    std::vector<placement> list;
    if (plan_.unpinned) {
      list.push_back(placement::unpinned());
    }
    if (plan_.pinned) {
      list.push_back(placement::pinned());
    }
    return list;
  }();
};

} // namespace

plan full_plan() { return {}; }

plan quick_plan() {
  plan made;
  made.quick = true;
  made.rounds = 3;
  made.throughput_slice_s = 0.025;
  made.latency_slice_s = 0.03;
  made.sporadic_slice_s = 0.2;
  made.idle_slice_s = 0.3;
  made.micro_slice_s = 0.03;
  made.lifecycle_runtimes = 100;
  made.budget_s = 45;
  return made;
}

std::vector<row> run_plan(const plan& wanted, const std::function<void(const std::string&)>& progress) {
  return runner(wanted, progress).run();
}

} // namespace mycelium::bench
