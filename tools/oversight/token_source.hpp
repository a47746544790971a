// A scripted source of InferenceTokens, for whoever drives oversight without a model: it says a text word by word, in
// any number of sessions, and ends a session that is cancelled. A session's tokens are published by one thread at a
// time; different sessions may have different ones.
#pragma once

#include "mycelium.h"
#include "schema/status.hpp"
#include "schema/stream_messages.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mycelium::tools {

// The words of a text, each with the spaces before it; put together they are the text, and so is what is left at its
// end. A UTF-8 text is cut at ASCII spaces only.
std::vector<std::string> words_of(std::string_view text);

class token_source {
public:
  // Throws nothing; ok() tells whether it hears of cancels. words outlives the source.
  token_source(MyceliumRuntime* rt, const std::vector<std::string>& words);
  ~token_source();
  token_source(const token_source&) = delete;
  token_source& operator=(const token_source&) = delete;
  bool ok() const noexcept { return subscription_ != 0; }

  // to: what mycelium_oversight_attach returned; 0: the tokens are for all.
  void begin(std::uint64_t session_id, std::uint64_t to);
  // entropies (may be empty): those of the tokens, from the first on.
  void say_entropies(std::vector<double> entropies) { entropies_ = std::move(entropies); }

  enum class step { published, ended, failed };
  // Publishes the session's next token; or, at the end of the text or once it is cancelled, its InferenceDone. failed:
  // mycelium_last_error() says why, and the token is not counted.
  step say_next(std::uint64_t session_id);
  // Until the end. Less than all of it was said only if the session was cancelled, or a publish failed.
  step say_all(std::uint64_t session_id);

  struct session {
    std::uint64_t to = 0;
    std::uint32_t said = 0; // tokens
    bool cancelled = false;
    bool ended = false;
    schema::end_reason reason = schema::end_reason::end_of_sequence;
    std::string detail;
  };
  session state(std::uint64_t session_id) const;

private:
  static void on_cancel(const MyceliumMessage* message, void* self);
  step publish(std::uint16_t type_id, std::uint64_t to, schema::bytes payload);

  MyceliumRuntime* rt_;
  const std::vector<std::string>& words_;
  std::vector<double> entropies_;
  std::uint64_t subscription_ = 0;
  mutable std::mutex mutex_; // not held while anything is published
  std::unordered_map<std::uint64_t, session> sessions_;
};

} // namespace mycelium::tools
