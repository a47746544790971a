#include "tools/recording/recording_writer.hpp"

#include "mycelium.h"

namespace mycelium::recording {
namespace {

constexpr std::uint16_t envelope_id = 1; // of the channel and of the schema

mcap::schema envelope_schema_record() {
  const auto raw = envelope_bfbs();
  return {.id = envelope_id,
          .name = std::string(envelope_schema),
          .encoding = std::string(flatbuffer_encoding),
          .data = {raw.begin(), raw.end()}};
}

mcap::channel envelope_channel_record() {
  return {.id = envelope_id,
          .schema_id = envelope_id,
          .topic = std::string(envelope_topic),
          .message_encoding = std::string(flatbuffer_encoding),
          .metadata = {}};
}

} // namespace

result<recording_writer> recording_writer::create(const std::string& path, const recording_options& options) {
  auto file = mcap::writer::create(
      path, {.profile = std::string(profile), .library = std::string("mycelium ") + mycelium_version()}, options.file);
  if (!file)
    return file.error();
  recording_writer created(std::move(*file), options.chunk_size);
  created.last_channel_ = created.last_schema_ = envelope_id;
  created.topics_.emplace(envelope_topic);
  created.file_.declare(envelope_schema_record());
  created.file_.declare(envelope_channel_record());
  return created;
}

void recording_writer::describe(const described_type& type) { described_.insert_or_assign(type.type.type_id, type); }

result<void> recording_writer::add(entry message) {
  message.log_time = last_time_ = std::max(message.log_time, last_time_ + 1);
  const auto channel_id = channel_of(message.type_id);
  chunk_.add({.channel_id = channel_id,
              .sequence = static_cast<std::uint32_t>(message.sequence),
              .log_time = message.log_time,
              .publish_time = static_cast<std::uint64_t>(message.timestamp_ns),
              .data = message.payload});
  envelopes_.add(message);
  return chunk_.size() >= chunk_size_ ? flush() : result<void>{};
}

std::uint16_t recording_writer::channel_of(std::uint16_t type_id) {
  if (const auto known = channels_.find(type_id); known != channels_.end())
    return known->second;
  mcap::channel channel{.id = ++last_channel_,
                        .schema_id = 0,
                        .topic = {},
                        .message_encoding = std::string(opaque_encoding),
                        .metadata = {{"type_id", std::to_string(type_id)}}};
  if (const auto at = described_.find(type_id); at != described_.end()) {
    const auto& type = at->second.type;
    channel.message_encoding = flatbuffer_encoding;
    channel.metadata["digest"] = to_hex(type.type_digest);
    if (!type.name.empty())
      channel.metadata["name"] = type.name;
    if (!type.topic.empty())
      channel.metadata["topic"] = type.topic;
    if (at->second.bfbs)
      channel.schema_id = add_schema(type.name, *at->second.bfbs);
  }
  channel.topic = topic_of(channel);
  chunk_.add(channel);
  file_.declare(channel);
  channels_.emplace(type_id, channel.id);
  return channel.id;
}

std::uint16_t recording_writer::add_schema(const std::string& name, const std::vector<std::uint8_t>& bfbs) {
  const mcap::schema schema{
      .id = ++last_schema_, .name = name, .encoding = std::string(flatbuffer_encoding), .data = bfbs};
  chunk_.add(schema);
  file_.declare(schema);
  return schema.id;
}

// "examples/TextMessage"; readers that know topics only should not see two types on one.
std::string recording_writer::topic_of(const mcap::channel& channel) {
  const auto& about = channel.metadata;
  const auto name = about.find("name");
  if (name == about.end())
    return *topics_.insert("type/" + about.at("type_id")).first;
  const auto topic = about.find("topic");
  const auto short_name = name->second.substr(name->second.rfind('.') + 1);
  const auto [at, is_new] = topics_.insert(topic == about.end() ? short_name : topic->second + "/" + short_name);
  return is_new ? *at : *topics_.insert(name->second).first;
}

void recording_writer::lead_with_envelopes() {
  const auto payload = envelopes_.encode();
  const mcap::message lead{.channel_id = envelope_id,
                           .sequence = static_cast<std::uint32_t>(file_.statistics().chunk_count + 1),
                           .log_time = chunk_.start_time(),
                           .publish_time = chunk_.start_time(),
                           .data = payload};
  if (file_.statistics().chunk_count == 0) {
    const auto channel = envelope_channel_record();
    const auto schema = envelope_schema_record();
    chunk_.lead(&channel, &schema, lead);
  } else {
    chunk_.lead(nullptr, nullptr, lead);
  }
}

result<void> recording_writer::flush() {
  if (chunk_.messages() == 0)
    return {};
  const auto count = chunk_.messages();
  lead_with_envelopes();
  auto written = file_.write(chunk_);
  if (written)
    messages_ += count;
  chunk_.clear();
  envelopes_.clear();
  return written;
}

result<void> recording_writer::finish() {
  auto flushed = flush();
  auto ended = file_.finish();
  return flushed ? ended : flushed;
}

} // namespace mycelium::recording
