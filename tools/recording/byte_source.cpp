#include "tools/recording/byte_source.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mycelium::mcap {
namespace {

failure cannot_read(const std::string& name, const std::string& why) {
  return {status::invalid_argument, name + " cannot be read: " + why};
}

class file_source final : public byte_source {
public:
  file_source(std::string path, int fd, std::uint64_t size) : path_(std::move(path)), fd_(fd), size_(size) {}
  ~file_source() override { ::close(fd_); }
  file_source(const file_source&) = delete;
  file_source& operator=(const file_source&) = delete;

  const std::string& name() const noexcept override { return path_; }
  std::uint64_t size() const noexcept override { return size_; }

  result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    while (!out.empty()) {
      const auto got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return failure{status::internal, path_ + " cannot be read: " + std::strerror(errno)};
      if (got == 0)
        return failure{status::internal, path_ + " became shorter while it was read"};
      out = out.subspan(static_cast<std::size_t>(got));
      offset += static_cast<std::uint64_t>(got);
    }
    return {};
  }

private:
  std::string path_;
  int fd_;
  std::uint64_t size_;
};

class memory_source final : public byte_source {
public:
  memory_source(bytes content, std::string name) : content_(content), name_(std::move(name)) {}

  const std::string& name() const noexcept override { return name_; }
  std::uint64_t size() const noexcept override { return content_.size(); }

  result<void> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (offset > content_.size() || out.size() > content_.size() - offset)
      return failure{status::internal, name_ + " is shorter than that"};
    if (!out.empty())
      std::memcpy(out.data(), content_.data() + offset, out.size());
    return {};
  }

private:
  bytes content_;
  std::string name_;
};

} // namespace

result<std::shared_ptr<const byte_source>> open_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return cannot_read(path, std::strerror(errno));
  struct stat about {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    ::close(fd);
    return cannot_read(path, "it is not a plain file");
  }
  return std::shared_ptr<const byte_source>(
      std::make_shared<file_source>(path, fd, static_cast<std::uint64_t>(about.st_size)));
}

std::shared_ptr<const byte_source> view_bytes(bytes content, std::string name) {
  return std::make_shared<memory_source>(content, std::move(name));
}

} // namespace mycelium::mcap
