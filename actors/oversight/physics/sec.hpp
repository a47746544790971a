// How far oscillators are from coherence, as an energy V = Vc + Vf + Ve: coupling, frequency, entropy of the phases.
#pragma once

#include "actors/oversight/physics/phase_kernel.hpp"
#include "actors/oversight/physics/phases.hpp"

#include <optional>
#include <vector>

namespace mycelium::oversight {

struct sec_result {
  double v = 0;
  double v_normalised = 0;    // clamp(v / Vmax, 0, 1)
  double coherence_score = 0; // 1 - v_normalised
  double r_global = 0;
  double v_coupling = 0;
  double v_frequency = 0; // 0 without previous phases
  double v_entropy = 0;
  double dv_dt = 0; // of Vc + Ve, from the previous phases; 0 without
};

class sec_functional {
public:
  static result<sec_functional> create(double lambda_omega = 0.1, double lambda_entropy = 0.01,
                                       const network& oscillators = {});

  result<sec_result> evaluate(values theta, std::optional<values> previous = std::nullopt, double dt = 0.01) const;
  // 2 / (pi g(0)) for frequencies with a normal distribution of Omega's (population) standard deviation.
  double critical_coupling() const noexcept;
  double largest() const noexcept { return largest_; } // Vmax

private:
  sec_functional(double lambda_omega, double lambda_entropy, const network& oscillators);

  // Coupling and entropy of one set of phases.
  struct energy {
    double coupling = 0;
    double entropy = 0;
    double order = 0;
  };
  energy measure(const vector& theta) const;
  double coupling(values theta) const;
  double frequency(const vector& theta, const vector& previous, double dt) const;
  double entropy(values sine, values cosine) const;

  double lambda_omega_;
  double lambda_entropy_;
  network net_;
  double largest_;
  // Where the density of the phases is asked for.
  std::vector<double> point_sine_;
  std::vector<double> point_cosine_;
};

} // namespace mycelium::oversight
