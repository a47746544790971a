// page.html, with its script and style, compiled into the program.
#pragma once

#include <cstdint>
#include <span>

namespace mycelium::cli {

std::span<const std::uint8_t> page_html() noexcept;

} // namespace mycelium::cli
