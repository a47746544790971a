// Who gets what: type_id -> lanes. Publishers read an immutable snapshot under a read_guard, without a lock; changes
// build a new one, swap it in and free the old one when no publisher reads it any more.
#pragma once

#include "actors/runtime/history.hpp"
#include "actors/runtime/reader.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace mycelium::runtime {

class lane;

struct route {
  std::vector<lane*> lanes;
  counted_ptr<history> kept; // only if mycelium_keep_history asked
  bool plain = true;         // nothing kept, and no lane runs inline: set by change()
};

class routing {
public:
  routing();
  ~routing();
  routing(const routing&) = delete;
  routing& operator=(const routing&) = delete;

  // Under a read_guard; nullptr: nobody. Valid while the guard is up.
  const route* find(std::uint16_t type_id) const noexcept {
    const auto* of_high_byte = current_.load(std::memory_order_seq_cst)->pages[type_id >> 8].get();
    return of_high_byte == nullptr ? nullptr : of_high_byte->routes[type_id & 255].get();
  }

  // Under a read_guard: the unlisted lane of that id, or nullptr. Valid while the guard is up.
  lane* find_unlisted(std::uint64_t id) const noexcept;

  // One writer at a time (the bus's control lock), not under a read_guard. On return no publisher sees the old route.
  void change(std::uint16_t type_id, const std::function<void(route&)>& edit);
  // Lanes that no type leads to. A change copies a 256th of them.
  void add_unlisted(lane& which);
  void remove_unlisted(const lane& which);
  void clear();

private:
  struct page {
    std::array<std::shared_ptr<const route>, 256> routes;
  };
  using drawer = std::vector<lane*>; // ascending by id; ids are given out in order, so that each fills up alike
  struct table {
    std::array<std::shared_ptr<const page>, 256> pages;
    std::array<std::shared_ptr<const drawer>, 256> unlisted; // by the low byte of the id
  };
  void change_unlisted(std::uint64_t id, const std::function<void(drawer&)>& edit);
  void publish(std::unique_ptr<const table> next);

  std::atomic<const table*> current_;
};

// The lane that rendezvous hashing gives to a key (highest random weight, Thaler and Ravishankar 1998): when a lane
// comes or goes, only its own keys move. One that carries into another system only where there is no other.
// Never the one that leads back over the link by which the message came (0: none).
lane* choose_by_key(std::span<lane* const> lanes, std::uint64_t key, std::uint64_t came_by) noexcept;

} // namespace mycelium::runtime
