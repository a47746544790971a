#include "tools/recording/description.hpp"

#include <algorithm>

namespace mycelium::recording {
namespace {

constexpr std::size_t most_damage_told = 10;
constexpr std::size_t most_publishers = 65536;

void count(publisher_description& publisher, std::uint64_t sequence) {
  if (publisher.messages++ == 0) {
    publisher.first_sequence = publisher.last_sequence = sequence;
  } else if (sequence <= publisher.last_sequence) {
    ++publisher.out_of_order;
    if (publisher.missing > 0)
      --publisher.missing; // it was taken for lost
  } else {
    const auto between = sequence - publisher.last_sequence - 1;
    publisher.gaps += between > 0 ? 1 : 0;
    publisher.missing += between;
    publisher.last_sequence = sequence;
  }
}

} // namespace

description describe(recording_reader& recording) {
  description all;
  std::map<std::uint16_t, std::size_t> place; // of a channel in all.types
  std::map<std::uint64_t, publisher_description> publishers;
  recording.rewind();
  for (;;) {
    const auto found = recording.next();
    if (!found) {
      if (all.damage.size() < most_damage_told)
        all.damage.push_back(found.error().text);
      ++all.damaged;
      continue;
    }
    if (!*found)
      break;
    const auto& [content, channel, has_envelope] = **found;
    const auto [at, is_new] = place.try_emplace(channel->channel_id, all.types.size());
    if (is_new)
      all.types.push_back({.channel = *channel, .first_time = content.log_time, .last_time = content.log_time});
    auto& type = all.types[at->second];
    ++type.messages;
    type.bytes += content.payload.size();
    type.first_time = std::min(type.first_time, content.log_time);
    type.last_time = std::max(type.last_time, content.log_time);
    all.first_time = all.messages == 0 ? content.log_time : std::min(all.first_time, content.log_time);
    all.last_time = std::max(all.last_time, content.log_time);
    ++all.messages;
    all.bytes += content.payload.size();
    if (!has_envelope) {
      ++all.without_envelope;
    } else if (publishers.size() == most_publishers && !publishers.contains(content.publisher_id)) {
      ++all.unlisted;
    } else {
      auto& publisher = publishers[content.publisher_id];
      publisher.publisher_id = content.publisher_id;
      count(publisher, content.sequence);
    }
  }
  for (const auto& [id, publisher] : publishers)
    all.publishers.push_back(publisher);
  all.chunks = recording.chunks_read();
  // Ours count one envelope table a chunk, too.
  if (const auto& told = recording.contents().statistics; told && all.damaged == 0)
    all.miscounted = told->message_count != all.messages + recording.tables_read();
  return all;
}

} // namespace mycelium::recording
