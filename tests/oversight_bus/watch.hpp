// An oversight that a test owns, its scripted source, and what becomes of a session as a subscriber sees it.
#pragma once

#include "laws/bus.hpp"
#include "laws/collector.hpp"
#include "laws/gate.hpp"
#include "laws/subscriber.hpp"
#include "mycelium_oversight.h"
#include "schema/stream_messages.hpp"
#include "tools/oversight/token_source.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mycelium::laws {

using schema::end_reason;
using schema::inference_done;
using schema::inference_token;
using schema::oversight_score;
using schema::oversight_score_request;
using schema::oversight_verdict;

inline schema::bytes payload_of(const MyceliumMessage* message) {
  std::size_t size = 0;
  const auto* data = mycelium_message_payload(message, &size);
  return {data, size};
}

inline schema::bytes bytes_of(const record& one) {
  return {reinterpret_cast<const std::uint8_t*>(one.payload.data()), one.payload.size()};
}

// How coherent is this token? Throws, or says nothing, to fail.
using score_hook = std::function<void(const MyceliumScoreQuestion&, MyceliumScoreAnswer*)>;

inline score_hook always(double score) {
  return [score](const MyceliumScoreQuestion&, MyceliumScoreAnswer* answer) { mycelium_score_set(answer, score); };
}
// 0.9, but `score` for token `index`.
inline score_hook drops_at(std::uint64_t index, double score = 0.1) {
  return [=](const MyceliumScoreQuestion& question, MyceliumScoreAnswer* answer) {
    mycelium_score_set(answer, question.index == index ? score : 0.9);
  };
}

class watch {
public:
  using tweak = std::function<void(MyceliumOversightConfig&, BackfireConfig&, BackfireOptions&)>;

  // Without a hook scores are asked for on the bus.
  explicit watch(MyceliumRuntime* rt, score_hook score = {}, const tweak& change = {}) : rt_(rt) {
    BackfireConfig config;
    backfire_config_init(&config);
    config.deadline_ms = 20'000; // what is late is a matter of its own tests
    BackfireOptions options;
    backfire_options_init(&options);
    MyceliumOversightConfig given;
    mycelium_oversight_config_init(&given);
    given.config = &config;
    given.options = &options;
    if (score) {
      hook_ = std::make_unique<score_hook>(std::move(score));
      given.scorer = [](const MyceliumScoreQuestion* question, MyceliumScoreAnswer* answer, void* hook) {
        (*static_cast<score_hook*>(hook))(*question, answer);
      };
      given.user_data = hook_.get();
    }
    if (change)
      change(given, config, options);
    created_ = mycelium_oversight_create(rt, &given, &id_) == MYCELIUM_SUCCESS;
    EXPECT_TRUE(created_) << mycelium_last_error();
  }
  ~watch() { mycelium_oversight_destroy(rt_, id_); }
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;

  std::uint64_t id() const { return id_; }
  std::uint64_t attach(std::uint64_t session_id) const {
    std::uint64_t to = 0;
    EXPECT_TRUE(ok(mycelium_oversight_attach(rt_, id_, session_id, &to)));
    return to;
  }
  MyceliumOversightStats stats() const {
    MyceliumOversightStats stats{};
    stats.struct_size = sizeof stats;
    EXPECT_TRUE(ok(mycelium_oversight_stats(rt_, id_, &stats)));
    return stats;
  }
  // Ended sessions leave a moment after their InferenceDone went out.
  bool wait_until_all_left() const {
    return eventually([this] { return stats().sessions == 0; });
  }

private:
  MyceliumRuntime* rt_;
  std::unique_ptr<score_hook> hook_;
  bool created_ = false;
  std::uint64_t id_ = 0;
};

// Subscribes as a reader of the text does: to tokens, ends, verdicts and cancels of all sessions.
class reader {
public:
  explicit reader(MyceliumRuntime* rt)
      : tokens_(rt, inference_token::type_id), dones_(rt, inference_done::type_id),
        verdicts_(rt, oversight_verdict::type_id), cancels_(rt, schema::inference_cancel::type_id) {}

