// Which messages of other nodes have come already. A message may come late: behind a gateway, or by a way that was
// given up for a shorter one while it was under way. So of each source (origin, publisher and type) the last sequences
// are remembered one by one, and what is older than those counts as seen. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace mycelium::bridge {

class seen_messages {
public:
  static constexpr std::size_t window = 4096; // messages of a source, or more: 64 times so many in a row take no more
  static constexpr std::size_t least_window = 512; // when many sources need the memory
  static constexpr std::size_t most_sources = 65536;
  static constexpr std::size_t most_blocks = std::size_t{1} << 21; // of all sources: 32 MiB

  struct source {
    std::uint64_t origin = 0;
    std::uint64_t publisher = 0;
    std::uint64_t type_id = 0;
    bool operator==(const source&) const = default;
  };
  // What is delivered at least once may have been left by another process, however old it is: what is older than the
  // first message of its source is never taken for seen, but for the last `least_window` of them that were.
  enum class older { forgotten, may_be_left };

  // False if the message has come before.
  bool add(const source& from, std::uint64_t sequence, older than_remembered);
  std::size_t sources() const noexcept { return sources_.size(); }

private:
  struct hash {
    std::size_t operator()(const source& from) const noexcept {
      return std::size_t((from.origin * 31 + from.publisher) * 31 + from.type_id) * 0x9e3779b97f4a7c15u;
    }
  };
  struct block { // 64 sequences, those from 64 * index
    std::uint64_t index = 0;
    std::uint64_t seen = 0; // a bit each
  };
  struct history {
    std::uint64_t floor = 0;         // this one and all below count as seen
    std::vector<block> recent;       // above it; sorted
    std::uint64_t first = 0;         // below it nothing counts as seen but
    std::vector<std::uint64_t> left; // these; sorted
  };
  block& block_of(history& known, std::uint64_t index);
  bool add_left(history& to, std::uint64_t sequence);
  void keep_last(history& of, std::size_t blocks);
  void make_room();

  std::unordered_map<source, history, hash> sources_;
  source last_source_; // most messages come from where the one before came from
  history* last_ = nullptr;
  std::size_t blocks_ = 0; // of all
};

} // namespace mycelium::bridge
