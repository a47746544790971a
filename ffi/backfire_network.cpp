// Random numbers and networks behind the C interface.
#include "ffi/backfire_network.hpp"
#include "actors/oversight/physics/random.hpp"

using namespace mycelium;
using namespace mycelium::ffi;
using namespace mycelium::oversight;

struct BackfireRandom {
  random_source source;
};

namespace mycelium::ffi {
namespace {

failure wrong_length(const char* name, std::size_t expected, std::size_t found) {
  return {status::invalid_argument, std::string(name) + " length mismatch: expected " + std::to_string(expected) +
                                        ", got " + std::to_string(found)};
}

} // namespace

matrix matrix_of(const double* data, std::size_t n) {
  const auto size = Eigen::Index(n);
  matrix out(size, size);
  for (Eigen::Index i = 0; i < size; ++i)
    for (Eigen::Index j = 0; j < size; ++j)
      out(i, j) = data[i * size + j];
  return out;
}

void copy_matrix(const matrix& from, double* to) noexcept {
  for (Eigen::Index i = 0; i < from.rows(); ++i)
    for (Eigen::Index j = 0; j < from.cols(); ++j)
      *to++ = from(i, j);
}

result<network> network_of(const BackfireNetwork* given) {
  BackfireNetwork ours{};
  if (given != nullptr && !read_struct(ours, given))
    return failure{status::invalid_argument, "struct_size of the network is not set; set it to sizeof the struct"};
  const std::size_t n = ours.n == 0 ? BACKFIRE_STANDARD_SIZE : ours.n;
  if (n < 2 || n > 1024)
    return failure{status::invalid_argument, "n must be in [2, 1024], is " + std::to_string(n)};
  network out;
  if (ours.omega == nullptr || ours.k == nullptr) {
    auto standard = network::standard(int(n));
    if (!standard)
      return standard.error();
    out = std::move(*standard);
  }
  if (ours.omega != nullptr) {
    if (ours.omega_len != n)
      return wrong_length("omega", n, ours.omega_len);
    out.omega = Eigen::Map<const vector>(ours.omega, Eigen::Index(n));
  }
  if (ours.k != nullptr) {
    if (ours.k_len != n * n)
      return wrong_length("k", n * n, ours.k_len);
    out.k = matrix_of(ours.k, n);
  }
  if (const auto right = out.check(); !right)
    return right.error();
  return out;
}

} // namespace mycelium::ffi

namespace {

template <class Number, class Draw>
std::int32_t fill(BackfireRandom* random, Number* out, std::size_t len, Draw draw) noexcept {
  if (random == nullptr || (out == nullptr && len != 0))
    return fail_null(random == nullptr ? "random" : "out");
  std::generate_n(out, len, [&] { return draw(random->source); });
  return BACKFIRE_SUCCESS;
}

} // namespace

extern "C" {

BackfireRandom* backfire_random_create(uint64_t seed) {
  BackfireRandom* made = nullptr;
  fenced([&] {
    made = new BackfireRandom{random_source(seed)};
    return 0;
  });
  return made;
}

int32_t backfire_random_next(BackfireRandom* random, uint64_t* out, size_t len) {
  return fill(random, out, len, [](auto& source) { return source.next(); });
}

int32_t backfire_random_uniform(BackfireRandom* random, double* out, size_t len) {
  return fill(random, out, len, [](auto& source) { return source.uniform(); });
}

int32_t backfire_random_normal(BackfireRandom* random, double* out, size_t len) {
  return fill(random, out, len, [](auto& source) { return source.normal(); });
}

void backfire_random_destroy(BackfireRandom* random) { delete random; }

int32_t backfire_standard_omega(double* out, size_t len) {
  if (const auto right = check_array("out", out, len, BACKFIRE_STANDARD_SIZE); right != BACKFIRE_SUCCESS)
    return right;
  return fenced([&] {
    std::copy_n(standard_omega().data(), len, out);
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

int32_t backfire_standard_coupling(double* out, size_t len) {
  constexpr std::size_t size = BACKFIRE_STANDARD_SIZE * BACKFIRE_STANDARD_SIZE;
  if (const auto right = check_array("out", out, len, size); right != BACKFIRE_SUCCESS)
    return right;
  return fenced([&] {
    copy_matrix(standard_coupling(), out);
    return std::int32_t{BACKFIRE_SUCCESS};
  });
}

} // extern "C"
