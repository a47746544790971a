#include "schema/stream_messages.hpp"

#include "inference_generated.h"
#include "oversight_generated.h"

#include <cstddef>

namespace mycelium::schema {
namespace {

template <class Table>
const Table* root_of(bytes payload) noexcept {
  flatbuffers::Verifier verifier(payload.data(), payload.size());
  return verifier.VerifyBuffer<Table>() ? flatbuffers::GetRoot<Table>(payload.data()) : nullptr;
}

std::string_view view_of(const flatbuffers::String* text) noexcept {
  return text == nullptr ? std::string_view() : text->string_view();
}

end_reason reason_of(inference::EndReason why) noexcept {
  return why <= inference::EndReason::MAX ? end_reason(why) : end_reason::error; // of a newer schema
}

static_assert(int(end_reason::error) == int(inference::EndReason::Error));
static_assert(int(end_reason::halted) == int(inference::EndReason::Halted));
static_assert(sizeof(score_sample) == sizeof(oversight::Sample) && offsetof(score_sample, score) == 8);

} // namespace

const char* name_of(end_reason why) noexcept { return inference::EnumNameEndReason(inference::EndReason(why)); }

bool read(bytes payload, inference_token& out) noexcept {
  const auto* m = root_of<inference::InferenceToken>(payload);
  if (m == nullptr)
    return false;
  const auto entropy = m->entropy();
  out = {m->session_id(),    m->index(),   m->token_id(),
         view_of(m->text()), m->logprob(), entropy ? std::optional(*entropy) : std::nullopt};
  return true;
}

bool read(bytes payload, inference_done& out) noexcept {
  const auto* m = root_of<inference::InferenceDone>(payload);
  if (m == nullptr)
    return false;
  out = {m->session_id(), reason_of(m->reason()), m->prompt_tokens(),  m->tokens(),
         m->prompt_ns(),  m->decode_ns(),         view_of(m->detail())};
  return true;
}

bool read(bytes payload, inference_cancel& out) noexcept {
  const auto* m = root_of<inference::InferenceCancel>(payload);
  if (m == nullptr)
    return false;
  out = {m->session_id(), reason_of(m->reason()), view_of(m->detail())};
  return true;
}

bool read(bytes payload, oversight_score_request& out) noexcept {
  const auto* m = root_of<oversight::OversightScoreRequest>(payload);
  if (m == nullptr)
    return false;
  out = {m->session_id(), m->index(), view_of(m->text())};
  return true;
}

bool read(bytes payload, oversight_score& out) noexcept {
  const auto* m = root_of<oversight::OversightScore>(payload);
  if (m == nullptr)
    return false;
  out = {m->session_id(), m->index(), m->score(), view_of(m->error())};
  return true;
}

bool read(bytes payload, oversight_verdict& out) noexcept {
  const auto* m = root_of<oversight::OversightVerdict>(payload);
  if (m == nullptr)
    return false;
  std::span<const score_sample> evidence;
  if (const auto* samples = m->evidence())
    evidence = {reinterpret_cast<const score_sample*>(samples->Data()), samples->size()};
  out = {m->session_id(),
         m->index(),
         std::uint8_t(m->action()),
         std::uint8_t(m->kind()),
         m->score(),
         m->released(),
         m->measured(),
         m->limit(),
         view_of(m->reason()),
         evidence,
         view_of(m->error())};
  return true;
}

struct message_writer::builder {
  flatbuffers::FlatBufferBuilder flat;

  // Nothing for an empty text: absent and empty are the same to a reader.
  flatbuffers::Offset<flatbuffers::String> text(std::string_view value) {
    return value.empty() ? flatbuffers::Offset<flatbuffers::String>() : flat.CreateString(value.data(), value.size());
  }
  template <class Root>
  bytes finish(flatbuffers::Offset<Root> root) {
    flat.Finish(root);
    return {flat.GetBufferPointer(), flat.GetSize()};
  }
};

message_writer::message_writer() : builder_(std::make_unique<builder>()) {}
message_writer::~message_writer() = default;

bytes message_writer::write(const inference_token& m) {
  auto& flat = builder_->flat;
  flat.Clear();
  const auto text = builder_->text(m.text);
  return builder_->finish(inference::CreateInferenceToken(flat, m.session_id, m.index, m.token_id, text, m.logprob,
                                                          m.entropy ? flatbuffers::Optional<double>(*m.entropy)
                                                                    : flatbuffers::Optional<double>()));
}

bytes message_writer::write(const inference_done& m) {
  auto& flat = builder_->flat;
  flat.Clear();
  const auto detail = builder_->text(m.detail);
  return builder_->finish(inference::CreateInferenceDone(flat, m.session_id, inference::EndReason(m.reason),
                                                         m.prompt_tokens, m.tokens, m.prompt_ns, m.decode_ns, detail));
}

bytes message_writer::write(const inference_cancel& m) {
  auto& flat = builder_->flat;
  flat.Clear();
  const auto detail = builder_->text(m.detail);
  return builder_->finish(inference::CreateInferenceCancel(flat, m.session_id, inference::EndReason(m.reason), detail));
}

bytes message_writer::write(const oversight_score_request& m) {
  auto& flat = builder_->flat;
  flat.Clear();
  const auto text = builder_->text(m.text);
  return builder_->finish(oversight::CreateOversightScoreRequest(flat, m.session_id, m.index, text));
}

bytes message_writer::write(const oversight_score& m) {
  auto& flat = builder_->flat;
  flat.Clear();
  const auto error = builder_->text(m.error);
  return builder_->finish(oversight::CreateOversightScore(flat, m.session_id, m.index, m.score, error));
}

bytes message_writer::write(const oversight_verdict& m) {
  auto& flat = builder_->flat;
  flat.Clear();
  const auto reason = builder_->text(m.reason);
  const auto error = builder_->text(m.error);
  flatbuffers::Offset<flatbuffers::Vector<const oversight::Sample*>> evidence;
  if (!m.evidence.empty())
    evidence =
        flat.CreateVectorOfStructs(reinterpret_cast<const oversight::Sample*>(m.evidence.data()), m.evidence.size());
  return builder_->finish(oversight::CreateOversightVerdict(flat, m.session_id, m.index, oversight::Action(m.action),
                                                            oversight::HaltKind(m.kind), m.score, m.released,
                                                            m.measured, m.limit, reason, evidence, error));
}

} // namespace mycelium::schema
