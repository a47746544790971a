#include "token_publisher.hpp"

#include "inference.hpp" // generated from schema/inference.fbs
#include "publisher_state.hpp"

#include <atomic>
#include <span>
#include <string>
#include <vector>

namespace {

using mycelium::inference::EndReason;
using mycelium::inference::InferenceCancel;
using mycelium::inference::InferenceDone;
using mycelium::inference::InferenceToken;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Each with the spaces before it.
std::vector<std::string> words_of(const std::vector<std::string>& lines) {
  std::vector<std::string> words;
  bool in_word = false;
  for (const auto& line : lines)
    for (const char c : line) {
      if (words.empty() || (in_word && is_space(c)))
        words.emplace_back();
      in_word = !is_space(c);
      words.back() += c;
    }
  return words;
}

// Hears of the end of one session.
class cancel_listener {
public:
  cancel_listener(MyceliumRuntime* rt, std::uint64_t session) : rt_(rt), session_(session) {
    MyceliumSubscribeOptions options;
    mycelium_subscribe_options_init(&options);
    options.name = "token publisher";
    options.flags = MYCELIUM_SUBSCRIBE_INLINE;
    options.on_payload = [](std::uint16_t, const std::uint8_t* payload, std::size_t size, void* self) {
      auto& me = *static_cast<cancel_listener*>(self);
      const auto cancel = InferenceCancel::decode({payload, size});
      if (cancel && cancel->session_id == me.session_)
        me.reason_ = static_cast<int>(cancel->reason);
    };
    options.user_data = this;
    status_ = mycelium_subscribe_with_options(rt, InferenceCancel::type_id, &options, &id_);
  }
  ~cancel_listener() { mycelium_unsubscribe(rt_, id_); }
  cancel_listener(const cancel_listener&) = delete;
  cancel_listener& operator=(const cancel_listener&) = delete;

  std::int32_t status() const { return status_; }
  bool cancelled() const { return reason_ >= 0; }
  EndReason reason() const { return cancelled() ? EndReason(reason_.load()) : EndReason::EndOfSequence; }

private:
  MyceliumRuntime* rt_;
  std::uint64_t session_;
  std::uint64_t id_ = 0;
  std::int32_t status_;
  std::atomic<int> reason_{-1};
};

template <class Message>
std::int32_t publish(MyceliumRuntime* rt, std::uint64_t to, const Message& message) {
  MyceliumEnvelope envelope{};
  envelope.struct_size = sizeof envelope;
  envelope.type_id = Message::type_id;
  envelope.destination = MYCELIUM_TO_SUBSCRIPTION;
  envelope.destination_key = to;
  const auto payload = message.encode();
  return mycelium_publish_envelope(rt, &envelope, payload.data(), payload.size());
}

} // namespace

std::int32_t text_publisher_say(TextPublisher* self, std::uint64_t session_id, std::uint64_t to, std::uint64_t count,
                                const char* planted, std::uint64_t planted_before, TextPublisherSaid* out) {
  auto words = words_of(self->lines);
  *out = {0, words.size(), 0};
  if (count < words.size())
    words.resize(count);
  if (planted != nullptr && planted_before <= words.size())
    words.insert(words.begin() + static_cast<std::ptrdiff_t>(planted_before), std::string(" ") + planted);
  const cancel_listener cancels(self->rt, session_id);
  if (cancels.status() < 0)
    return fail_publisher(cancels.status(), "subscribe");
  InferenceToken token;
  token.session_id = session_id;
  for (; token.index < words.size() && !cancels.cancelled(); ++token.index) {
    token.text = words[token.index];
    if (const auto said = publish(self->rt, to, token); said < 0)
      return fail_publisher(said, "publish");
  }
  InferenceDone done;
  done.session_id = session_id;
  done.reason = cancels.reason();
  done.tokens = token.index;
  out->tokens = token.index;
  out->stopped = token.index < words.size() ? 1 : 0;
  if (const auto said = publish(self->rt, to, done); said < 0)
    return fail_publisher(said, "publish");
  return MYCELIUM_SUCCESS;
}
