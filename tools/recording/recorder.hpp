// Records what is published on a bus, over the C interface: one queue gathers a subscription per type, and what comes
// out of it is put into the order of its publication and written.
#pragma once

#include "tools/recording/recording_writer.hpp"

#include "mycelium.h"

namespace mycelium::recording {

struct record_options {
  std::vector<std::uint16_t> types{}; // empty: all that are registered with the runtime, but NodeReport
  std::int32_t policy = MYCELIUM_POLICY_DEFAULT;
  std::uint32_t capacity = 16384;            // messages of each type that may wait for the recorder
  std::int64_t chunk_age_ns = 1'000'000'000; // a chunk is written when its first message has waited for this long
  std::uint64_t most_messages = UINT64_MAX;
  std::size_t most_held = std::size_t{1} << 18U; // messages that wait for older ones; beyond that, order is given up
};

struct recorded_totals {
  std::uint64_t messages = 0; // in the file
  std::uint64_t types = 0;    // with messages
  std::uint64_t dropped = 0;  // that did not find room in the recorder's mailboxes
  std::uint64_t bytes = 0;    // of the file
};

class recorder {
public:
  // Subscribes. The runtime has to outlive the recorder; types that are not in the catalogue are opaque bytes to it.
  static result<recorder> start(MyceliumRuntime* runtime, recording_writer writer, type_catalogue catalogue,
                                const record_options& options);
  ~recorder();
  recorder(recorder&& other) noexcept;
  recorder& operator=(recorder&&) = delete;

  // Subscribes to types that were registered since, unless the types were given.
  result<void> find_new_types();
  // Readable when there may be something to write.
  int fd() const noexcept { return fd_; }
  // How long at most until write_ready should be called again, readable or not; -1: no limit.
  std::int64_t wait_ns() const noexcept;
  // Takes what has arrived and writes what is known to be complete. After a failure call finish.
  result<void> write_ready();
  bool has_enough() const noexcept { return added_ >= options_.most_messages; }
  // Writes what has arrived until now and ends the file; why is told in it. The totals are of what is in the file, also
  // after a failure to write.
  result<void> finish(std::string_view why);
  recorded_totals totals() const;

private:
  struct held_message {
    MyceliumMessage* message = nullptr;
    entry content;
    std::uint64_t round = 0; // in which it was taken; 0: it does not wait for others any more
  };
  struct place {
    std::int64_t time = 0; // published, but never below that of an earlier message of the same publisher
    std::uint64_t publisher_id = 0;
    std::uint64_t sequence = 0;
    std::uint32_t at = 0;  // in held_
    bool complete = false; // everything that its publisher published before has been taken
  };

  recorder(MyceliumRuntime* runtime, recording_writer writer, type_catalogue catalogue, record_options options)
      : runtime_(runtime), writer_(std::move(writer)), catalogue_(std::move(catalogue)), options_(std::move(options)) {}
  result<void> subscribe(std::uint16_t type_id);
  result<void> go_on_with_round();
  result<void> take_the_rest();
  result<void> receive(bool& emptied);
  void hold(MyceliumMessage* message);
  void put_in_order();
  result<void> write_in_order(bool at_end);
  void release_all() noexcept;
  MyceliumSubscriptionStats stats_of(std::uint64_t subscription) const noexcept;

  MyceliumRuntime* runtime_;
  recording_writer writer_;
  type_catalogue catalogue_;
  record_options options_;
  std::uint64_t queue_ = 0;
  int fd_ = -1;
  std::map<std::uint16_t, std::uint64_t> subscriptions_; // by type
  std::map<std::uint16_t, std::uint64_t> due_;           // messages to be taken before this round ends, by type
  std::vector<held_message> held_;
  std::vector<place> order_; // of held_, as they are to be written
  std::size_t held_bytes_ = 0;
  std::uint64_t round_ = 0;
  std::uint64_t completed_ = 0; // rounds
  std::uint64_t added_ = 0;     // to the writer
  std::uint64_t dropped_ = 0;   // of subscriptions that have ended
  std::int64_t chunk_since_ns_ = 0;
};

} // namespace mycelium::recording
