// A way to get a message from a publisher to its subscribers: ours, and every peer. The runs in scenarios.hpp treat all
// alike.
#pragma once

#include "tools/benchmarks/traffic.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace mycelium::bench {

using receive_fn = void (*)(const std::uint8_t* payload, std::size_t size, void* user);

// How much a way must carry.
struct load {
  unsigned publishers = 1; // publisher handles that will be used, each by one thread at a time
  unsigned subscribers = 1;
  std::size_t payload = 64;
};

// Messages that may wait for one subscriber, the same for every way: at most 4096, and at most 16 MiB of payload, so
// that no way wins by queueing more than the others.
inline unsigned queue_bound(std::size_t payload) {
  const std::size_t by_size = (std::size_t{16} << 20) / payload;
  return static_cast<unsigned>(by_size < 64 ? 64 : by_size > 4096 ? 4096 : by_size);
}

// Calls come from one controlling thread, in the order below, but for publish. Failures are exceptions.
class way {
public:
  virtual ~way() = default;
  virtual void open(const load& expected) = 0;
  // Every message of type goes to each subscription of it. on_message is never called twice at once for messages of one
  // publisher.
  virtual void subscribe(std::uint16_t type, receive_fn on_message, void* user) = 0;
  // After the last subscribe: when it returns, a message published through any handle reaches its subscribers.
  virtual void start() = 0;
  // Publishes the next count messages of what and holds nothing back. Waits where a queue is full; nothing is lost.
  // Also from within on_message. A publisher publishes one type.
  virtual void publish(unsigned publisher, std::uint16_t type, stream& what, std::uint64_t count) = 0;
  // When it returns, no on_message runs or will run.
  virtual void close() = 0;
};

// publish() in terms of two steps per message, so that the loop calls them directly: prepare gives memory to write a
// message to (the stream's own buffer for ways that copy), send takes it from there; finish, if needed, sends what was
// held back.
template <class Way>
class stepwise : public way {
public:
  void publish(unsigned publisher, std::uint16_t type, stream& what, std::uint64_t count) final {
    auto& self = static_cast<Way&>(*this);
    for (; count != 0; --count) {
      std::uint8_t* memory = self.prepare(publisher, what);
      what.write_next(memory);
      self.send(publisher, type, memory, what.size());
    }
    self.finish(publisher);
  }
  std::uint8_t* prepare(unsigned, stream& what) { return what.own_buffer(); }
  void finish(unsigned) {}
};

struct way_facts {
  std::string name;
  std::string settings; // how it is set up, for the reader of the numbers
  std::function<std::unique_ptr<way>()> make;
  std::string missing;            // why it cannot run here; make is empty then
  bool runs_in_publisher = false; // an idle subscriber's callback runs inside publish
  bool in_quick_runs = true;
};

// All ways, in the order of the tables; those that cannot run here included.
const std::vector<way_facts>& all_ways();
inline constexpr const char* yardstick = "ZeroMQ inproc"; // ratios are taken against this one

// One per file.
std::unique_ptr<way> make_direct_call();
std::unique_ptr<way> make_mutex_queue();
std::unique_ptr<way> make_mutex_swap();
std::unique_ptr<way> make_caf_broker();
std::unique_ptr<way> make_caf_direct();
std::unique_ptr<way> make_zeromq();
std::unique_ptr<way> make_zeromq_in_place();
std::unique_ptr<way> make_nng();
std::unique_ptr<way> make_ours();
std::unique_ptr<way> make_ours_inline();
std::unique_ptr<way> make_ours_loaned();
std::unique_ptr<way> make_ours_batched();
std::unique_ptr<way> make_ours_dedicated();

} // namespace mycelium::bench
