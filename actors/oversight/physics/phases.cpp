#include "actors/oversight/physics/phases.hpp"
#include "actors/oversight/physics/random.hpp"

#include <algorithm>

namespace mycelium::oversight {

const vector& standard_omega() {
  static const vector omega = [] {
    vector w(standard_size);
    w << 1.329, 251.327, 0.628, 31.416, 6.283, 49.199, 3.142, 0.105, 1.571, 0.942, 0.209, 0.042, 0.013, 0.006, 0.003,
        0.991;
    return w;
  }();
  return omega;
}

const matrix& standard_coupling() {
  static const matrix coupling = [] {
    matrix k = matrix::Zero(standard_size, standard_size);
    for (int n = 0; n < standard_size; ++n)
      for (int m = 0; m < standard_size; ++m)
        if (n != m)
          k(n, m) = 0.45 * std::exp(-0.3 * std::abs(n - m));
    const auto anchor = [&k](int n, int m, double value) { k(n, m) = k(m, n) = value; };
    anchor(0, 1, 0.302);
    anchor(1, 2, 0.201);
    anchor(2, 3, 0.252);
    anchor(3, 4, 0.154);
    anchor(0, 15, 0.05);
    anchor(4, 6, 0.15);
    return k;
  }();
  return coupling;
}

double turned(double angle) noexcept {
  double rest = std::fmod(angle, tau);
  if (rest < 0)
    rest += tau;
  return rest < tau ? rest : 0.0; // a tiny negative angle plus 2 pi rounds to 2 pi
}

double wrapped(double angle) noexcept { return std::remainder(angle, tau); }

double order_parameter(const vector& theta) noexcept {
  return std::min(1.0, std::hypot(theta.array().cos().mean(), theta.array().sin().mean()));
}

double circular_mean(const vector& theta) noexcept {
  return std::atan2(theta.array().sin().sum(), theta.array().cos().sum());
}

bool all_finite(values numbers) noexcept {
  return std::all_of(numbers.begin(), numbers.end(), [](double each) { return std::isfinite(each); });
}

result<vector> read_phases(values theta, Eigen::Index n, const char* name) {
  if (static_cast<Eigen::Index>(theta.size()) != n)
    return failure{status::invalid_argument, std::string(name) + " length mismatch: expected " + std::to_string(n) +
                                                 ", got " + std::to_string(theta.size())};
  vector read = Eigen::Map<const vector>(theta.data(), n);
  if (!read.allFinite())
    return failure{status::invalid_argument, std::string("input ") + name + " contains NaN or Inf"};
  return read;
}

result<network> network::standard(int n) {
  if (n < 2 || n > standard_size)
    return failure{status::invalid_argument,
                   "n must be in [2, 16] where omega or k is left out, is " + std::to_string(n)};
  return network{standard_omega().head(n), standard_coupling().topLeftCorner(n, n)};
}

result<void> network::check() const {
  const auto wrong = [](const char* text) { return failure{status::invalid_argument, text}; };
  if (omega.size() < 2 || omega.size() > 1024)
    return wrong("omega must have 2 to 1024 elements");
  if (k.rows() != omega.size() || k.cols() != omega.size())
    return wrong("k must be a square of omega's size");
  if (!omega.allFinite() || !k.allFinite())
    return wrong("omega and k must be finite");
  if (k != k.transpose() || k.diagonal() != vector::Zero(k.rows()))
    return wrong("k must be symmetric with a zero diagonal");
  return {};
}

} // namespace mycelium::oversight
