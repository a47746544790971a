// The body of a phase_kernel. A source that includes it is compiled with options for one set of vector instructions and
// says before: PHASE_KERNEL, the name of its kernel, and PHASE_LANES, how many doubles one vector holds. It uses
// nothing but itself: an inline function of another header, compiled here for a newer processor, could become
// everybody's.
#include "actors/oversight/physics/phase_kernel.hpp"

namespace mycelium::oversight {
namespace {

constexpr std::size_t lanes = PHASE_LANES;

// Vectors of the compiler.
typedef double real __attribute__((vector_size(8 * PHASE_LANES)));
typedef long long whole __attribute__((vector_size(8 * PHASE_LANES)));
typedef unsigned long long bits __attribute__((vector_size(8 * PHASE_LANES)));
typedef double memory __attribute__((vector_size(8 * PHASE_LANES), aligned(8), may_alias));

constexpr double tau = 6.283185307179586;
// To add it rounds to a whole number, which is then in the lowest bits.
constexpr double rounding = 6755399441055744.0; // 1.5 * 2^52

inline real load(const double* from) noexcept { return *reinterpret_cast<const memory*>(from); }
inline void store(double* to, real value) noexcept { *reinterpret_cast<memory*>(to) = value; }
inline real all(double value) noexcept { return value + real{}; }
inline real chosen(whole mask, real one, real other) noexcept {
  return reinterpret_cast<real>((reinterpret_cast<whole>(one) & mask) | (reinterpret_cast<whole>(other) & ~mask));
}

// Sine and cosine from their series on [-pi / 4, pi / 4] (coefficients of fdlibm), after taking away whole quarters of
// a turn. pi / 2 is split so that up to 2^20 quarters the first two products are exact.
inline void sincos(real angle, real& sine, real& cosine) noexcept {
  const real shifted = angle * 0.6366197723675814 + rounding;
  const whole quarter = reinterpret_cast<whole>(shifted);
  const real count = shifted - rounding;
  const real r = ((angle - count * 1.57079632673412561417e+00) - count * 6.07710050630396597660e-11) -
                 count * 2.02226624879595063154e-21;
  const real z = r * r;
  const real s = r + (z * r) * (-1.66666666666666324348e-01 +
                                z * (8.33333333332248946124e-03 +
                                     z * (-1.98412698298579493134e-04 +
                                          z * (2.75573137070700676789e-06 +
                                               z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
  const real half = 0.5 * z;
  const real w = 1.0 - half;
  const real c = w + (((1.0 - w) - half) +
                      (z * z) * (4.16666666666666019037e-02 +
                                 z * (-1.38888888888741095749e-03 +
                                      z * (2.48015872894767294178e-05 +
                                           z * (-2.75573143513906633035e-07 +
                                                z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))))));
  const whole odd = -(quarter & 1);
  const whole sine_sign = (quarter & 2) << 62;
  const whole cosine_sign = ((quarter + 1) & 2) << 62;
  sine = reinterpret_cast<real>(reinterpret_cast<whole>(chosen(odd, c, s)) ^ sine_sign);
  cosine = reinterpret_cast<real>(reinterpret_cast<whole>(chosen(odd, s, c)) ^ cosine_sign);
}

// Of normal positive numbers, by the method and the coefficients of fdlibm: x = 2^k m, m near 1.
inline real logarithm(real x) noexcept {
  constexpr long long root_half = 0x3fe6a09e00000000; // bits of sqrt(1 / 2), rounded down
  const whole shifted = reinterpret_cast<whole>(x) + (0x3ff0000000000000 - root_half);
  const whole exponent = reinterpret_cast<whole>(reinterpret_cast<bits>(shifted) >> 52) - 0x3ff;
  const real k = reinterpret_cast<real>(exponent + 0x4338000000000000) - rounding;
  const real f = reinterpret_cast<real>((shifted & 0x000fffffffffffff) + root_half) - 1.0;
  const real half = 0.5 * f * f;
  const real s = f / (2.0 + f);
  const real z = s * s;
  const real w = z * z;
  const real even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const real odd = z * (6.666666666666735130e-01 +
                        w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  return k * 6.93147180369123816490e-01 - ((half - (s * (half + (odd + even)) + k * 1.90821492927058770002e-10)) - f);
}

// e^x = 2^k e^r with |r| <= ln 2 / 2, by the method and the coefficients of fdlibm.
inline real exponential(real x) noexcept {
  const real shifted = x * 1.44269504088896338700e+00 + rounding;
  const real k = shifted - rounding;
  const real high = x - k * 6.93147180369123816490e-01;
  const real low = k * 1.90821492927058770002e-10;
  const real r = high - low;
  const real z = r * r;
  const real c =
      r -
      z * (1.66666666666666019037e-01 +
           z * (-2.77777777770155933842e-03 +
                z * (6.61375632143793436117e-05 + z * (-1.65339022054652515390e-06 + z * 4.13813679705723846039e-08))));
  const real y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
  return reinterpret_cast<real>(reinterpret_cast<whole>(y) + (reinterpret_cast<whole>(shifted) << 52));
}

void exponential_all(const double* x, double* out, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; i += lanes)
    store(out + i, exponential(load(x + i)));
}

void sincos_all(const double* angle, double* sine, double* cosine, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; i += lanes) {
    real s;
    real c;
    sincos(load(angle + i), s, c);
    store(sine + i, s);
    store(cosine + i, c);
  }
}

void normals(const double* first, const double* second, double scale, double* out, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; i += lanes) {
    const real u = load(first + i);
    store(out + i, -2.0 * logarithm(chosen(u < 1e-300, all(1e-300), u)));
  }
  for (std::size_t i = 0; i < count; ++i)
    out[i] = __builtin_sqrt(out[i]);
  for (std::size_t i = 0; i < count; i += lanes) {
    real s;
    real c;
    sincos(tau * load(second + i), s, c);
    store(out + i, scale * (load(out + i) * c));
  }
}

// Eight sums, of every eighth number, whatever a vector holds; then those in order.
double sum(const double* numbers, std::size_t n) noexcept {
  double parts[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (std::size_t part = 0; part < 8; ++part)
      parts[part] += numbers[i + part];
  for (std::size_t part = 0; i < n; ++i, ++part)
    parts[part] += numbers[i];
  return ((parts[0] + parts[4]) + (parts[2] + parts[6])) + ((parts[1] + parts[5]) + (parts[3] + parts[7]));
}

double order(const double* sine, const double* cosine, std::size_t n) noexcept {
  const double s = sum(sine, n) / double(n);
  const double c = sum(cosine, n) / double(n);
  const double length = __builtin_sqrt(s * s + c * c);
  return length < 1 ? length : 1;
}

// Into [0, 2 pi), for |angle| up to farthest_phase: 2 pi is split so that both products are exact.
inline real turned(real angle) noexcept {
  const real turns = (angle * 0.15915494309189535 + rounding) - rounding;
  real rest = (angle - turns * 6.2831853069365025) - turns * 2.430837753308879e-10;
  rest += chosen(rest < 0.0, all(tau), all(0));
  return chosen(rest < tau, rest, all(0)); // a tiny negative angle plus 2 pi rounds to 2 pi
}

// Rows from `from` on, as many as one block has: velocity, and the phases that follow.
inline whole move_block(phase_step& at, std::size_t padded, std::size_t from) noexcept {
  constexpr std::size_t vectors = phase_padding / lanes > 4 ? 4 : phase_padding / lanes;
  whole far = {};
  for (std::size_t block = from; block < from + phase_padding; block += vectors * lanes) {
    real pull_sine[vectors] = {};
    real pull_cosine[vectors] = {};
    const double* column = at.k + block;
    for (std::size_t j = 0; j < at.n; ++j, column += padded)
      for (std::size_t v = 0; v < vectors; ++v) {
        const real k = load(column + v * lanes);
        pull_sine[v] += k * at.sine[j];
        pull_cosine[v] += k * at.cosine[j];
      }
    for (std::size_t v = 0; v < vectors; ++v) {
      const std::size_t i = block + v * lanes;
      const real c = load(at.cosine + i);
      const real velocity =
          ((load(at.omega + i) + c * pull_sine[v]) - load(at.sine + i) * pull_cosine[v]) + at.field * c;
      const real moved = (load(at.theta + i) + velocity * at.dt) + load(at.noise + i);
      far |= ~((moved < farthest_phase) & (moved > -farthest_phase)); // what is not a number is far, too
      store(at.velocity + i, velocity);
      store(at.theta + i, moved);
    }
  }
  return far;
}

bool any(whole mask) noexcept {
  long long all = 0;
  for (std::size_t i = 0; i < lanes; ++i)
    all |= mask[i];
  return all != 0;
}

void step(phase_step& at) noexcept {
  const std::size_t padded = padded_size(at.n);
  whole far = {};
  for (std::size_t from = 0; from < padded; from += phase_padding)
    far |= move_block(at, padded, from);
  if (any(far)) [[unlikely]]
    at.turn_far(at.theta, padded);
  for (std::size_t i = 0; i < padded; i += lanes) {
    const real theta = turned(load(at.theta + i));
    real s;
    real c;
    sincos(theta, s, c);
    store(at.theta + i, theta);
    store(at.sine + i, s);
    store(at.cosine + i, c);
  }
  at.order = order(at.sine, at.cosine, at.n);
}

} // namespace

#define PHASE_TEXT_OF(name) #name
#define PHASE_TEXT(name) PHASE_TEXT_OF(name)
extern const phase_kernel PHASE_KERNEL;
const phase_kernel PHASE_KERNEL{PHASE_TEXT(PHASE_KERNEL), sincos_all, exponential_all, order, normals, step};

} // namespace mycelium::oversight
