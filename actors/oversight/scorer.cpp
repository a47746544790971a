#include "actors/oversight/scorer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace mycelium::oversight {
namespace {

constexpr double unknown = 0.5;
constexpr double contradiction = 0.8; // at least, where sentences deny each other

struct phrase {
  std::string_view text;
  double divergence;
};
constexpr std::array phrases{phrase{"consistent with reality", 0.1}, phrase{"opposite is true", 0.9},
                             phrase{"depends on your perspective", 0.5}};

rule rule_of(mismatch_kind kind) noexcept { return kind == mismatch_kind::number ? rule::number : rule::negation; }

// Runs a callback of the user; what it throws is its failure.
template <class Call>
void ask(callback_answer& answer, Call call) {
  try {
    call(answer);
  } catch (const std::exception& e) {
    answer.failure = e.what();
  } catch (...) {
    answer.failure = "the callback has thrown what is no std::exception";
  }
}

} // namespace

const char* rule_name(rule which) noexcept {
  constexpr std::array names{"none",    "nli",      "nli_failed", "phrase",       "no_words",
                             "overlap", "negation", "number",     "no_knowledge", "knowledge_failed"};
  return names[std::size_t(which)];
}

result<coherence_scorer> coherence_scorer::create(const backfire_config& config, scorer_sources sources) {
  if (const auto right = config.check(); !right)
    return right.error();
  return coherence_scorer(config, std::move(sources));
}

result<review> coherence_scorer::review(std::string_view prompt, std::string_view action) {
  if (const auto right = begin(prompt, action); !right)
    return right.error();
  oversight::review out;
  out.h_logical = measure_logic(prompt, action);
  out.h_factual = measure_facts(prompt);
  out.logic_rule = last_.logic_rule;
  out.fact_rule = last_.fact_rule;
  out.score = std::clamp(1 - (config_.w_logic * out.h_logical + config_.w_fact * out.h_factual), 0.0, 1.0);
  out.approved = out.score >= config_.coherence_threshold;
  out.warning = out.approved && out.score < config_.soft_limit;
  if (out.approved && config_.history_window > 0) {
    if (history_.size() == config_.history_window)
      history_.pop_front();
    history_.push_back(out.score);
  }
  return out;
}

result<double> coherence_scorer::divergence(std::string_view prompt, std::string_view action) {
  if (const auto right = begin(prompt, action); !right)
    return right.error();
  const double logic = measure_logic(prompt, action);
  return config_.w_logic * logic + config_.w_fact * measure_facts(prompt);
}

result<double> coherence_scorer::logical_divergence(std::string_view prompt, std::string_view action) {
  if (const auto right = begin(prompt, action); !right)
    return right.error();
  return measure_logic(prompt, action);
}

result<double> coherence_scorer::factual_divergence(std::string_view prompt, std::string_view action) {
  if (const auto right = begin(prompt, action); !right)
    return right.error();
  return measure_facts(prompt);
}

result<void> coherence_scorer::begin(std::string_view prompt, std::string_view action) {
  if (prompt.size() > largest_text || action.size() > largest_text)
    return failure{status::invalid_argument, "prompt and action may have at most " + std::to_string(largest_text) +
                                                 " bytes each, the larger has " +
                                                 std::to_string(std::max(prompt.size(), action.size()))};
  last_.logic_rule = last_.fact_rule = rule::none;
  prompt_.assign(prompt);
  action_.assign(action);
  return {};
}

double coherence_scorer::measure_logic(std::string_view prompt, std::string_view action) {
  last_.logic_mismatch = {};
  last_.logic_error.clear();
  last_.phrase = {};
  return last_.h_logical = sources_.nli ? ask_nli(prompt, action) : measure_overlap();
}

double coherence_scorer::ask_nli(std::string_view prompt, std::string_view action) {
  callback_answer answer;
  ask(answer, [&](callback_answer& into) { sources_.nli(prompt, action, into); });
  last_.logic_rule = rule::nli;
  if (!answer.failure && answer.score && std::isfinite(*answer.score))
    return std::clamp(*answer.score, 0.0, 1.0);
  last_.logic_rule = rule::nli_failed;
  last_.logic_error = answer.failure ? std::move(*answer.failure)
                      : answer.score ? "the score is not finite"
                                     : "there is no score";
  return unknown;
}

