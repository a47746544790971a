// Knowledge and scorer of oversight behind the C interface.
#include "actors/oversight/scorer.hpp"
#include "ffi/backfire_border.hpp"

using namespace mycelium;
using namespace mycelium::ffi;
using namespace mycelium::oversight;

struct BackfireKnowledge {
  std::shared_ptr<in_memory_knowledge> store;
};

struct BackfireScorer {
  coherence_scorer scorer;
};

struct BackfireAnswer {
  callback_answer answer;
};

namespace {

static_assert(int(rule::nli) == BACKFIRE_RULE_NLI && int(rule::nli_failed) == BACKFIRE_RULE_NLI_FAILED);
static_assert(int(rule::phrase) == BACKFIRE_RULE_PHRASE && int(rule::no_words) == BACKFIRE_RULE_NO_WORDS);
static_assert(int(rule::overlap) == BACKFIRE_RULE_OVERLAP && int(rule::negation) == BACKFIRE_RULE_NEGATION);
static_assert(int(rule::number) == BACKFIRE_RULE_NUMBER && int(rule::no_knowledge) == BACKFIRE_RULE_NO_KNOWLEDGE);
static_assert(int(rule::knowledge_failed) == BACKFIRE_RULE_KNOWLEDGE_FAILED);

std::string_view view_of(const char* text, std::size_t len) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text, len);
}

// A text may be NULL only where it is empty.
std::int32_t check_texts(const char* prompt, std::size_t prompt_len, const char* action,
                         std::size_t action_len) noexcept {
  if (prompt == nullptr && prompt_len != 0)
    return fail_null("prompt");
  return action == nullptr && action_len != 0 ? fail_null("action") : std::int32_t{BACKFIRE_SUCCESS};
}

scorer_sources sources_of(const BackfireScorerOptions& o) {
  scorer_sources out;
  if (o.nli != nullptr)
    out.nli = [call = o.nli, data = o.nli_data](std::string_view prompt, std::string_view action,
                                                callback_answer& into) {
      BackfireAnswer answer;
      call(prompt.data(), prompt.size(), action.data(), action.size(), &answer, data);
      into = std::move(answer.answer);
    };
  if (o.knowledge != nullptr)
    out.knowledge = [call = o.knowledge, data = o.knowledge_data](std::string_view prompt, callback_answer& into) {
      BackfireAnswer answer;
      call(prompt.data(), prompt.size(), &answer, data);
      into = std::move(answer.answer);
    };
  if (o.store != nullptr)
    out.store = o.store->store;
  return out;
}

using divergence = result<double> (coherence_scorer::*)(std::string_view, std::string_view);

