// The type of the reports that nodes publish of themselves (report.fbs), for who publishes, shows or leaves them out.
#pragma once

#include <cstdint>

namespace mycelium::schema {

inline constexpr std::uint16_t report_type_id = 141; // NodeReport

} // namespace mycelium::schema