// What words show: a telling phrase, the share of the prompt's words that come again, and whether they are denied.
double coherence_scorer::measure_overlap() {
  for (const auto& each : phrases)
    if (action_.view().find(each.text) != std::string_view::npos) {
      last_.phrase = each.text;
      last_.logic_rule = rule::phrase;
      return each.divergence;
    }
  sets_.clear();
  std::size_t at = 0;
  for (auto piece = prompt_.next_piece(at); !piece.empty(); piece = prompt_.next_piece(at))
    sets_.add_first(piece);
  last_.logic_rule = rule::no_words;
  if (sets_.first() == 0)
    return unknown;
  at = 0;
  for (auto piece = action_.next_piece(at); !piece.empty(); piece = action_.next_piece(at))
    sets_.add_second(piece);
  const double share = double(sets_.both()) / double(sets_.first());
  const double found = std::clamp(0.5 - 0.3 * share, 0.1, 0.9);
  last_.logic_rule = rule::overlap;
  last_.logic_mismatch = find_mismatch(prompt_, action_);
  if (last_.logic_mismatch.kind == mismatch_kind::none)
    return found;
  last_.logic_rule = rule_of(last_.logic_mismatch.kind);
  return std::max(found, contradiction);
}

double coherence_scorer::measure_facts(std::string_view prompt) {
  last_.fact_mismatch = {};
  last_.fact_error.clear();
  last_.h_factual = unknown;
  if (!fetch_context(prompt))
    return unknown;
  context_.assign(known_);
  sets_.clear();
  std::size_t at = 0;
  for (auto word = context_.next_word(at); !word.empty(); word = context_.next_word(at))
    sets_.add_first(word);
  at = 0;
  for (auto word = action_.next_word(at); !word.empty(); word = action_.next_word(at))
    sets_.add_second(word);
  last_.fact_rule = rule::no_words;
  if (sets_.first() == 0 || sets_.second() == 0)
    return unknown;
  const double both = double(sets_.both());
  last_.h_factual = 1 - std::max(both / double(sets_.first()), both / double(sets_.second()));
  last_.fact_rule = rule::overlap;
  last_.fact_mismatch = find_mismatch(context_, action_);
  if (last_.fact_mismatch.kind != mismatch_kind::none) {
    last_.fact_rule = rule_of(last_.fact_mismatch.kind);
    last_.h_factual = std::max(last_.h_factual, contradiction);
  }
  return last_.h_factual;
}

// What is known of a prompt, into known_. False, with the rule, if nothing is.
bool coherence_scorer::fetch_context(std::string_view prompt) {
  last_.fact_rule = rule::no_knowledge;
  facts_.clear();
  if (!sources_.knowledge)
    return sources_.store != nullptr && sources_.store->context(prompt, known_, &facts_);
  callback_answer answer;
  ask(answer, [&](callback_answer& into) { sources_.knowledge(prompt, into); });
  if (!answer.failure && answer.text && answer.text->size() > largest_text)
    answer.failure = "the text is too large: " + std::to_string(answer.text->size()) + " bytes";
  if (answer.failure) {
    last_.fact_rule = rule::knowledge_failed;
    last_.fact_error = std::move(*answer.failure);
    return false;
  }
  if (!answer.text)
    return false;
  known_ = std::move(*answer.text);
  return true;
}

result<void> coherence_scorer::change(backfire_config changed) {
  if (const auto right = changed.check(); !right)
    return right.error();
  config_ = changed;
  return {};
}

result<void> coherence_scorer::set_threshold(double coherence_threshold) {
  auto changed = config_;
  changed.coherence_threshold = coherence_threshold;
  return change(changed);
}

result<void> coherence_scorer::set_soft_limit(double soft_limit) {
  auto changed = config_;
  changed.soft_limit = soft_limit;
  return change(changed);
}

} // namespace mycelium::oversight
