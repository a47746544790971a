// A peer that speaks the protocol by hand, and means no good.
#pragma once

#include "actors/bridge/test_certificates.hpp"
#include "actors/bridge/test_node.hpp"

namespace mycelium::bridge {

// The frames of a Hello as a program writes them that knows the protocol and means no good.
class stranger {
public:
  // Over TCP always by TLS, with this certificate.
  explicit stranger(const address& at, const tls_files& with = {}) : reader_(64 << 20) {
    if (at.how == address::kind::tcp)
      tls_ = std::make_unique<tls_client>(at.port, with);
    else
      fd_ = connect_to(at.path);
  }
  ~stranger() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  stranger(const stranger&) = delete;
  stranger& operator=(const stranger&) = delete;

  void send(const byte_buffer& all) {
    for (std::size_t sent = 0; sent < all.size();) {
      const auto left = all.size() - sent;
      const auto n = tls_ ? tls_->send(all.data() + sent, left) : ::send(fd_, all.data() + sent, left, MSG_NOSIGNAL);
      if (n <= 0)
        return; // closed by the other side
      sent += std::size_t(n);
    }
  }
  template <class Native>
  void say(control kind, const Native& what) {
    byte_buffer out;
    wire::append(out, kind, what);
    send(out);
  }
  static wire::HelloT hello(std::uint64_t node) {
    wire::HelloT h;
    h.version = 1;
    h.node = node;
    h.nonce.assign(16, std::uint8_t(node));
    h.max_frame = 1 << 20;
    h.window = 1 << 20;
    return h;
  }
  // Greets as it should be; true once the other side is ready.
  bool greet(std::uint64_t node) {
    say(control::hello, hello(node));
    wire::ReadyT ready;
    ready.stream = 1;
    say(control::ready, ready);
    return hears(control::ready);
  }
  // Reads until a frame of that kind, or the end.
  bool hears(control kind) {
    return read_until([&](const frame& what) {
      if (what.is_control() && what.header.type_id == std::uint16_t(control::refusal))
        if (const auto refusal = wire::read<wire::Refusal>(what.payload)) {
          refused_because = refusal->text;
          reason = refusal->reason;
        }
      return what.is_control() && what.header.type_id == std::uint16_t(kind);
    });
  }
  // The header of the next reply; none at the end.
  std::optional<frame_header> reply() {
    std::optional<frame_header> found;
    read_until([&](const frame& what) {
      if (what.is_reply())
        found = what.header;
      return found.has_value();
    });
    return found;
  }
  bool is_closed() { return !hears(control::proof); } // which it is never sent
  std::string refused_because;
  std::optional<wire::RefusalReason> reason;

private:
  template <class Found>
  bool read_until(Found found) {
    for (;;) {
      auto next = reader_.next();
      if (!next)
        return false;
      if (*next) {
        if (found(**next))
          return true;
        continue;
      }
      const auto room = reader_.room(65536);
      const auto count = tls_ ? tls_->read(room.data(), room.size()) : ::read(fd_, room.data(), room.size());
      if (count <= 0)
        return false;
      reader_.filled(std::size_t(count));
    }
  }

  int fd_ = -1;
  std::unique_ptr<tls_client> tls_;
  frame_reader reader_;
};

inline byte_buffer data(std::uint16_t type_id, std::uint64_t sequence, std::string_view payload,
                        std::uint16_t flags = 0) {
  frame what;
  what.header.type_id = type_id;
  what.header.flags = flags;
  what.header.sequence = sequence;
  what.envelope.origin = 77;
  what.envelope.sequence = sequence;
  what.payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
  byte_buffer out;
  append_frame(out, what);
  return out;
}

} // namespace mycelium::bridge
