// What a stream is checked against. Plain values: copy them freely; check() tells whether they make sense.
#pragma once

#include "schema/status.hpp"

#include <cstdint>

namespace mycelium::oversight {

struct backfire_config {
  double coherence_threshold = 0.6; // review: approved from here on
  double hard_limit = 0.5;
  double soft_limit = 0.7; // a warning below
  double w_logic = 0.6;
  double w_fact = 0.4;
  std::uint32_t window_size = 10;
  double window_threshold = 0.55;
  std::uint32_t trend_window = 5;
  double trend_threshold = 0.15;
  std::uint32_t history_window = 5;
  double deadline_ms = 50;
  double logit_entropy_limit = 1.2; // bits per token

  // invalid_argument with the first wrong field in the order above: "config error: hard_limit must be ..., is ...".
  result<void> check() const;
};

// What backfire_config leaves open; the defaults are the plain kernel.
struct stream_options {
  bool soft_halt = false;           // finish the sentence where the check that fired allows it
  std::uint32_t soft_tokens = 50;   // at most so many tokens more
  bool whole_sentences = false;     // release tokens only when their sentence is complete
  std::uint32_t score_every = 1;    // only tokens 0, n, 2n, ... are scored
  std::uint32_t evidence_size = 16; // the newest scores, kept for who asks why
  bool ewma = false;                // smoothed += weight (score - smoothed); halts below the limit
  double ewma_weight = 0.2;
  double ewma_limit = 0.55;
  bool cusum = false; // drift = max(0, drift + ((target - slack) - score)); halts above the limit
  double cusum_target = 0.75;
  double cusum_slack = 0.05;
  double cusum_limit = 1.0;

  result<void> check() const;
};

// The largest window, trend, history or evidence: bounds what one stream can take.
constexpr std::uint32_t largest_window = 65536;

} // namespace mycelium::oversight
