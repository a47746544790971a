#include "actors/oversight/knowledge.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace mycelium::oversight {
namespace {

constexpr double k1 = 1.2;
constexpr double b = 0.75;

template <class Body>
void for_each_word(const lower_text& text, Body body) {
  std::size_t at = 0;
  for (auto word = text.next_word(at); !word.empty(); word = text.next_word(at))
    body(word);
}

lower_text lowered(std::string_view text) {
  lower_text out;
  out.assign(text);
  return out;
}

// Its distinct words in the order of the query; without function words, unless there are no others.
std::vector<std::string_view> query_words(const lower_text& query) {
  word_sets words;
  for_each_word(query, [&](std::string_view word) {
    words.add_first(word);
    if (!is_function_word(word))
      words.add_second(word);
  });
  if (words.both() > 0)
    return words.shared();
  for_each_word(query, [&](std::string_view word) { words.add_second(word); });
  return words.shared();
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
  const auto words = lowered(text);
  for_each_word(words, [&](std::string_view) { added.length += 1; });
  for_each_word(words, [&](std::string_view word) {
    auto found = words_.find(word);
    if (found == words_.end())
      found = words_.emplace(std::string(word), std::vector<posting>()).first;
    auto& of_word = found->second;
    if (of_word.empty() || of_word.back().id != id)
      of_word.push_back({id, 0, added.length});
    of_word.back().times += 1;
  });
  length_ += added.length;
  return id;
}

bool in_memory_knowledge::remove(std::uint64_t id) {
  const std::unique_lock lock(mutex_);
  const auto found = facts_.find(id);
  if (found == facts_.end())
    return false;
  for_each_word(lowered(found->second.text), [&](std::string_view word) {
    const auto at = words_.find(word);
    if (at == words_.end())
      return;
    std::erase_if(at->second, [id](const posting& each) { return each.id == id; });
    if (at->second.empty())
      words_.erase(at);
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

// Sums are made in the order of the query's words: the same to the bit whatever the table's order is.
std::vector<found_fact> in_memory_knowledge::ranked(std::string_view query, std::size_t most) const {
  const auto lower = lowered(query);
  std::vector<found_fact> found;
  for (const auto word : query_words(lower))
    add_word_scores(word, found);
  const auto kept = found.begin() + std::ptrdiff_t(std::min(found.size(), most));
  std::partial_sort(found.begin(), kept, found.end(), [](const found_fact& x, const found_fact& y) {
    return x.score != y.score ? x.score > y.score : x.id < y.id;
  });
  found.erase(kept, found.end());
  return found;
}

// Adds a word's share to the sums, both of which are in the order of ids.
void in_memory_knowledge::add_word_scores(std::string_view word, std::vector<found_fact>& sums) const {
  const auto at = words_.find(word);
  if (at == words_.end())
    return;
  const auto count = double(facts_.size());
  const double mean = length_ / count;
  const auto with = double(at->second.size());
  const double rarity = std::log(1 + (count - with + 0.5) / (with + 0.5));
  std::vector<found_fact> merged;
  merged.reserve(sums.size() + at->second.size());
  auto sum = sums.begin();
  for (const auto& [id, times, length] : at->second) {
    while (sum != sums.end() && sum->id < id)
      merged.push_back(*sum++);
    const double before = sum != sums.end() && sum->id == id ? (sum++)->score : 0;
    merged.push_back({id, before + rarity * (times * (k1 + 1)) / (times + k1 * (1 - b + b * length / mean))});
  }
  merged.insert(merged.end(), sum, sums.end());
  sums.swap(merged);
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
