// The messages of text generation and of its oversight, as values: inference.fbs and oversight.fbs say what the fields
// mean. Reading checks the bytes first; nothing of what is wrong passes. Texts that were read point into the payload,
// which has to be aligned as the bus aligns it (16 bytes).
#pragma once

#include "schema/registry.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace mycelium::schema {

// Numbers equal those of EndReason.
enum class end_reason : std::uint8_t { end_of_sequence, length, stop, cancelled, halted, error };
const char* name_of(end_reason why) noexcept; // "EndOfSequence"

struct inference_token {
  static constexpr std::uint16_t type_id = 101;
  std::uint64_t session_id = 0;
  std::uint32_t index = 0;
  std::int32_t token_id = 0;
  std::string_view text = {};
  double logprob = 0;
  std::optional<double> entropy = {};
};

struct inference_done {
  static constexpr std::uint16_t type_id = 102;
  std::uint64_t session_id = 0;
  end_reason reason = end_reason::end_of_sequence;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t tokens = 0;
  std::uint64_t prompt_ns = 0;
  std::uint64_t decode_ns = 0;
  std::string_view detail = {};
};

struct inference_cancel {
  static constexpr std::uint16_t type_id = 103;
  std::uint64_t session_id = 0;
  end_reason reason = end_reason::cancelled;
  std::string_view detail = {};
};

struct oversight_score_request {
  static constexpr std::uint16_t type_id = 121;
  std::uint64_t session_id = 0;
  std::uint64_t index = 0;
  std::string_view text = {};
};

struct oversight_score {
  static constexpr std::uint16_t type_id = 122;
  std::uint64_t session_id = 0;
  std::uint64_t index = 0;
  double score = 0;
  std::string_view error = {};
};

struct score_sample {
  std::uint64_t index;
  double score;
};

struct oversight_verdict {
  static constexpr std::uint16_t type_id = 123;
  std::uint64_t session_id = 0;
  std::uint64_t index = 0;
  std::uint8_t action = 0; // BackfireAction
  std::uint8_t kind = 0;   // BackfireHaltKind
  double score = 0;
  std::uint64_t released = 0;
  double measured = 0;
  double limit = 0;
  std::string_view reason = {};
  std::span<const score_sample> evidence = {};
  std::string_view error = {};
};

// False, and out is unchanged, where the bytes are no such message.
bool read(bytes payload, inference_token& out) noexcept;
bool read(bytes payload, inference_done& out) noexcept;
bool read(bytes payload, inference_cancel& out) noexcept;
bool read(bytes payload, oversight_score_request& out) noexcept;
bool read(bytes payload, oversight_score& out) noexcept;
bool read(bytes payload, oversight_verdict& out) noexcept;

// Writes one message at a time into memory that it keeps: the bytes are valid until the next one.
class message_writer {
public:
  message_writer();
  ~message_writer();
  message_writer(const message_writer&) = delete;
  message_writer& operator=(const message_writer&) = delete;

  bytes write(const inference_token& m);
  bytes write(const inference_done& m);
  bytes write(const inference_cancel& m);
  bytes write(const oversight_score_request& m);
  bytes write(const oversight_score& m);
  bytes write(const oversight_verdict& m);

private:
  struct builder;
  std::unique_ptr<builder> builder_;
};

} // namespace mycelium::schema
