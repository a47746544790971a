// A file that grows by whole pieces: a piece is there, or the file is as it was before.
#pragma once

#include "schema/status.hpp"
#include "tools/recording/mcap.hpp"

#include <optional>

namespace mycelium::mcap {

// CRC-32 as in zlib and MCAP.
std::uint32_t crc32(bytes content, std::uint32_t before = 0) noexcept;

struct piece_part {
  bytes content;
  std::optional<std::uint32_t> crc = std::nullopt; // if it is known already
};

class output_file {
public:
  // Fails if the file exists, unless overwrite; then its content is gone. invalid_argument with path and reason.
  static result<output_file> create(const std::string& path, bool overwrite);
  ~output_file();
  output_file(output_file&& other) noexcept;
  output_file& operator=(output_file&&) = delete;

  // Goes to the kernel at once, so that the end of this process does not matter. After a failure (a full disk, a limit)
  // what was written of the piece is cut off again. internal with path and reason.
  result<void> append(std::span<const piece_part> parts);
  // To the disk, so that the end of the machine does not matter either.
  result<void> sync();
  // Syncs, too: some file systems tell of a full disk only now.
  result<void> close();

  const std::string& path() const noexcept { return path_; }
  std::uint64_t size() const noexcept { return size_; }
  std::uint32_t crc() const noexcept { return crc_; } // of everything

private:
  output_file(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  failure why(std::string_view what, int error) const;
  int write_all(std::span<const piece_part> parts) noexcept; // errno, or 0

  std::string path_;
  int fd_;
  std::uint64_t size_ = 0;
  std::uint32_t crc_ = 0;
};

} // namespace mycelium::mcap
