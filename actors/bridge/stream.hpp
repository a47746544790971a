// The bytes of one connection, whatever carries them: what a link reads and writes. On the thread of the bridge, but
// for write_now; at most one read and one write at a time.
#pragma once

#include "actors/bridge/peer_identity.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <sys/socket.h>
#include <system_error>

namespace mycelium::bridge {

class tls_context;
using socket = asio::generic::stream_protocol::socket;

// Who has the other end of this Unix socket; nothing if the kernel does not say.
std::optional<ucred> process_behind(int unix_socket);

class stream {
public:
  // Hears what became of what it has begun: never while it begins it, but of begin(). Is kept alive until then.
  class user {
  public:
    virtual ~user() = default;
    virtual void on_begun(const std::error_code& error) = 0;
    virtual void on_read(const std::error_code& error, std::size_t count) = 0;
    virtual void on_written(const std::error_code& error, std::size_t count) = 0;
  };
  using user_ptr = std::shared_ptr<user>;

  virtual ~stream() = default;
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  // Whatever has to be agreed on before bytes can pass; nothing is read or written before on_begun.
  virtual void begin(user_ptr by) = 0;
  // At least one byte, at most what there is room for.
  virtual void read_some(std::span<std::uint8_t> into, user_ptr by) = 0;
  // All of them; they have to stay where they are until on_written.
  virtual void write(std::span<const std::uint8_t> all, user_ptr by) = 0;
  // As many of the first of them as go out at once, without waiting; 0 is no error. On any thread, while neither a
  // write is under way nor close() is called.
  virtual std::size_t write_now(std::span<const std::uint8_t> all, std::error_code& error) = 0;
  // Says goodbye if the connection has a way to, without waiting for an answer, and closes. What was begun ends with an
  // error. May be called twice.
  virtual void close() = 0;
  // For people.
  virtual std::string describe(const std::error_code& error) const = 0;

  // Would what the other side has shown of itself be accepted by these certificates, too?
  virtual bool is_trusted_by(const tls_context&) const { return true; }

  virtual asio::any_io_executor executor() = 0;
  const peer_identity& peer() const noexcept { return peer_; }

protected:
  explicit stream(peer_identity peer) : peer_(std::move(peer)) {}

  peer_identity peer_;
};

// The bytes as they are, over a Unix or a TCP socket that is connected.
std::unique_ptr<stream> make_plain_stream(socket connection, peer_identity peer);

} // namespace mycelium::bridge
