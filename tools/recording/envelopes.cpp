#include "tools/recording/envelopes.hpp"

#include "envelope_generated.h"

#include <algorithm>

namespace mycelium::recording {
namespace {

constexpr std::uint8_t with_trace = 1;
constexpr std::uint8_t with_request = 2;

bool has_detail(const entry& message) noexcept {
  return message.has_trace || message.is_request || message.priority != 0 || message.correlation_id != 0 ||
         message.destination != 0 || message.destination_key != 0;
}

Detail detail_of(const entry& message) {
  const auto flags =
      static_cast<std::uint8_t>((message.has_trace ? with_trace : 0) | (message.is_request ? with_request : 0));
  return {message.log_time,
          message.correlation_id,
          message.destination_key,
          flatbuffers::span<const std::uint8_t, 16>(message.trace_id),
          flatbuffers::span<const std::uint8_t, 8>(message.span_id),
          message.destination,
          message.trace_flags,
          message.priority,
          flags};
}

template <class Row>
const Row* find(const std::vector<Row>& rows, std::uint64_t log_time) noexcept {
  const auto at = std::ranges::lower_bound(rows, log_time, {}, [](const Row& row) { return row.log_time(); });
  return at != rows.end() && at->log_time() == log_time ? &*at : nullptr;
}

template <class Row>
std::vector<Row> copy(const flatbuffers::Vector<const Row*>* rows) {
  std::vector<Row> copied;
  if (rows == nullptr)
    return copied;
  // As bytes: the verifier lets structs pass that are not aligned.
  const auto* begin = rows->Data();
  copied.resize(rows->size());
  std::copy(begin, begin + copied.size() * sizeof(Row), reinterpret_cast<std::uint8_t*>(copied.data()));
  if (!std::ranges::is_sorted(copied, {}, [](const Row& row) { return row.log_time(); }))
    std::ranges::sort(copied, {}, [](const Row& row) { return row.log_time(); });
  return copied;
}

} // namespace

struct envelope_table::rows {
  std::vector<Stamp> stamps;
  std::vector<Detail> details;
};

envelope_table::envelope_table() : rows_(std::make_unique<rows>()) {}
envelope_table::~envelope_table() = default;
envelope_table::envelope_table(envelope_table&&) noexcept = default;
envelope_table& envelope_table::operator=(envelope_table&&) noexcept = default;

void envelope_table::add(const entry& message) {
  rows_->stamps.emplace_back(message.log_time, message.publisher_id, message.sequence);
  if (has_detail(message))
    rows_->details.push_back(detail_of(message));
}

void envelope_table::clear() noexcept {
  rows_->stamps.clear();
  rows_->details.clear();
}

std::vector<std::uint8_t> envelope_table::encode() const {
  flatbuffers::FlatBufferBuilder builder(64 + rows_->stamps.size() * sizeof(Stamp) +
                                         rows_->details.size() * sizeof(Detail));
  const auto stamps = builder.CreateVectorOfStructs(rows_->stamps);
  const auto details = rows_->details.empty() ? 0 : builder.CreateVectorOfStructs(rows_->details);
  builder.Finish(CreateEnvelopes(builder, stamps, details));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

struct envelope_lookup::tables {
  std::array<std::vector<Stamp>, 2> stamps; // the newer first
  std::array<std::vector<Detail>, 2> details;
};

envelope_lookup::envelope_lookup() : tables_(std::make_unique<tables>()) {}
envelope_lookup::~envelope_lookup() = default;
envelope_lookup::envelope_lookup(envelope_lookup&&) noexcept = default;
envelope_lookup& envelope_lookup::operator=(envelope_lookup&&) noexcept = default;

result<void> envelope_lookup::add(std::span<const std::uint8_t> payload) {
  // Numbers in a payload are aligned by its beginning, which lies anywhere in the file.
  const std::vector<std::uint64_t> aligned = [&] {
    std::vector<std::uint64_t> words((payload.size() + 7) / 8);
    std::copy(payload.begin(), payload.end(), reinterpret_cast<std::uint8_t*>(words.data()));
    return words;
  }();
  const auto* begin = reinterpret_cast<const std::uint8_t*>(aligned.data());
  flatbuffers::Verifier verifier(begin, payload.size());
  if (!VerifyEnvelopesBuffer(verifier))
    return failure{status::invalid_payload, "the envelopes of a chunk are damaged"};
  const auto* read = GetEnvelopes(begin);
  std::swap(tables_->stamps[0], tables_->stamps[1]);
  std::swap(tables_->details[0], tables_->details[1]);
  tables_->stamps[0] = copy(read->stamps());
  tables_->details[0] = copy(read->details());
  return {};
}

bool envelope_lookup::complete(entry& message) const noexcept {
  for (std::size_t i = 0; i < tables_->stamps.size(); ++i) {
    const auto* stamp = find(tables_->stamps[i], message.log_time);
    if (stamp == nullptr)
      continue;
    message.publisher_id = stamp->publisher_id();
    message.sequence = stamp->sequence();
    if (const auto* detail = find(tables_->details[i], message.log_time)) {
      message.correlation_id = detail->correlation_id();
      message.destination = detail->destination();
      message.destination_key = detail->destination_key();
      message.priority = detail->priority();
      message.is_request = (detail->flags() & with_request) != 0;
      message.has_trace = (detail->flags() & with_trace) != 0;
      message.trace_flags = detail->trace_flags();
      std::copy_n(detail->trace_id()->data(), message.trace_id.size(), message.trace_id.begin());
      std::copy_n(detail->span_id()->data(), message.span_id.size(), message.span_id.begin());
    }
    return true;
  }
  return false;
}

} // namespace mycelium::recording
