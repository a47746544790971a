// The phase kernel for processors with AVX2.
#define PHASE_KERNEL phase_kernel_avx2
#define PHASE_LANES 4
#include "actors/oversight/physics/phase_kernel_body.hpp"
