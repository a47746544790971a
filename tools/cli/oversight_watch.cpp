// Follows one session by its messages and shows it.
#include "tools/cli/bus.hpp"
#include "tools/cli/oversight_stream.hpp"

#include "schema/stream_messages.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <thread>
#include <unistd.h>

namespace mycelium::cli {
namespace {

using schema::inference_done;
using schema::inference_token;
using schema::oversight_verdict;

constexpr std::uint64_t own_session = 1;
constexpr std::array action_names{"release", "warn", "finish", "halt"};

schema::bytes payload_of(const MyceliumMessage* message) {
  std::size_t size = 0;
  const auto* data = mycelium_message_payload(message, &size);
  return {data, size};
}

// Eight heights between 0 and 1.
std::string sparkline(const std::deque<double>& scores) {
  static constexpr std::array bars{"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
  std::string line;
  for (const double score : scores)
    line += bars[static_cast<std::size_t>(std::clamp(score, 0.0, 1.0) * 7.999)];
  return line;
}

class view {
public:
  // Of one session; 0: the first that is seen. `live`: it may have begun before.
  view(const watch_settings& how, std::uint64_t session, bool live)
      : how_(how), terminal_(!how.json && isatty(STDOUT_FILENO) != 0), session_(session), live_(live) {}

  bool follows(std::uint64_t session) {
    if (session_ == 0)
      session_ = session;
    return session == session_;
  }

  void show(const inference_token& token) {
    ++shown_;
    tokens_ = std::uint64_t{token.index} + 1;
    if (how_.json)
      return;
    clear_status();
    std::fwrite(token.text.data(), 1, token.text.size(), stdout);
    ends_line_ = token.text.ends_with('\n');
    status();
  }

  void show(const oversight_verdict& verdict) {
    ++judged_;
    verdicts_ = verdict.index + 1;
    const bool scored = verdict.index % how_.options.score_every == 0 || verdict.kind != 0;
    if (scored)
      note_score(verdict.score);
    warnings_ += verdict.action == BACKFIRE_WARN ? 1U : 0U;
    if (verdict.action == BACKFIRE_HALT) {
      halted_ = true;
      index_ = verdict.index;
      reason_ = verdict.reason;
      error_ = verdict.error;
      evidence_.assign(verdict.evidence.begin(), verdict.evidence.end());
    }
    if (how_.json)
      print(verdict);
    else
      status();
  }

  // It may come before the last tokens, and before the first, since an order holds for each type only.
  void note_end(const inference_done& done) {
    if (session_ == 0) {
      if (early_.size() < most_early)
        early_[done.session_id] = done;
      return;
    }
    if (done.session_id != session_)
      return;
    done_ = true;
    announced_ = done.tokens;
    end_ = schema::name_of(done.reason);
  }

  // The messages come in an order for each type only.
  bool is_over() const {
    if (!done_)
      return false;
    if (live_) // it had begun before, perhaps: the last token counts, not how many were seen
      return tokens_ >= announced_ && (halted_ || verdicts_ >= announced_);
    return shown_ == announced_ && (halted_ || judged_ >= announced_);
  }
  bool halted() const { return halted_; }
  bool is_done() const { return done_; }
  // An end that came before the session was known.
  void note_early_end() {
    if (const auto found = early_.find(session_); found != early_.end())
      note_end(found->second);
    early_.clear();
  }

  void finish() {
    if (how_.json) {
      const nlohmann::ordered_json end{{"end", end_},
                                       {"halted", halted_},
                                       {"reason", reason_},
                                       {"released", announced_},
                                       {"mean", mean(all_sum_, scores_)},
                                       {"minimum", minimum_},
                                       {"warnings", warnings_}};
      std::printf("%s\n", end.dump().c_str());
      return;
    }
    clear_status();
    std::printf("%s", shown_ == 0 || ends_line_ ? "" : "\n");
    if (halted_) {
      std::printf("halted before token %llu: %s\n", static_cast<unsigned long long>(index_), reason_.c_str());
      if (!error_.empty())
        std::printf("  because   %s\n", error_.c_str());
      std::printf("  evidence ");
      for (const auto& seen : evidence_)
        std::printf(" %llu:%.4f", static_cast<unsigned long long>(seen.index), seen.score);
      std::printf("\n");
    }
    std::printf("%s: %u tokens shown, mean %.4f, minimum %.4f, %llu warnings  %s\n", end_.c_str(), announced_,
                mean(all_sum_, scores_), minimum_, static_cast<unsigned long long>(warnings_),
                sparkline(newest_).c_str());
  }

private:
  static double mean(double sum, std::uint64_t count) { return count == 0 ? 0 : sum / static_cast<double>(count); }

  void note_score(double score) {
    minimum_ = scores_ == 0 ? score : std::min(minimum_, score);
    ++scores_;
    all_sum_ += score;
    newest_.push_back(score);
    if (newest_.size() > most_bars)
      newest_.pop_front();
    window_.push_back(score);
    if (window_.size() > how_.config.window_size)
      window_.pop_front();
  }

  double window_mean() const {
    double sum = 0;
    for (const double score : window_)
      sum += score;
    return mean(sum, window_.size());
  }

  void print(const oversight_verdict& verdict) const {
    nlohmann::ordered_json row{{"token", verdict.index},
                               {"action", action_names[std::min<std::size_t>(verdict.action, 3)]},
                               {"score", verdict.score},
                               {"window_mean", window_mean()},
                               {"released", verdict.released}};
    if (verdict.kind != 0) {
      row["reason"] = verdict.reason;
      row["error"] = verdict.error;
      row["evidence"] = nlohmann::ordered_json::array();
      for (const auto& seen : verdict.evidence)
        row["evidence"].push_back({{"token", seen.index}, {"score", seen.score}});
    }
    std::printf("%s\n", row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    std::fflush(stdout);
  }

  // Below the text, on a terminal: it is written anew each time, and the cursor goes back to where the text ends. Down
  // and up first (ESC D, CSI A), so that the last line of the terminal scrolls before the place is remembered.
  void status() {
    if (terminal_)
      std::printf("\033D\033[A\0337\n\033[K%s  score %.2f  window %.2f  released %llu\0338", sparkline(newest_).c_str(),
                  window_.empty() ? 0 : window_.back(), window_mean(), static_cast<unsigned long long>(shown_));
    std::fflush(stdout);
  }
  void clear_status() const {
    if (terminal_)
      std::printf("\033[J");
  }

  static constexpr std::size_t most_bars = 40;
  static constexpr std::size_t most_early = 1000;
  const watch_settings& how_;
  const bool terminal_;
  std::uint64_t session_;
  const bool live_;
  std::map<std::uint64_t, inference_done> early_; // ends of sessions, while it is not known which is ours
  std::deque<double> newest_, window_;
  std::uint64_t scores_ = 0, judged_ = 0, shown_ = 0, warnings_ = 0, index_ = 0, tokens_ = 0, verdicts_ = 0;
  double all_sum_ = 0, minimum_ = 0;
  bool ends_line_ = false, halted_ = false, done_ = false;
  std::uint32_t announced_ = 0;
  std::string end_, reason_, error_;
  std::vector<schema::score_sample> evidence_;
};

void show(view& on, const MyceliumMessage* message) {
  inference_token token;
  inference_done done;
  oversight_verdict verdict;
  const auto payload = payload_of(message);
  switch (mycelium_message_type_id(message)) {
  case inference_token::type_id:
    if (schema::read(payload, token) && on.follows(token.session_id)) {
      on.show(token);
      on.note_early_end();
    }
    break;
  case inference_done::type_id:
    if (schema::read(payload, done))
      on.note_end(done);
    break;
  default:
    if (schema::read(payload, verdict) && on.follows(verdict.session_id))
      on.show(verdict);
  }
}

result<std::uint64_t> subscribe(MyceliumRuntime* rt) {
  std::uint64_t queue = 0;
  if (auto opened = check(mycelium_queue_open(rt, &queue), "the queue"); !opened)
    return opened.error();
  for (const auto type_id : {inference_token::type_id, inference_done::type_id, oversight_verdict::type_id}) {
    MyceliumSubscribeOptions options;
    mycelium_subscribe_options_init(&options);
    options.queue_id = queue;
    if (auto done = check(mycelium_subscribe_with_options(rt, type_id, &options, nullptr), "the subscription"); !done)
      return done.error();
  }
  return queue;
}

result<std::uint64_t> create(MyceliumRuntime* rt, const watch_settings& how, stream_scorer& scorer, std::int32_t mode) {
  MyceliumOversightConfig config;
  mycelium_oversight_config_init(&config);
  config.mode = mode;
  config.config = &how.config;
  config.options = &how.options;
  config.text_bytes = 1U << 16;
  config.scorer = [](const MyceliumScoreQuestion* question, MyceliumScoreAnswer* answer, void* self) {
    static_cast<stream_scorer*>(self)->score(*question, answer);
  };
  config.user_data = &scorer;
  std::uint64_t id = 0;
  if (auto made = check(mycelium_oversight_create(rt, &config, &id), "the oversight"); !made)
    return made.error();
  return id;
}

result<void> follow(MyceliumRuntime* rt, std::uint64_t queue, view& on) {
  constexpr std::int64_t patience_ns = 1'000'000'000; // with what is on its way when the end has come already
  std::array<MyceliumDelivery, 64> deliveries;
  while (!on.is_over()) {
    std::size_t count = 0;
    const auto received = mycelium_queue_receive(rt, queue, deliveries.data(), deliveries.size(),
                                                 on.is_done() ? patience_ns : MYCELIUM_FOREVER, &count);
    if (received == MYCELIUM_ERROR_TIMEOUT)
      break;
    if (auto good = check(received, "the stream"); !good)
      return good;
    for (const auto& each : std::span(deliveries).first(count)) {
      if (each.message == nullptr)
        continue;
      show(on, each.message);
      mycelium_message_release(each.message);
    }
  }
  return {};
}

} // namespace

result<watch_outcome> watch_stream(const watch_settings& how, stream_source& source, stream_scorer& scorer) {
  auto opened = open_runtime("mycelium oversight");
  if (!opened)
    return opened.error();
  const runtime_ptr rt = std::move(*opened);
  const auto queue = subscribe(rt.get());
  if (!queue)
    return queue.error();
  const auto oversight = create(rt.get(), how, scorer, MYCELIUM_OVERSIGHT_GATE);
  if (!oversight)
    return oversight.error();
  std::uint64_t to = 0;
  if (auto done = check(mycelium_oversight_attach(rt.get(), *oversight, own_session, &to), "the session"); !done)
    return done.error();
  view on(how, own_session, false);
  result<void> said;
  std::thread saying([&] {
    said = source.run(rt.get(), own_session, to);
    if (!said) // what is over then is the session: nobody waits for the rest of it
      (void)mycelium_queue_close(rt.get(), *queue);
  });
  const auto followed = follow(rt.get(), *queue, on);
  saying.join();
  if (!said)
    return said.error();
  if (!followed)
    return followed.error();
  on.finish();
  return watch_outcome{on.halted()};
}

result<watch_outcome> watch_live(const watch_settings& how, bus_source& bus, std::uint64_t session,
                                 stream_scorer& scorer) {
  const auto queue = subscribe(bus.runtime());
  if (!queue)
    return queue.error();
  const auto oversight = create(bus.runtime(), how, scorer, MYCELIUM_OVERSIGHT_OBSERVE);
  if (!oversight)
    return oversight.error();
  if (auto started = bus.start(); !started)
    return started.error();
  view on(how, session, true);
  if (auto followed = follow(bus.runtime(), *queue, on); !followed)
    return followed.error();
  on.finish();
  return watch_outcome{on.halted()};
}

} // namespace mycelium::cli
