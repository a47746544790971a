#include "tools/recording/output_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>
#include <zlib.h>

namespace mycelium::mcap {

std::uint32_t crc32(bytes content, std::uint32_t before) noexcept {
  if (content.empty())
    return before; // zlib starts anew when there is no buffer
  return static_cast<std::uint32_t>(::crc32_z(before, content.data(), content.size()));
}

result<output_file> output_file::create(const std::string& path, bool overwrite) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL), 0666);
  if (fd >= 0)
    return output_file(path, fd);
  if (errno == EEXIST)
    return failure{status::invalid_argument, path + " exists already: choose another name, or overwrite it on purpose"};
  return failure{status::invalid_argument, path + " cannot be created: " + std::strerror(errno)};
}

output_file::output_file(output_file&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_), crc_(other.crc_) {}

output_file::~output_file() {
  if (fd_ >= 0)
    ::close(fd_);
}

failure output_file::why(std::string_view what, int error) const {
  std::string text = path_ + " " + std::string(what) + " after " + std::to_string(size_) +
                     " bytes: " + std::strerror(error) + "; what was recorded before is whole";
  if (error == ENOSPC || error == EDQUOT)
    text += ". Make room on that file system, or record to another one";
  else if (error == EFBIG)
    text += ". Raise the limit on file sizes (ulimit -f), or record to another file system";
  return {status::internal, std::move(text)};
}

int output_file::write_all(std::span<const piece_part> parts) noexcept {
  for (const auto& part : parts)
    for (auto rest = part.content; !rest.empty();) {
      const auto done = ::write(fd_, rest.data(), rest.size());
      if (done > 0)
        rest = rest.subspan(static_cast<std::size_t>(done));
      else if (done == 0)
        return ENOSPC;
      else if (errno != EINTR)
        return errno;
    }
  return 0;
}

result<void> output_file::append(std::span<const piece_part> parts) {
  if (const int error = write_all(parts); error != 0) {
    // Devices and pipes cannot be cut; nothing can be read back from them either.
    if (::ftruncate(fd_, static_cast<off_t>(size_)) == 0)
      ::lseek(fd_, static_cast<off_t>(size_), SEEK_SET);
    return why("cannot be written", error);
  }
  for (const auto& part : parts) {
    const auto length = part.content.size();
    crc_ = part.crc ? static_cast<std::uint32_t>(::crc32_combine(crc_, *part.crc, static_cast<z_off_t>(length)))
                    : crc32(part.content, crc_);
    size_ += length;
  }
  return {};
}

result<void> output_file::sync() {
  // EINVAL and EROFS: a device that has nothing to sync.
  if (::fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS)
    return why("does not reach the disk", errno);
  return {};
}

result<void> output_file::close() {
  if (fd_ < 0)
    return {};
  auto synced = sync();
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0 && errno != EINTR && synced)
    return why("cannot be closed", errno);
  return synced;
}

} // namespace mycelium::mcap
