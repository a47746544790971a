// Which messages of other nodes have come already. Of each source (origin, publisher and type) the last sequences are
// remembered one by one, what is older by a bound: a message that was published again behind a gateway comes late, but
// by less than `window` messages of its source. One thread at a time.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace mycelium::bridge {

class seen_messages {
public:
  static constexpr std::size_t window = 512;
  static constexpr std::size_t most_sources = 65536;
  static constexpr std::size_t most_sequences = std::size_t{1} << 22; // of all sources: 32 MiB

  struct source {
    std::uint64_t origin = 0;
    std::uint64_t publisher = 0;
    std::uint64_t type_id = 0;
    bool operator==(const source&) const = default;
  };
  // Of a source that is not known yet: did what is older than its first message come before anybody took note? Of
  // neighbours it did, since they keep the order. A gateway may bring the second message before the first. What is
  // delivered at least once may have been left by another process, however old it is.
  enum class older { have_come, may_come, may_be_left };

  // False if the message has come before.
  bool add(const source& from, std::uint64_t sequence, older than_first);
  std::size_t sources() const noexcept { return sources_.size(); }

private:
  struct hash {
    std::size_t operator()(const source& from) const noexcept {
      return std::size_t((from.origin * 31 + from.publisher) * 31 + from.type_id) * 0x9e3779b97f4a7c15u;
    }
  };
  struct history {
    std::uint64_t floor = 0;           // this one and all below count as seen
    std::vector<std::uint64_t> recent; // above it; sorted
    std::uint64_t first = 0;           // below it nothing counts as seen but
    std::vector<std::uint64_t> left;   // these, of which the last `window` are known; sorted
  };
  bool add_left(history& to, std::uint64_t sequence);
  void forget_oldest(history& of);

  std::unordered_map<source, history, hash> sources_;
  std::size_t sequences_ = 0; // in all of `recent`
};

} // namespace mycelium::bridge
