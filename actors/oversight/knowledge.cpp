#include "actors/oversight/knowledge.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <unordered_set>

namespace mycelium::oversight {
namespace {

constexpr double k1 = 1.2;
constexpr double b = 0.75;

template <class Body>
void for_each_word(std::string_view text, Body body) {
  lower_text lower;
  lower.assign(text);
  std::size_t at = 0;
  for (auto word = lower.next_word(at); !word.empty(); word = lower.next_word(at))
    body(std::string(word));
}

// Its distinct words in the order of the query; without function words, unless there are no others.
std::vector<std::string> query_words(std::string_view query) {
  std::unordered_set<std::string> seen;
  std::vector<std::string> all;
  std::vector<std::string> telling;
  for_each_word(query, [&](const std::string& word) {
    if (!seen.insert(word).second)
      return;
    all.push_back(word);
    if (!is_function_word(word))
      telling.push_back(word);
  });
  return telling.empty() ? all : telling;
}

} // namespace

result<std::uint64_t> in_memory_knowledge::add(std::string_view text) {
  if (text.size() > largest_fact)
    return failure{status::invalid_argument, "a fact may have at most " + std::to_string(largest_fact) +
                                                 " bytes, this one has " + std::to_string(text.size())};
  const std::unique_lock lock(mutex_);
  const auto id = ++last_id_;
  auto& added = facts_[id];
  added.text = text;
  for_each_word(text, [&](std::string word) {
    words_[std::move(word)][id] += 1;
    added.length += 1;
  });
  length_ += added.length;
  return id;
}

bool in_memory_knowledge::remove(std::uint64_t id) {
  const std::unique_lock lock(mutex_);
  const auto found = facts_.find(id);
  if (found == facts_.end())
    return false;
  for_each_word(found->second.text, [&](const std::string& word) {
    if (const auto at = words_.find(word); at != words_.end()) {
      at->second.erase(id);
      if (at->second.empty())
        words_.erase(at);
    }
  });
  length_ -= found->second.length;
  facts_.erase(found);
  return true;
}

std::size_t in_memory_knowledge::size() const {
  const std::shared_lock lock(mutex_);
  return facts_.size();
}

result<std::string> in_memory_knowledge::text(std::uint64_t id) const {
  const std::shared_lock lock(mutex_);
  const auto found = facts_.find(id);
  if (found == facts_.end())
    return failure{status::invalid_argument, "there is no fact " + std::to_string(id)};
  return found->second.text;
}

std::vector<found_fact> in_memory_knowledge::find(std::string_view query, std::size_t most) const {
  const std::shared_lock lock(mutex_);
  return ranked(query, most);
}

std::vector<found_fact> in_memory_knowledge::ranked(std::string_view query, std::size_t most) const {
  // Sums are made in the order of the query's words: the same to the bit whatever the table's order is.
  std::map<std::uint64_t, double> scores;
  const auto count = double(facts_.size());
  const double mean = length_ / count;
  for (const auto& word : query_words(query)) {
    const auto at = words_.find(word);
    if (at == words_.end())
      continue;
    const auto with = double(at->second.size());
    const double rarity = std::log(1 + (count - with + 0.5) / (with + 0.5));
    for (const auto& [id, times] : at->second)
      scores[id] += rarity * (times * (k1 + 1)) / (times + k1 * (1 - b + b * facts_.at(id).length / mean));
  }
  std::vector<found_fact> found;
  for (const auto& [id, score] : scores)
    found.push_back({id, score});
  std::stable_sort(found.begin(), found.end(),
                   [](const found_fact& x, const found_fact& y) { return x.score > y.score; });
  found.resize(std::min(found.size(), most));
  return found;
}

bool in_memory_knowledge::context(std::string_view prompt, std::string& out, std::vector<found_fact>* used) const {
  const std::shared_lock lock(mutex_);
  auto found = ranked(prompt, 3);
  out.clear();
  while (!found.empty() && found.back().score < found.front().score / 2)
    found.pop_back();
  for (const auto& each : found)
    out += (out.empty() ? "" : "\n") + facts_.at(each.id).text;
  const bool any = !found.empty();
  if (used != nullptr)
    *used = std::move(found);
  return any;
}

} // namespace mycelium::oversight
