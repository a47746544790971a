#include "tools/cli/oversight_stream.hpp"

#include "tools/cli/bus.hpp"
#include "tools/oversight/token_source.hpp"

#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

namespace mycelium::cli {
namespace {

class words_source final : public stream_source {
public:
  words_source(std::string text, double per_second) : words_(tools::words_of(text)), per_second_(per_second) {}

  result<void> run(MyceliumRuntime* rt, std::uint64_t session_id, std::uint64_t to) override {
    using clock = std::chrono::steady_clock;
    tools::token_source source(rt, words_);
    if (!source.ok())
      return failure{status::runtime, std::string("the source cannot hear of a halt: ") + mycelium_last_error()};
    source.begin(session_id, to);
    auto due = clock::now();
    for (auto said = tools::token_source::step::published; said != tools::token_source::step::ended;) {
      if (per_second_ > 0)
        std::this_thread::sleep_until(due += std::chrono::nanoseconds(std::int64_t(1e9 / per_second_)));
      said = source.say_next(session_id);
      if (said == tools::token_source::step::failed)
        return failure{status::runtime, std::string("a token could not be published: ") + mycelium_last_error()};
    }
    return {};
  }

private:
  std::vector<std::string> words_;
  double per_second_;
};

class listed_scores final : public stream_scorer {
public:
  explicit listed_scores(std::vector<double> scores) : scores_(std::move(scores)) {}
  void score(const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) override {
    static constexpr std::string_view none = "the file has no score for this token";
    if (question.index < scores_.size())
      mycelium_score_set(answer, scores_[question.index]);
    else
      mycelium_score_fail(answer, none.data(), none.size());
  }

private:
  std::vector<double> scores_;
};

class coherence final : public stream_scorer {
public:
  coherence(BackfireKnowledge* store, BackfireScorer* scorer, std::string prompt)
      : store_(store), scorer_(scorer), prompt_(std::move(prompt)) {}
  ~coherence() override {
    backfire_scorer_destroy(scorer_);
    backfire_knowledge_destroy(store_);
  }
  coherence(const coherence&) = delete;
  coherence& operator=(const coherence&) = delete;

  void score(const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) override {
    BackfireReview review{};
    review.struct_size = sizeof review;
    const auto reviewed =
        backfire_scorer_review(scorer_, prompt_.data(), prompt_.size(), question.so_far, question.so_far_len, &review);
    if (reviewed == BACKFIRE_SUCCESS)
      return mycelium_score_set(answer, review.score);
    const std::string_view why = backfire_last_error();
    mycelium_score_fail(answer, why.data(), why.size());
  }

private:
  BackfireKnowledge* store_;
  BackfireScorer* scorer_;
  std::string prompt_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

failure last_failure(const std::string& what) {
  return {status::invalid_argument, what + ": " + backfire_last_error()};
}

} // namespace

std::unique_ptr<stream_source> text_source(std::string text, double per_second) {
  return std::make_unique<words_source>(std::move(text), per_second);
}

result<std::string> read_file(const std::string& path) {
  if (path == "-")
    return std::string{std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in)
    return failure{status::invalid_argument, path + " cannot be read"};
  return text;
}

result<std::unique_ptr<stream_scorer>> scores_in_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text)
    return text.error();
  std::vector<double> scores;
  for (const auto& line : lines_of(*text)) {
    double score = 0;
    const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), score);
    if (problem != std::errc() || end != line.data() + line.size())
      return failure{status::invalid_argument,
                     path + ":" + std::to_string(scores.size() + 1) + ": '" + line + "' is no number; give one a line"};
    scores.push_back(score);
  }
  return std::unique_ptr<stream_scorer>(std::make_unique<listed_scores>(std::move(scores)));
}

result<std::unique_ptr<stream_scorer>> coherence_with(const BackfireConfig& config, std::string prompt,
                                                      const std::string& facts_path) {
  std::vector<std::string> facts;
  if (!facts_path.empty()) {
    const auto text = read_file(facts_path);
    if (!text)
      return text.error();
    facts = lines_of(*text);
  }
  auto* store = backfire_knowledge_create();
  BackfireScorerOptions options{};
  options.struct_size = sizeof options;
  options.store = store;
  BackfireScorer* scorer = nullptr;
  const auto made = backfire_scorer_create(&config, &options, &scorer);
  auto both = std::make_unique<coherence>(store, scorer, std::move(prompt));
  if (made < 0)
    return last_failure("the scorer");
  for (const auto& fact : facts)
    if (!fact.empty() && backfire_knowledge_add(store, fact.data(), fact.size(), nullptr) < 0)
      return last_failure(facts_path);
  return std::unique_ptr<stream_scorer>(std::move(both));
}

} // namespace mycelium::cli
