// The messages of the system's own actors: their numbers, and that payloads of them pass the check and mutilated ones
// do not.
#include "schema/from_text.hpp"
#include "schema/messages.hpp"
#include "schema/registry.hpp"

#include "inference_generated.h"
#include "oversight_generated.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace mycelium::schema {
namespace {

std::string text_of(const std::string& file) {
  const auto bytes = testing::file_content(MYCELIUM_SOURCE_FOLDER "/schema/" + file);
  return {bytes.begin(), bytes.end()};
}

std::shared_ptr<const schema_set> set_in(const std::string& file) {
  return *schema_set::load(testing::bfbs_from_text(text_of(file)));
}

template <class Table>
bytes payload(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<Table> root) {
  builder.Finish(root);
  return {builder.GetBufferPointer(), builder.GetSize()};
}

TEST(system_messages, have_the_numbers_that_are_written_down) {
  const std::map<std::uint16_t, std::string> expected = {
      {101, "mycelium.inference.InferenceToken"},  {102, "mycelium.inference.InferenceDone"},
      {103, "mycelium.inference.InferenceCancel"}, {121, "mycelium.oversight.OversightScoreRequest"},
      {122, "mycelium.oversight.OversightScore"},  {123, "mycelium.oversight.OversightVerdict"},
      {141, "mycelium.report.NodeReport"}};
  std::map<std::uint16_t, std::string> found;
  for (const auto* file : {"inference.fbs", "oversight.fbs", "report.fbs"}) {
    const auto set = set_in(file);
    for (const auto& type : set->types()) {
      EXPECT_TRUE(found.emplace(type.type_id, type.name).second) << type.type_id << " twice";
      EXPECT_EQ(type.topic + ".fbs", file);
      EXPECT_LT(type.type_id, 1000) << "the system's own";
    }
  }
  EXPECT_EQ(found, expected);
}

TEST(system_messages, a_token_passes_the_check_and_part_of_it_does_not) {
  flatbuffers::FlatBufferBuilder builder;
  const auto text = builder.CreateString("blue");
  const auto whole = payload(builder, inference::CreateInferenceToken(builder, 7, 3, 1234, text, -0.25, 1.5));
  const auto set = set_in("inference.fbs");
  EXPECT_TRUE(set->verify(101, whole, verify_level::full));
  EXPECT_FALSE(set->verify(101, whole.first(whole.size() / 2), verify_level::full));
}

TEST(system_messages, entropy_is_absent_unless_given) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(inference::CreateInferenceToken(builder, 7));
  EXPECT_FALSE(flatbuffers::GetRoot<inference::InferenceToken>(builder.GetBufferPointer())->entropy().has_value());
}

TEST(system_messages, a_score_that_nobody_set_is_not_a_number) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(oversight::CreateOversightScore(builder, 7));
  EXPECT_TRUE(std::isnan(flatbuffers::GetRoot<oversight::OversightScore>(builder.GetBufferPointer())->score()));
}

TEST(system_messages, a_verdict_carries_its_evidence) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<oversight::Sample> seen = {{3, 0.9}, {4, 0.1}};
  const auto evidence = builder.CreateVectorOfStructs(seen);
  const auto reason = builder.CreateString("hard_limit (0.1000 < 0.5)");
  const auto whole = payload(builder, oversight::CreateOversightVerdict(builder, 7, 4, oversight::Action::Halt,
                                                                        oversight::HaltKind::HardLimit, 0.1, 4, 0.1,
                                                                        0.5, reason, evidence));
  EXPECT_TRUE(set_in("oversight.fbs")->verify(123, whole, verify_level::full));
  EXPECT_EQ(flatbuffers::GetRoot<oversight::OversightVerdict>(whole.data())->evidence()->Get(1)->score(), 0.1);
}

TEST(system_messages, are_among_the_built_in_types) {
  for (const auto* file : {"inference.fbs", "oversight.fbs", "report.fbs"}) {
    const auto set = set_in(file);
    for (const auto& type : set->types()) {
      const auto* here = schema_set::built_in()->find(type.type_id);
      ASSERT_NE(here, nullptr) << type.name;
      EXPECT_EQ(here->type_digest, type.type_digest) << type.name;
    }
  }
}

} // namespace
} // namespace mycelium::schema
