// Facts in memory, found by BM25 (k1 = 1.2, b = 0.75): the same facts and the same query give the same answer, to the
// bit. Any thread may use it at any time.
#pragma once

#include "actors/oversight/words.hpp"
#include "schema/status.hpp"

#include <map>
#include <shared_mutex>
#include <unordered_map>

namespace mycelium::oversight {

struct found_fact {
  std::uint64_t id = 0;
  double score = 0;
};

class in_memory_knowledge {
public:
  static constexpr std::size_t largest_fact = 65536; // bytes

  // invalid_argument if the text is too large. Ids are 1, 2, 3, ..., and never used again.
  result<std::uint64_t> add(std::string_view text);
  bool remove(std::uint64_t id); // false if there is no such fact
  std::size_t size() const;
  result<std::string> text(std::uint64_t id) const;

  // Facts that share a word with the query, function words only counting where it has no others: best first, the older
  // first among equals, at most so many.
  std::vector<found_fact> find(std::string_view query, std::size_t most) const;
  // What is known of a prompt: the best fact, then at most two more that score at least half of it, a line each. False
  // if there is none. used (may be nullptr) gets them.
  bool context(std::string_view prompt, std::string& out, std::vector<found_fact>* used) const;

private:
  struct fact {
    std::string text;
    double length = 0; // in words
  };
  struct posting {
    std::uint64_t id;
    double times;  // that the fact has the word
    double length; // of the fact
  };
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };

  std::vector<found_fact> ranked(std::string_view query, std::size_t most) const;
  void add_word_scores(std::string_view word, std::vector<found_fact>& sums) const;

  mutable std::shared_mutex mutex_;
  std::map<std::uint64_t, fact> facts_;
  std::unordered_map<std::string, std::vector<posting>, text_hash, std::equal_to<>> words_; // by ascending id
  double length_ = 0;                                                                       // of all facts, in words
  std::uint64_t last_id_ = 0;
};

} // namespace mycelium::oversight