std::int32_t measure(BackfireScorer* scorer, divergence which, const char* prompt, std::size_t prompt_len,
                     const char* action, std::size_t action_len, double* out) noexcept {
  if (scorer == nullptr || out == nullptr)
    return fail_null(scorer == nullptr ? "scorer" : "out");
  if (const auto right = check_texts(prompt, prompt_len, action, action_len); right != BACKFIRE_SUCCESS)
    return right;
  return fenced([&] {
    const auto found = (scorer->scorer.*which)(view_of(prompt, prompt_len), view_of(action, action_len));
    if (!found)
      return fail(found.error());
    *out = *found;
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

template <class Numbers>
std::int32_t copy_newest(const Numbers& from, double* out, std::size_t cap, std::size_t* out_count) noexcept {
  const auto count = std::min(cap, from.size());
  std::copy(from.end() - std::ptrdiff_t(count), from.end(), out);
  *out_count = count;
  return BACKFIRE_SUCCESS;
}

// An answer that memory was too short for is a failure.
template <class Body>
void answered(BackfireAnswer* answer, Body body) noexcept {
  if (answer == nullptr)
    return;
  try {
    body(answer->answer);
  } catch (...) {
    answer->answer = {};
    answer->answer.failure.emplace();
  }
}

} // namespace

extern "C" {

BackfireKnowledge* backfire_knowledge_create(void) {
  BackfireKnowledge* made = nullptr;
  fenced([&] {
    made = new BackfireKnowledge{std::make_shared<in_memory_knowledge>()};
    return 0;
  });
  return made;
}

int32_t backfire_knowledge_add(BackfireKnowledge* knowledge, const char* text, size_t len, uint64_t* out_id) {
  if (knowledge == nullptr || (text == nullptr && len != 0))
    return fail_null(knowledge == nullptr ? "knowledge" : "text");
  return fenced([&] {
    const auto id = knowledge->store->add(view_of(text, len));
    if (!id)
      return fail(id.error());
    if (out_id != nullptr)
      *out_id = *id;
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_knowledge_remove(BackfireKnowledge* knowledge, uint64_t id) {
  if (knowledge == nullptr)
    return fail_null("knowledge");
  return fenced([&] { return std::int32_t{knowledge->store->remove(id)}; });
}

int32_t backfire_knowledge_count(const BackfireKnowledge* knowledge, size_t* out_count) {
  if (knowledge == nullptr || out_count == nullptr)
    return fail_null(knowledge == nullptr ? "knowledge" : "out_count");
  return fenced([&] {
    *out_count = knowledge->store->size();
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_knowledge_find(const BackfireKnowledge* knowledge, const char* query, size_t len, BackfireFact* out,
                                size_t cap, size_t* out_count) {
  if (knowledge == nullptr || out_count == nullptr)
    return fail_null(knowledge == nullptr ? "knowledge" : "out_count");
  if ((query == nullptr && len != 0) || (out == nullptr && cap != 0))
    return fail_null(out == nullptr && cap != 0 ? "out" : "query");
  return fenced([&] {
    const auto found = knowledge->store->find(view_of(query, len), cap);
    std::transform(found.begin(), found.end(), out, [](const found_fact& each) {
      return BackfireFact{each.id, each.score};
    });
    *out_count = found.size();
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_knowledge_fact(const BackfireKnowledge* knowledge, uint64_t id, char* buffer, size_t cap,
                                size_t* out_len) {
  if (knowledge == nullptr)
    return fail_null("knowledge");
  return fenced([&] {
    const auto text = knowledge->store->text(id);
    return text ? copy_text(*text, buffer, cap, out_len) : fail(text.error());
  });
}

int32_t backfire_knowledge_context(const BackfireKnowledge* knowledge, const char* prompt, size_t len, char* buffer,
                                   size_t cap, size_t* out_len) {
  if (knowledge == nullptr || (prompt == nullptr && len != 0))
    return fail_null(knowledge == nullptr ? "knowledge" : "prompt");
  return fenced([&] {
    std::string text;
    knowledge->store->context(view_of(prompt, len), text, nullptr);
    return copy_text(text, buffer, cap, out_len);
  });
}

void backfire_knowledge_destroy(BackfireKnowledge* knowledge) { delete knowledge; }

void backfire_answer_score(BackfireAnswer* answer, double score) {
  answered(answer, [&](callback_answer& to) { to = {.score = score, .text = {}, .failure = {}}; });
}

void backfire_answer_text(BackfireAnswer* answer, const char* text, size_t len) {
  answered(answer, [&](callback_answer& to) { to = {{}, std::string(view_of(text, len)), {}}; });
}

void backfire_answer_failure(BackfireAnswer* answer, const char* text, size_t len) {
  answered(answer, [&](callback_answer& to) { to = {{}, {}, std::string(view_of(text, std::min<size_t>(len, 159)))}; });
}

int32_t backfire_scorer_create(const BackfireConfig* config, const BackfireScorerOptions* options,
                               BackfireScorer** out) {
  if (out == nullptr)
    return fail_null("out");
  *out = nullptr;
  return fenced([&] {
    BackfireConfig c;
    BackfireScorerOptions o{};
    if (!read_over_defaults(c, config, backfire_config_init) || (options != nullptr && !read_struct(o, options)))
      return fail_struct_size();
    auto made = coherence_scorer::create(config_of(c), sources_of(o));
    if (!made)
      return fail(made.error());
    *out = new BackfireScorer{std::move(*made)};
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_scorer_review(BackfireScorer* scorer, const char* prompt, size_t prompt_len, const char* action,
                               size_t action_len, BackfireReview* out) {
  if (scorer == nullptr || out == nullptr)
    return fail_null(scorer == nullptr ? "scorer" : "out");
  if (const auto right = check_texts(prompt, prompt_len, action, action_len); right != BACKFIRE_SUCCESS)
    return right;
  if (out->struct_size < sizeof(std::size_t) * 2) // before the review: it must not enter the history unseen
    return fail_struct_size();
  return fenced([&] {
    const auto found = scorer->scorer.review(view_of(prompt, prompt_len), view_of(action, action_len));
    if (!found)
      return fail(found.error());
    BackfireReview ours{0,
                        found->score,
                        found->h_logical,
                        found->h_factual,
                        found->approved,
                        found->warning,
                        std::int32_t(found->logic_rule),
                        std::int32_t(found->fact_rule)};
    return write_struct(out, ours);
  });
}

int32_t backfire_scorer_divergence(BackfireScorer* scorer, const char* prompt, size_t prompt_len, const char* action,
                                   size_t action_len, double* out) {
  return measure(scorer, &coherence_scorer::divergence, prompt, prompt_len, action, action_len, out);
}

int32_t backfire_scorer_logical(BackfireScorer* scorer, const char* prompt, size_t prompt_len, const char* action,
                                size_t action_len, double* out) {
  return measure(scorer, &coherence_scorer::logical_divergence, prompt, prompt_len, action, action_len, out);
}

int32_t backfire_scorer_factual(BackfireScorer* scorer, const char* prompt, size_t prompt_len, const char* action,
                                size_t action_len, double* out) {
  return measure(scorer, &coherence_scorer::factual_divergence, prompt, prompt_len, action, action_len, out);
}

int32_t backfire_scorer_evidence_json(const BackfireScorer* scorer, char* buffer, size_t cap, size_t* out_len) {
  if (scorer == nullptr)
    return fail_null("scorer");
  return fenced([&] { return copy_text(scorer->scorer.evidence_json(), buffer, cap, out_len); });
}

int32_t backfire_scorer_set_threshold(BackfireScorer* scorer, double coherence_threshold) {
  if (scorer == nullptr)
    return fail_null("scorer");
  return fenced([&] { return answer(scorer->scorer.set_threshold(coherence_threshold)); });
}

int32_t backfire_scorer_set_soft_limit(BackfireScorer* scorer, double soft_limit) {
  if (scorer == nullptr)
    return fail_null("scorer");
  return fenced([&] { return answer(scorer->scorer.set_soft_limit(soft_limit)); });
}

int32_t backfire_scorer_config(const BackfireScorer* scorer, BackfireConfig* out) {
  if (scorer == nullptr || out == nullptr)
    return fail_null(scorer == nullptr ? "scorer" : "out");
  auto ours = config_to_c(scorer->scorer.config());
  return write_struct(out, ours);
}

int32_t backfire_scorer_history(const BackfireScorer* scorer, double* out, size_t cap, size_t* out_count) {
  if (scorer == nullptr || out_count == nullptr || (out == nullptr && cap != 0))
    return fail_null(scorer == nullptr ? "scorer" : out_count == nullptr ? "out_count" : "out");
  return copy_newest(scorer->scorer.history(), out, cap, out_count);
}

void backfire_scorer_destroy(BackfireScorer* scorer) { delete scorer; }

} // extern "C"
