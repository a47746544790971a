// Why a scorer found what it did. Made from what the last review has left, so that a review itself pays nothing for it.
#include "actors/oversight/scorer.hpp"

#include <nlohmann/json.hpp>

namespace mycelium::oversight {
namespace {

using json = nlohmann::ordered_json;

std::string text_of(std::string_view text) { return std::string(text); }

void add_mismatch(json& out, const mismatch& found) {
  if (found.kind == mismatch_kind::none)
    return;
  out["known_sentence"] = text_of(found.known);
  out["stated_sentence"] = text_of(found.stated);
  if (found.kind == mismatch_kind::number) {
    out["known_number"] = text_of(found.known_number);
    out["stated_number"] = text_of(found.stated_number);
  }
}

template <class Next>
json shared_words(const lower_text& one, const lower_text& other, Next next) {
  word_sets sets;
  std::size_t at = 0;
  for (auto word = (one.*next)(at); !word.empty(); word = (one.*next)(at))
    sets.add_first(word);
  at = 0;
  for (auto word = (other.*next)(at); !word.empty(); word = (other.*next)(at))
    sets.add_second(word);
  auto out = json::array();
  for (const auto word : sets.shared())
    out.push_back(text_of(word));
  return out;
}

bool compares_words(rule which) noexcept {
  return which == rule::overlap || which == rule::negation || which == rule::number;
}

} // namespace

std::string coherence_scorer::evidence_json() const {
  auto out = json::object();
  if (last_.logic_rule != rule::none) {
    auto& logic = out["logic"];
    logic["rule"] = rule_name(last_.logic_rule);
    logic["divergence"] = last_.h_logical;
    if (!last_.phrase.empty())
      logic["phrase"] = text_of(last_.phrase);
    if (compares_words(last_.logic_rule))
      logic["shared_words"] = shared_words(prompt_, action_, &lower_text::next_piece);
    add_mismatch(logic, last_.logic_mismatch);
    if (!last_.logic_error.empty())
      logic["error"] = last_.logic_error;
  }
  if (last_.fact_rule != rule::none) {
    auto& fact = out["fact"];
    fact["rule"] = rule_name(last_.fact_rule);
    fact["divergence"] = last_.h_factual;
    if (compares_words(last_.fact_rule) || last_.fact_rule == rule::no_words) {
      fact["context"] = known_;
      fact["facts"] = json::array();
      for (const auto& each : facts_)
        fact["facts"].push_back({{"id", each.id}, {"score", each.score}});
    }
    if (compares_words(last_.fact_rule))
      fact["shared_words"] = shared_words(context_, action_, &lower_text::next_word);
    add_mismatch(fact, last_.fact_mismatch);
    if (!last_.fact_error.empty())
      fact["error"] = last_.fact_error;
  }
  // Texts of the caller may be no UTF-8: what is none is replaced, never thrown.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace mycelium::oversight
