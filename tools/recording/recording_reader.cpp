#include "tools/recording/recording_reader.hpp"

#include <charconv>

namespace mycelium::recording {
namespace {

std::string value_of(const mcap::text_map& values, const char* key) {
  const auto at = values.find(key);
  return at == values.end() ? std::string() : at->second;
}

recorded_channel describe(const mcap::channel& channel, const mcap::definitions& known) {
  recorded_channel described{.channel_id = channel.id,
                             .type_id = 0,
                             .topic = channel.topic,
                             .name = value_of(channel.metadata, "name"),
                             .group = value_of(channel.metadata, "topic"),
                             .digest = digest_from_hex(value_of(channel.metadata, "digest")),
                             .schema_id = channel.schema_id,
                             .is_envelope = channel.topic == envelope_topic};
  const auto number = value_of(channel.metadata, "type_id");
  std::uint16_t type_id = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), type_id);
  if (error == std::errc{} && end == number.data() + number.size())
    described.type_id = type_id;
  if (const auto schema = known.schemas.find(channel.schema_id);
      described.name.empty() && schema != known.schemas.end())
    described.name = schema->second.name;
  return described;
}

} // namespace

result<recording_reader> recording_reader::open(const std::string& path, const mcap::read_limits& limits) {
  auto source = mcap::open_file(path);
  if (!source)
    return source.error();
  return open(std::move(*source), limits);
}

result<recording_reader> recording_reader::open(std::shared_ptr<const mcap::byte_source> source,
                                                const mcap::read_limits& limits) {
  auto file = mcap::reader::open(std::move(source), limits);
  if (!file)
    return file.error();
  return recording_reader(std::make_unique<mcap::reader>(std::move(*file)));
}

recording_reader::recording_reader(std::unique_ptr<mcap::reader> file) : file_(std::move(file)), cursor_(*file_) {}

void recording_reader::rewind(std::uint64_t from, std::uint64_t to) {
  from_ = from;
  to_ = to;
  cursor_ = mcap::message_cursor(*file_, from, to);
  envelopes_ = {};
  tables_read_ = 0;
}

const recorded_channel& recording_reader::channel(std::uint16_t channel_id) {
  const auto [at, is_new] = channels_.try_emplace(channel_id);
  if (is_new)
    at->second = describe(cursor_.known().channels.at(channel_id), cursor_.known());
  return at->second;
}

mcap::bytes recording_reader::schema_of(const recorded_channel& channel) const {
  const auto& schemas = cursor_.known().schemas;
  const auto at = schemas.find(channel.schema_id);
  if (at == schemas.end() || at->second.encoding != "flatbuffer")
    return {};
  return at->second.data;
}

result<std::optional<recorded_message>> recording_reader::next() {
  for (;;) {
    const auto found = cursor_.next();
    if (!found)
      return found.error();
    if (!*found)
      return std::optional<recorded_message>{};
    const auto& raw = **found;
    const auto& on = channel(raw.channel_id);
    if (on.is_envelope) {
      ++tables_read_;
      if (auto added = envelopes_.add(raw.data); !added)
        return added.error();
      continue;
    }
    if (raw.log_time < from_ || raw.log_time > to_)
      continue;
    recorded_message message;
    message.channel = &on;
    auto& content = message.content;
    content.type_id = on.type_id;
    content.sequence = raw.sequence;
    content.timestamp_ns = static_cast<std::int64_t>(raw.publish_time);
    content.log_time = raw.log_time;
    content.payload = raw.data;
    message.has_envelope = envelopes_.complete(content);
    return std::optional(message);
  }
}

} // namespace mycelium::recording
