// Whether one text contradicts another, as far as words show it: a sentence that denies what a sentence of nearly the
// same words says, or has another number in it. docs/oversight.md states the rules.
#pragma once

#include "actors/oversight/words.hpp"

#include <cstdint>
#include <string>

namespace mycelium::oversight {

enum class mismatch_kind : std::uint8_t { none, negation, number };

// Views into the two texts.
struct mismatch {
  mismatch_kind kind = mismatch_kind::none;
  std::string_view known;  // the sentence of the first text
  std::string_view stated; // that of the second, which contradicts it
  std::string_view known_number;
  std::string_view stated_number;
};

// The first pair of sentences that contradict each other. Looks at the first 128 sentences of each text.
mismatch find_mismatch(const lower_text& known, const lower_text& stated);

} // namespace mycelium::oversight
