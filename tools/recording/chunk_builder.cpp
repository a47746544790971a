#include "tools/recording/chunk_builder.hpp"

#include "tools/recording/records.hpp"

namespace mycelium::mcap {

void chunk_builder::add(const schema& record) { write(body_, record); }
void chunk_builder::add(const channel& record) { write(body_, record); }

void chunk_builder::add(const message& record) {
  count(record, body_.size());
  write(body_, record);
}

void chunk_builder::lead(const channel* declaration, const schema* its_schema, const message& record) {
  if (its_schema != nullptr)
    write(front_, *its_schema);
  if (declaration != nullptr)
    write(front_, *declaration);
  const auto offset = front_.size();
  write(front_, record);
  for (auto& [channel_id, places] : places_)
    for (auto& each : places)
      each.offset += front_.size();
  count(record, offset);
}

void chunk_builder::clear() noexcept {
  front_.clear();
  body_.clear();
  for (auto& [channel_id, places] : places_)
    places.clear();
  messages_ = start_time_ = end_time_ = 0;
}

void chunk_builder::count(const message& record, std::uint64_t offset) {
  places_[record.channel_id].push_back({record.log_time, offset});
  start_time_ = messages_ == 0 ? record.log_time : std::min(start_time_, record.log_time);
  end_time_ = std::max(end_time_, record.log_time);
  ++messages_;
}

} // namespace mycelium::mcap
