// Any bytes as fact, prompt and action, a line feed between them: a review in its ranges, the same again, and evidence
// that is JSON.
#include "backfire.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

struct destroy {
  void operator()(BackfireKnowledge* knowledge) const { backfire_knowledge_destroy(knowledge); }
  void operator()(BackfireScorer* scorer) const { backfire_scorer_destroy(scorer); }
};

void check(bool right) {
  if (!right)
    std::abort();
}

// Up to the next line feed, as a copy of its own, so that a byte too far is seen.
std::string next_text(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  std::string text(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  text.shrink_to_fit();
  return text;
}

BackfireReview review(BackfireScorer* scorer, const std::string& prompt, const std::string& action) {
  BackfireReview found{};
  found.struct_size = sizeof found;
  check(backfire_scorer_review(scorer, prompt.data(), prompt.size(), action.data(), action.size(), &found) ==
        BACKFIRE_SUCCESS);
  check(found.score >= 0 && found.score <= 1 && found.h_factual >= 0 && found.h_factual <= 1);
  check(found.h_logical >= 0.1 && found.h_logical <= 0.9);
  return found;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto fact = next_text(rest);
  const auto prompt = next_text(rest);
  const std::string action(rest);

  const std::unique_ptr<BackfireKnowledge, destroy> store(backfire_knowledge_create());
  std::uint64_t id = 0;
  check(backfire_knowledge_add(store.get(), fact.data(), fact.size(), &id) == BACKFIRE_SUCCESS);
  BackfireScorerOptions options{};
  options.struct_size = sizeof options;
  options.store = store.get();
  BackfireScorer* made = nullptr;
  check(backfire_scorer_create(nullptr, &options, &made) == BACKFIRE_SUCCESS);
  const std::unique_ptr<BackfireScorer, destroy> scorer(made);
  const auto first = review(made, prompt, action);
  check(review(made, prompt, action).score == first.score);

  std::size_t length = 0;
  check(backfire_scorer_evidence_json(made, nullptr, 0, &length) == BACKFIRE_SUCCESS);
  std::string evidence(length + 1, '\0');
  check(backfire_scorer_evidence_json(made, evidence.data(), evidence.size(), nullptr) == BACKFIRE_SUCCESS);
  check(nlohmann::json::accept(evidence.substr(0, length)));
  check(backfire_knowledge_remove(store.get(), id) == 1);
  return 0;
}
