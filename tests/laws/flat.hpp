// FlatBuffers for tests: messages of the built-in schema built and verified by FlatBuffers' own generated code, which
// is independent of ours, and binary schemas that flatc made.
#pragma once

#include "bus.hpp"

#include "examples_generated.h"

#include <fstream>
#include <iterator>
#include <vector>

namespace mycelium::laws {

inline constexpr std::uint16_t text_message = 1001;

using buffer = std::vector<std::uint8_t>;

inline buffer new_text_message(std::string_view sender, std::string_view content, std::uint64_t timestamp) {
  flatbuffers::FlatBufferBuilder builder;
  const auto from = builder.CreateString(sender.data(), sender.size());
  const auto text = builder.CreateString(content.data(), content.size());
  builder.Finish(examples::CreateTextMessage(builder, from, text, timestamp));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

inline bool is_text_message(std::span<const std::uint8_t> payload) {
  flatbuffers::Verifier verifier{payload.data(), payload.size()};
  return verifier.VerifyBuffer<examples::TextMessage>(nullptr);
}

inline std::int32_t publish(MyceliumRuntime* rt, std::uint16_t type_id, std::span<const std::uint8_t> payload) {
  return mycelium_publish(rt, type_id, payload.data(), payload.size());
}

// The .bfbs that the build made of schemas/<name>.fbs.
inline buffer binary_schema(const std::string& name) {
  std::ifstream file{std::string{MYCELIUM_TEST_SCHEMAS} + "/" + name + ".bfbs", std::ios::binary};
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>{file}, {}};
}

inline std::int32_t register_schema(MyceliumRuntime* rt, std::span<const std::uint8_t> bfbs,
                                    std::uint8_t* digest = nullptr) {
  return mycelium_register_schema(rt, bfbs.data(), bfbs.size(), digest);
}

} // namespace mycelium::laws
