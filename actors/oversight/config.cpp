#include "actors/oversight/config.hpp"
#include "actors/oversight/number_text.hpp"

#include <cmath>
#include <optional>

namespace mycelium::oversight {
namespace {

// Keeps the first complaint.
class complaints {
public:
  void require(bool right, const char* field, const std::string& rule, double value) {
    if (!right && !found_)
      found_ = failure{status::invalid_argument,
                       std::string("config error: ") + field + " must be " + rule + ", is " + shortest(value)};
  }
  // Written so that what is not a number fails.
  void unit(const char* field, double value) { require(value >= 0 && value <= 1, field, "in [0, 1]", value); }
  void positive(const char* field, double value) {
    require(value > 0 && std::isfinite(value), field, "finite and > 0", value);
  }
  void count(const char* field, std::uint32_t least, std::uint32_t value) {
    require(value >= least && value <= largest_window, field,
            "in [" + std::to_string(least) + ", " + std::to_string(largest_window) + "]", value);
  }

  result<void> verdict() const { return found_ ? result<void>(*found_) : result<void>(); }

private:
  std::optional<failure> found_;
};

} // namespace

result<void> backfire_config::check() const {
  complaints all;
  all.unit("coherence_threshold", coherence_threshold);
  all.unit("hard_limit", hard_limit);
  all.unit("soft_limit", soft_limit);
  all.require(soft_limit >= hard_limit, "soft_limit", ">= hard_limit (" + shortest(hard_limit) + ")", soft_limit);
  all.unit("w_logic", w_logic);
  all.unit("w_fact", w_fact);
  all.require(std::abs(w_logic + w_fact - 1) <= 1e-9, "w_logic + w_fact", "1 within 1e-9", w_logic + w_fact);
  all.count("window_size", 1, window_size);
  all.unit("window_threshold", window_threshold);
  all.count("trend_window", 2, trend_window);
  all.positive("trend_threshold", trend_threshold);
  all.count("history_window", 0, history_window);
  all.positive("deadline_ms", deadline_ms);
  all.positive("logit_entropy_limit", logit_entropy_limit);
  return all.verdict();
}

result<void> stream_options::check() const {
  complaints all;
  all.count("soft_tokens", 1, soft_tokens);
  all.count("score_every", 1, score_every);
  all.count("evidence_size", 1, evidence_size);
  all.require(ewma_weight > 0 && ewma_weight <= 1, "ewma_weight", "in (0, 1]", ewma_weight);
  all.unit("ewma_limit", ewma_limit);
  all.unit("cusum_target", cusum_target);
  all.unit("cusum_slack", cusum_slack);
  all.positive("cusum_limit", cusum_limit);
  return all.verdict();
}

} // namespace mycelium::oversight
