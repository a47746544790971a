// The phase kernel for every processor.
#define PHASE_KERNEL phase_kernel_plain
#define PHASE_LANES 2
#include "actors/oversight/physics/phase_kernel_body.hpp"
