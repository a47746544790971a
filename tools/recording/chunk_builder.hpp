// One chunk while it is gathered: its records, and where the messages are in it.
#pragma once

#include "tools/recording/record_bytes.hpp"

namespace mycelium::mcap {

class chunk_builder {
public:
  void add(const schema& record);
  void add(const channel& record);
  // The channel has to be in this chunk already, or in an earlier one.
  void add(const message& record);
  // A message before all others, on a channel of an earlier chunk or of definitions in front. At most one.
  void lead(const channel* declaration, const schema* its_schema, const message& record);
  void clear() noexcept; // keeps its memory for the next chunk

  bool empty() const noexcept { return front_.size() + body_.size() == 0; }
  std::size_t size() const noexcept { return front_.size() + body_.size(); }
  std::uint64_t messages() const noexcept { return messages_; }
  std::uint64_t start_time() const noexcept { return start_time_; }
  std::uint64_t end_time() const noexcept { return end_time_; }

  // The records are these two, one after the other.
  bytes front() const noexcept { return front_.content(); }
  bytes body() const noexcept { return body_.content(); }

  struct place {
    std::uint64_t log_time = 0;
    std::uint64_t offset = 0; // in front and body together
  };
  // Calls visit(channel id, places) for each channel with messages, by channel id.
  template <class Visit>
  void for_each_channel(Visit visit) const {
    for (const auto& [channel_id, places] : places_)
      if (!places.empty())
        visit(channel_id, places);
  }

private:
  void count(const message& record, std::uint64_t offset);

  record_writer front_;
  record_writer body_;
  std::map<std::uint16_t, std::vector<place>> places_;
  std::uint64_t messages_ = 0;
  std::uint64_t start_time_ = 0;
  std::uint64_t end_time_ = 0;
};

} // namespace mycelium::mcap
