// TLS 1.3 for TCP connections, by OpenSSL through Asio. The only file that knows either's TLS is tls.cpp.
#pragma once

#include "actors/bridge/credential_sources.hpp"
#include "actors/bridge/stream.hpp"
#include "schema/status.hpp"

#include <memory>
#include <string>

namespace mycelium::bridge {

// What one set of files makes. Immutable; its streams live on without it.
class tls_context {
public:
  // invalid_argument: a file is missing or wrong; the text names it.
  static result<std::shared_ptr<const tls_context>> load(const tls_files& files);
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;

  bool can_listen() const noexcept;
  // Does who dials us have to show a certificate?
  bool asks_for_certificates() const noexcept;

  // Of a connection that is made; the handshake is its begin(). The names in a certificate go to peer().certificates.
  std::unique_ptr<stream> accept(socket connection, peer_identity peer) const;
  // host: what the other side's certificate has to name, a host name or an IP address.
  std::unique_ptr<stream> connect(socket connection, peer_identity peer, const std::string& host) const;

private:
  struct contents;
  friend class tls_stream;
  explicit tls_context(std::unique_ptr<contents> made);

  const std::unique_ptr<contents> contents_;
};

} // namespace mycelium::bridge
