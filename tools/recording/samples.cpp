#include "tools/recording/samples.hpp"

#include "mycelium.h"
#include "schema/golden/stock.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <unistd.h>

namespace mycelium::recording::testing {

folder::folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "mycelium-recording-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

folder::~folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

payload content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, mcap::bytes content) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

payload to_payload(std::string_view text) { return {text.begin(), text.end()}; }

const type_catalogue& golden_catalogue() {
  static const auto catalogue = [] {
    type_catalogue all;
    if (const auto added = all.add(content_of(MYCELIUM_GOLDEN_BFBS)); !added)
      throw std::runtime_error(added.error().text);
    return all;
  }();
  return catalogue;
}

std::vector<message> every_golden_message() {
  std::vector<message> all;
  std::uint64_t i = 0;
  for (const auto& vector : schema::golden::read_vectors(MYCELIUM_SOURCE_FOLDER "/schema/golden/vectors.json")) {
    const auto type_id = golden_catalogue().id_of(vector.type);
    if (!type_id)
      throw std::runtime_error(type_id.error().text);
    ++i;
    message each;
    auto& e = each.envelope;
    e.type_id = *type_id;
    e.priority = static_cast<std::uint8_t>(1 + i % 255);
    e.is_request = i % 2 == 0;
    e.has_trace = true;
    e.trace_flags = 1;
    e.destination = MYCELIUM_TO_KEY;
    e.destination_key = 0x1111'0000'0000'0000 + i;
    e.correlation_id = 0x2222'0000'0000'0000 + i;
    e.sequence = 0x3333'0000'0000'0000 + i; // more than the 32 bits of MCAP
    e.publisher_id = 0x4444'0000'0000'0000 + i % 3;
    e.timestamp_ns = 1'700'000'000'000'000'000 + static_cast<std::int64_t>(i) * 1000;
    for (std::size_t k = 0; k < e.trace_id.size(); ++k)
      e.trace_id[k] = static_cast<std::uint8_t>(i + k);
    for (std::size_t k = 0; k < e.span_id.size(); ++k)
      e.span_id[k] = static_cast<std::uint8_t>(i * 3 + k);
    e.log_time = static_cast<std::uint64_t>(e.timestamp_ns) + 100;
    each.content = schema::golden::from_hex(vector.bytes);
    all.push_back(std::move(each));
  }
  return all;
}

message small(std::uint16_t type_id, std::uint64_t i) {
  message each;
  each.envelope.type_id = type_id;
  each.envelope.publisher_id = 1;
  each.envelope.sequence = i;
  each.envelope.timestamp_ns = static_cast<std::int64_t>(i) * 1'000'000'000;
  each.envelope.log_time = i * 1'000'000'000;
  each.content = to_payload("payload " + std::to_string(i));
  return each;
}

::testing::AssertionResult same(const entry& expected, const entry& actual) {
  const auto fields = [](const entry& e) {
    return std::tuple(e.type_id, e.priority, e.is_request, e.has_trace, e.trace_flags, e.destination, e.destination_key,
                      e.correlation_id, e.sequence, e.publisher_id, e.timestamp_ns, e.trace_id, e.span_id, e.log_time);
  };
  if (fields(expected) != fields(actual))
    return ::testing::AssertionFailure() << "envelope " << expected.sequence << " of type " << expected.type_id
                                         << " differs from " << actual.sequence << " of type " << actual.type_id;
  if (!std::ranges::equal(expected.payload, actual.payload))
    return ::testing::AssertionFailure() << "payload of " << expected.sequence << " differs";
  return ::testing::AssertionSuccess();
}

recording_writer new_writer(const std::string& path, const recording_options& options,
                            const type_catalogue& catalogue) {
  auto writer = recording_writer::create(path, options);
  if (!writer)
    throw std::runtime_error(writer.error().text);
  for (std::uint32_t type_id = 1; type_id <= UINT16_MAX; ++type_id)
    if (const auto* known = catalogue.find(static_cast<std::uint16_t>(type_id)))
      writer->describe(*known);
  return std::move(*writer);
}

void record(const std::string& path, const std::vector<message>& messages, const recording_options& options) {
  auto writer = new_writer(path, options);
  for (const auto& each : messages)
    if (const auto added = writer.add(each.with_payload()); !added)
      throw std::runtime_error(added.error().text);
  if (const auto ended = writer.finish(); !ended)
    throw std::runtime_error(ended.error().text);
}

everything read_all(recording_reader& recording) {
  everything all;
  recording.rewind();
  for (;;) {
    const auto found = recording.next();
    if (!found) {
      all.damage.push_back(found.error().text);
      continue;
    }
    if (!*found)
      return all;
    const auto& content = (*found)->content;
    all.messages.push_back({content, {content.payload.begin(), content.payload.end()}});
    all.without_envelope += (*found)->has_envelope ? 0 : 1;
  }
}

everything read_all(const std::string& path) {
  auto opened = recording_reader::open(path);
  if (!opened)
    throw std::runtime_error(opened.error().text);
  return read_all(*opened);
}

} // namespace mycelium::recording::testing
