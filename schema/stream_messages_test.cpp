// What is written is read again as it was; what is no such message is not read.
#include "schema/registry.hpp"
#include "schema/stream_messages.hpp"

#include "inference_generated.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace mycelium::schema {
namespace {

// A copy, as the writer's memory is used again.
std::vector<std::uint8_t> copy_of(bytes payload) { return {payload.begin(), payload.end()}; }

template <class Message>
std::vector<std::uint8_t> payload_of(const Message& m) {
  message_writer writer;
  return copy_of(writer.write(m));
}

// The whole passes the schema's check; no prefix of it is read.
template <class Message>
Message through(const Message& m) {
  const auto payload = payload_of(m);
  EXPECT_TRUE(schema_set::built_in()->verify(Message::type_id, payload, verify_level::full));
  Message read_again;
  for (std::size_t size = 0; size + 4 < payload.size(); size += 4)
    EXPECT_FALSE(read(bytes(payload).first(size), read_again)) << size;
  EXPECT_TRUE(read(payload, read_again));
  return read_again;
}

TEST(stream_messages, a_token_is_read_as_it_was_written) {
  const auto payload = payload_of(inference_token{7, 3, 1234, " blue", -0.25, 1.5});
  inference_token t;
  ASSERT_TRUE(read(payload, t));
  EXPECT_EQ(t.session_id, 7u);
  EXPECT_EQ(t.index, 3u);
  EXPECT_EQ(t.token_id, 1234);
  EXPECT_EQ(t.text, " blue");
  EXPECT_EQ(t.logprob, -0.25);
  EXPECT_EQ(t.entropy, 1.5);
  EXPECT_FALSE(through(inference_token{.session_id = 7}).entropy.has_value());
}

TEST(stream_messages, ends_are_read_as_they_were_written) {
  const auto payload = payload_of(inference_done{7, end_reason::halted, 11, 12, 13, 14, "hard_limit (0.1000 < 0.5)"});
  inference_done d;
  ASSERT_TRUE(read(payload, d));
  EXPECT_EQ(d.reason, end_reason::halted);
  EXPECT_EQ(std::vector<std::uint64_t>({d.prompt_tokens, d.tokens, d.prompt_ns, d.decode_ns}),
            std::vector<std::uint64_t>({11, 12, 13, 14}));
  EXPECT_EQ(d.detail, "hard_limit (0.1000 < 0.5)");
  EXPECT_EQ(through(inference_cancel{9, end_reason::halted, {}}).reason, end_reason::halted);
  EXPECT_STREQ(name_of(end_reason::halted), "Halted");
}

TEST(stream_messages, a_score_that_is_no_number_stays_none) {
  EXPECT_EQ(through(oversight_score{7, 1, 0.5, {}}).score, 0.5);
  EXPECT_TRUE(std::isnan(through(oversight_score{7, 1, std::numeric_limits<double>::quiet_NaN(), {}}).score));
  EXPECT_EQ(through(oversight_score_request{7, 5, {}}).index, 5u);
}

TEST(stream_messages, a_verdict_carries_its_evidence) {
  const std::vector<score_sample> evidence = {{3, 0.9}, {4, 0.1}};
  const auto payload = payload_of(oversight_verdict{7, 4, 3, 1, 0.1, 4, 0.1, 0.5, "why", evidence, "who"});
  oversight_verdict v;
  ASSERT_TRUE(read(payload, v));
  EXPECT_EQ(v.released, 4u);
  EXPECT_EQ(v.action, 3);
  EXPECT_EQ(v.kind, 1);
  EXPECT_EQ(v.reason, "why");
  EXPECT_EQ(v.error, "who");
  ASSERT_EQ(v.evidence.size(), 2u);
  EXPECT_EQ(v.evidence[1].index, 4u);
  EXPECT_EQ(v.evidence[1].score, 0.1);
}

TEST(stream_messages, an_end_reason_of_a_newer_schema_is_an_error) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(inference::CreateInferenceCancel(builder, 9, inference::EndReason(200)));
  inference_cancel c;
  ASSERT_TRUE(read({builder.GetBufferPointer(), builder.GetSize()}, c));
  EXPECT_EQ(c.session_id, 9u);
  EXPECT_EQ(c.reason, end_reason::error);
}

} // namespace
} // namespace mycelium::schema
