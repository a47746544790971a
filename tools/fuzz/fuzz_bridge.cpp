// Any bytes as what comes over a bridge's link, in pieces: frames are refused or cut out, and their control payloads
// are refused or read. What a frame became is the same when it is written again. The first byte chooses how the rest
// comes.
#include "actors/bridge/wire.hpp"

#include "actors/bridge/crc32c.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

using namespace mycelium::bridge;

void read_control(const frame& what) {
  switch (control(what.header.type_id)) {
  case control::hello:
    (void)wire::read<wire::Hello>(what.payload);
    break;
  case control::proof:
    (void)wire::read<wire::Proof>(what.payload);
    break;
  case control::ready:
    (void)wire::read<wire::Ready>(what.payload);
    break;
  case control::refusal:
    (void)wire::read<wire::Refusal>(what.payload);
    break;
  case control::node_state:
    (void)wire::read<wire::NodeState>(what.payload);
    break;
  case control::credit:
    (void)wire::read<wire::Credit>(what.payload);
    break;
  case control::lost:
    (void)wire::read<wire::Lost>(what.payload);
    break;
  case control::receipt:
    (void)wire::read<wire::Receipt>(what.payload);
    break;
  default:
    break;
  }
}

// Mutations hardly ever hit a checksum: here it is made right.
void mend(byte_buffer& stream) {
  frame_header header;
  for (std::size_t at = 0; stream.size() - at >= sizeof header; at += padded(header.length)) {
    std::memcpy(&header, stream.data() + at, sizeof header);
    if (header.length < sizeof header || padded(header.length) > stream.size() - at)
      return;
    header.checksum = 0;
    std::memcpy(stream.data() + at, &header, sizeof header);
    header.checksum = crc32c(bytes(stream).subspan(at, header.length));
    std::memcpy(stream.data() + at, &header, sizeof header);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::size_t piece = (data[0] & 0x7fu) + 1;
  byte_buffer stream(data + 1, data + size);
  if ((data[0] & 0x80u) != 0)
    mend(stream);
  frame_reader reader(1u << 20);
  for (std::size_t fed = 0; fed < stream.size(); fed += piece) {
    const auto next_piece = bytes(stream).subspan(fed, std::min(piece, stream.size() - fed));
    const auto room = reader.room(next_piece.size());
    std::ranges::copy(next_piece, room.begin());
    reader.filled(next_piece.size());
    for (;;) {
      const auto next = reader.next();
      if (!next)
        return 0;
      if (!*next)
        break;
      const auto& what = **next;
      if (what.is_control())
        read_control(what);
      byte_buffer again;
      append_frame(again, what);
      if (again.size() != padded(what.header.length))
        std::abort();
    }
  }
  return 0;
}
