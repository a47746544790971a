#include "actors/oversight/physics/phase_kernel.hpp"

#include <array>

namespace mycelium::oversight {

extern const phase_kernel phase_kernel_plain;
#ifdef MYCELIUM_PHASE_KERNELS_X86
extern const phase_kernel phase_kernel_avx2;
extern const phase_kernel phase_kernel_avx512;
#endif

namespace {

struct kernel_list {
  std::array<const phase_kernel*, 3> all{};
  std::size_t count = 0;

  kernel_list() noexcept {
    all[count++] = &phase_kernel_plain;
#ifdef MYCELIUM_PHASE_KERNELS_X86
    if (__builtin_cpu_supports("avx2"))
      all[count++] = &phase_kernel_avx2;
    if (__builtin_cpu_supports("avx512f"))
      all[count++] = &phase_kernel_avx512;
#endif
  }
};

} // namespace

std::span<const phase_kernel* const> phase_kernels() noexcept {
  static const kernel_list list;
  return {list.all.data(), list.count};
}

} // namespace mycelium::oversight
