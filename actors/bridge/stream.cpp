#include "actors/bridge/stream.hpp"

#include <asio/write.hpp>

namespace mycelium::bridge {
namespace {

// More than twice what the kernel gives a Unix socket: it wakes who writes when three quarters have been read, and the
// rest has to keep the reader busy until something comes. TCP finds its own size.
constexpr int unix_send_buffer = 256 << 10; // bytes; the kernel doubles it for its books

class plain_stream final : public stream {
public:
  plain_stream(socket connection, peer_identity peer) : stream(std::move(peer)), socket_(std::move(connection)) {
    std::error_code ignored;
    socket_.non_blocking(true, ignored);
    if (socket_.local_endpoint(ignored).protocol().family() == AF_UNIX)
      socket_.set_option(asio::socket_base::send_buffer_size(unix_send_buffer), ignored);
  }

  void begin(user_ptr by) override { by->on_begun({}); }

  void read_some(std::span<std::uint8_t> into, user_ptr by) override {
    socket_.async_receive(
        asio::buffer(into.data(), into.size()),
        [by = std::move(by)](const std::error_code& error, std::size_t count) { by->on_read(error, count); });
  }

  void write(std::span<const std::uint8_t> all, user_ptr by) override {
    asio::async_write(
        socket_, asio::buffer(all.data(), all.size()),
        [by = std::move(by)](const std::error_code& error, std::size_t count) { by->on_written(error, count); });
  }

  std::size_t write_now(std::span<const std::uint8_t> all, std::error_code& error) override {
    const auto count = socket_.send(asio::buffer(all.data(), all.size()), 0, error);
    if (error == asio::error::would_block || error == asio::error::try_again)
      error.clear();
    return count;
  }

  void close() override {
    std::error_code ignored;
    socket_.close(ignored);
  }

  std::string describe(const std::error_code& error) const override {
    return error == asio::error::eof ? "the other side closed it" : error.message();
  }

  asio::any_io_executor executor() override { return socket_.get_executor(); }

private:
  socket socket_;
};

} // namespace

std::optional<ucred> process_behind(int unix_socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(unix_socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return std::nullopt;
  return peer;
}

std::unique_ptr<stream> make_plain_stream(socket connection, peer_identity peer) {
  return std::make_unique<plain_stream>(std::move(connection), std::move(peer));
}

} // namespace mycelium::bridge
