// How coherent an answer is: 1 - (w_logic H_logic + w_fact H_fact). H_logic says how far an action contradicts its
// prompt, H_fact how far it departs from what is known of it; 0 is agreement, 0.5 unknown, 1 contradiction. One thread
// at a time uses a scorer; distinct scorers share only their knowledge. Callbacks run on the reviewing thread, under no
// lock.
#pragma once

#include "actors/oversight/config.hpp"
#include "actors/oversight/knowledge.hpp"
#include "actors/oversight/statements.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>

namespace mycelium::oversight {

// How a divergence came about.
enum class rule : std::uint8_t {
  none = 0, // not asked for
  nli = 1,
  nli_failed = 2,
  phrase = 3,
  no_words = 4,
  overlap = 5,
  negation = 6,
  number = 7,
  no_knowledge = 8,
  knowledge_failed = 9,
};
const char* rule_name(rule which) noexcept;

// What a callback answers into.
struct callback_answer {
  std::optional<double> score;
  std::optional<std::string> text;
  std::optional<std::string> failure;
};

struct scorer_sources {
  // A score in [0, 1]: 0 entails, 0.5 neutral, 1 contradicts. Without it a heuristic on words.
  std::function<void(std::string_view prompt, std::string_view action, callback_answer&)> nli;
  // What is known of a prompt, or no answer.
  std::function<void(std::string_view prompt, callback_answer&)> knowledge;
  std::shared_ptr<const in_memory_knowledge> store; // asked where there is no knowledge callback
};

struct review {
  double score = 0;
  double h_logical = 0;
  double h_factual = 0;
  bool approved = false; // score >= coherence_threshold
  bool warning = false;  // approved, and below soft_limit
  rule logic_rule = rule::none;
  rule fact_rule = rule::none;
};

class coherence_scorer {
public:
  static constexpr std::size_t largest_text = 1 << 20; // bytes

  static result<coherence_scorer> create(const backfire_config& config = {}, scorer_sources sources = {});

  // invalid_argument where a text is too large. An approved score enters the history.
  result<oversight::review> review(std::string_view prompt, std::string_view action);
  // Its parts, without the history: both weighted, each alone.
  result<double> divergence(std::string_view prompt, std::string_view action);
  result<double> logical_divergence(std::string_view prompt, std::string_view action);
  result<double> factual_divergence(std::string_view prompt, std::string_view action);

  // Why the last of these found what it did: a JSON object, "{}" before the first.
  std::string evidence_json() const;

  // From the next review on; refused where a config with it would be.
  result<void> set_threshold(double coherence_threshold);
  result<void> set_soft_limit(double soft_limit);
  const backfire_config& config() const noexcept { return config_; }
  bool use_nli() const noexcept { return bool(sources_.nli); }
  // Approved scores, oldest first, at most history_window.
  const std::deque<double>& history() const noexcept { return history_; }

private:
  // What the last call found, for evidence_json().
  struct findings {
    rule logic_rule = rule::none;
    rule fact_rule = rule::none;
    double h_logical = 0;
    double h_factual = 0;
    std::string_view phrase;
    mismatch logic_mismatch;
    mismatch fact_mismatch;
    std::string logic_error;
    std::string fact_error;
  };

  coherence_scorer(const backfire_config& config, scorer_sources sources)
      : config_(config), sources_(std::move(sources)) {}

  result<void> begin(std::string_view prompt, std::string_view action);
  double measure_logic(std::string_view prompt, std::string_view action);
  double measure_overlap();
  double ask_nli(std::string_view prompt, std::string_view action);
  double measure_facts(std::string_view prompt);
  bool fetch_context(std::string_view prompt);
  double note(double divergence, rule which) noexcept;
  result<void> change(backfire_config changed);

  backfire_config config_;
  scorer_sources sources_;
  std::deque<double> history_;
  lower_text prompt_;
  lower_text action_;
  lower_text context_;
  word_sets sets_;
  std::string known_; // the context as it was given
  std::vector<found_fact> facts_;
  findings last_;
};

} // namespace mycelium::oversight
