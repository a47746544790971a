// Where the bytes of a recording come from: a file, or memory.
#pragma once

#include "schema/status.hpp"
#include "tools/recording/mcap.hpp"

#include <memory>

namespace mycelium::mcap {

class byte_source {
public:
  virtual ~byte_source() = default;
  virtual const std::string& name() const noexcept = 0; // for errors
  virtual std::uint64_t size() const noexcept = 0;      // as it was when the source was opened
  // Fills all of `out`. internal if the bytes are not there (any more).
  virtual result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
};

// A file, which may grow meanwhile. invalid_argument with path and reason.
result<std::shared_ptr<const byte_source>> open_file(const std::string& path);
// Bytes that outlive the source.
std::shared_ptr<const byte_source> view_bytes(bytes content, std::string name);

} // namespace mycelium::mcap
