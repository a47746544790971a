// Records what arrives, from any thread, for a test that waits and then looks.
#pragma once

#include "bus.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

namespace mycelium::laws {

struct record {
  std::uint16_t type_id = 0;
  std::uint64_t publisher = 0;
  std::uint64_t sequence = 0;
  std::string payload;
  const std::uint8_t* address = nullptr;
};

class collector {
public:
  void add(const MyceliumMessage* message) {
    std::size_t len = 0;
    const auto* payload = mycelium_message_payload(message, &len);
    const auto envelope = envelope_of(message);
    add(record{mycelium_message_type_id(message), envelope.publisher_id, envelope.sequence, text_of(payload, len),
               payload});
  }

  void add(record one) {
    std::lock_guard lock{mutex_};
    records_.push_back(std::move(one));
    changed_.notify_all();
  }

  bool wait_for(std::size_t count) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return records_.size() >= count; });
  }

  std::size_t size() const {
    std::lock_guard lock{mutex_};
    return records_.size();
  }

  std::vector<record> records() const {
    std::lock_guard lock{mutex_};
    return records_;
  }

  std::vector<std::string> payloads() const {
    std::vector<std::string> all;
    for (auto& one : records())
      all.push_back(one.payload);
    return all;
  }

private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<record> records_;
};

// FIFO per publisher: the sequence of each publisher only rises, and by one each time if nothing may be lost.
enum class gaps { none, allowed };
inline testing::AssertionResult in_order(const std::vector<record>& records, gaps allowed = gaps::none) {
  std::map<std::uint64_t, std::uint64_t> last;
  for (auto& one : records) {
    auto& before = last[one.publisher];
    const bool next = allowed == gaps::none && before != 0 ? one.sequence == before + 1 : one.sequence > before;
    if (!next)
      return testing::AssertionFailure() << "publisher " << one.publisher << ": " << one.sequence << " after "
                                         << before;
    before = one.sequence;
  }
  return testing::AssertionSuccess();
}

// The numbers first .. last as texts: what a test that publishes a counter expects.
inline std::vector<std::string> numbers(int first, int last) {
  std::vector<std::string> all;
  for (int i = first; i <= last; ++i)
    all.push_back(std::to_string(i));
  return all;
}

} // namespace mycelium::laws
