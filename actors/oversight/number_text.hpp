// Numbers as they stand in halt reasons and errors. Never the locale's.
#pragma once

#include <string>

namespace mycelium::oversight {

std::string four_decimals(double value); // 0.1600
std::string shortest(double value);      // 0.15; never with an exponent, so 1 and 0.00001

} // namespace mycelium::oversight
