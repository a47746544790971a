// Verdict: what a push answers.
#pragma once

#include "native.hpp"

namespace mycelium::backfire {

// text: the released part that this push adds.
PyObject* new_verdict(const BackfireVerdict& verdict, ref text);
// "hard_limit (0.1000 < 0.5)"
PyObject* reason_of(std::int32_t kind, double measured, double limit);

} // namespace mycelium::backfire