  // Until so many sessions have ended, and what was shown of them has arrived: other types come in other mailboxes.
  bool wait_for_dones(std::size_t count) const {
    if (!dones_.got().wait_for(count))
      return false;
    std::size_t shown = 0;
    for (const auto& one : dones_.got().records()) {
      inference_done done;
      EXPECT_TRUE(schema::read(bytes_of(one), done));
      shown += done.tokens;
    }
    return tokens_.got().wait_for(shown);
  }
  bool wait_for_tokens(std::size_t count) const { return tokens_.got().wait_for(count); }
  bool wait_for_verdicts(std::size_t count) const { return verdicts_.got().wait_for(count); }
  bool wait_for_cancels(std::size_t count) const { return cancels_.got().wait_for(count); }

  const collector& tokens() const { return tokens_.got(); }

  // What was shown of a session, put together; fails the test where an index is not the next.
  std::string text_of(std::uint64_t session_id) const {
    std::string text;
    std::uint32_t next = 0;
    for (const auto& one : tokens_.got().records()) {
      inference_token token;
      EXPECT_TRUE(schema::read(bytes_of(one), token));
      if (token.session_id != session_id)
        continue;
      EXPECT_EQ(token.index, next++) << "of session " << session_id;
      text += token.text;
    }
    return text;
  }

  struct end {
    end_reason reason = end_reason::error;
    std::uint32_t tokens = 0;
    std::string detail;
  };
  // The last InferenceDone of a session; one that has none fails the test.
  end done_of(std::uint64_t session_id) const { return end_in<inference_done>(dones_.got(), session_id); }
  end cancel_of(std::uint64_t session_id) const { return end_in<schema::inference_cancel>(cancels_.got(), session_id); }
  std::size_t cancels() const { return cancels_.got().size(); }

  struct judged {
    std::uint64_t index, released;
    int action, kind;
    double score, measured, limit;
    std::string reason, error;
    std::vector<double> evidence;
  };
  std::vector<judged> verdicts_of(std::uint64_t session_id) const {
    std::vector<judged> all;
    for (const auto& one : verdicts_.got().records()) {
      oversight_verdict v;
      EXPECT_TRUE(schema::read(bytes_of(one), v));
      if (v.session_id != session_id)
        continue;
      all.push_back({v.index,
                     v.released,
                     v.action,
                     v.kind,
                     v.score,
                     v.measured,
                     v.limit,
                     std::string(v.reason),
                     std::string(v.error),
                     {}});
      for (const auto& sample : v.evidence)
        all.back().evidence.push_back(sample.score);
    }
    return all;
  }

private:
  template <class Message>
  static end end_in(const collector& got, std::uint64_t session_id) {
    for (const auto& one : got.records()) {
      Message m;
      EXPECT_TRUE(schema::read(bytes_of(one), m));
      if (m.session_id != session_id)
        continue;
      if constexpr (std::is_same_v<Message, inference_done>)
        return {m.reason, m.tokens, std::string(m.detail)};
      else
        return {m.reason, 0, std::string(m.detail)};
    }
    ADD_FAILURE() << "session " << session_id << " has no such message";
    return {};
  }

  subscriber tokens_, dones_, verdicts_, cancels_;
};

// The text that the tests say, word by word.
inline const std::vector<std::string>& words() {
  static const auto all = tools::words_of("The sky is blue. The sea is deep and cold. Nobody has counted the fish, but "
                                          "there are many.\nMost of them have never seen the sky.\n");
  return all;
}

inline std::string first_words(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += words()[i];
  return text;
}

inline std::int32_t publish_to(MyceliumRuntime* rt, std::uint16_t type_id, std::uint64_t to, schema::bytes payload) {
  auto envelope = new_envelope(type_id);
  envelope.destination = MYCELIUM_TO_SUBSCRIPTION;
  envelope.destination_key = to;
  return mycelium_publish_envelope(rt, &envelope, payload.data(), payload.size());
}

inline std::int32_t publish_token(MyceliumRuntime* rt, std::uint64_t to, const inference_token& token) {
  schema::message_writer writer;
  return publish_to(rt, inference_token::type_id, to, writer.write(token));
}

} // namespace mycelium::laws
