// The phase kernel for processors with AVX-512.
#define PHASE_KERNEL phase_kernel_avx512
#define PHASE_LANES 8
#include "actors/oversight/physics/phase_kernel_body.hpp"
