#include "tools/recording/recovery.hpp"

namespace mycelium::recording {
namespace {

described_type describe(const recording_reader& from, const recorded_channel& channel) {
  described_type described{{channel.type_id, channel.name, channel.group, *channel.digest}, nullptr};
  if (const auto bfbs = from.schema_of(channel); !bfbs.empty())
    described.bfbs = std::make_shared<const std::vector<std::uint8_t>>(bfbs.begin(), bfbs.end());
  return described;
}

} // namespace

result<recovered_totals> recover(recording_reader& from, recording_writer& to) {
  recovered_totals totals;
  std::set<std::uint16_t> described; // types
  from.rewind();
  for (;;) {
    const auto found = from.next();
    if (!found) {
      ++totals.damaged;
      continue;
    }
    if (!*found)
      break;
    const auto& [content, channel, has_envelope] = **found;
    if (channel->type_id == 0) {
      ++totals.skipped;
      continue;
    }
    if (described.insert(channel->type_id).second && channel->digest)
      to.describe(describe(from, *channel));
    if (auto added = to.add(content); !added) {
      static_cast<void>(to.finish()); // as far as it came
      return added.error();
    }
    ++totals.messages;
  }
  to.note({.name = "mycelium.end", .values = {{"reason", "recovered"}, {"dropped", "unknown"}}});
  if (auto ended = to.finish(); !ended)
    return ended.error();
  return totals;
}

} // namespace mycelium::recording
