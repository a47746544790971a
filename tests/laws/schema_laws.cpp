// Schemas: digests agree or say so, payloads are checked before anyone sees them, foreign bytes of any kind are a
// status.
#include "flat.hpp"
#include "subscriber.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace mycelium::laws {
namespace {

using digest = std::array<std::uint8_t, MYCELIUM_DIGEST_SIZE>;

digest built_in_digest() {
  digest built_in{};
  EXPECT_TRUE(ok(mycelium_schema_digest(built_in.data())));
  return built_in;
}

std::int32_t verify(MyceliumRuntime* rt, const digest& which) {
  return mycelium_verify_schema_digest(rt, which.data(), which.size());
}

MyceliumRuntimeConfig checking(MyceliumVerify level, bool strict = false) {
  auto config = new_config(1);
  config.verify = level;
  config.strict = strict ? 1 : 0;
  return config;
}

TEST(digest_laws, the_built_in_digest_is_accepted_and_any_other_is_a_mismatch) {
  bus rt{1};
  const auto built_in = built_in_digest();
  EXPECT_TRUE(std::ranges::any_of(built_in, [](auto byte) { return byte != 0; }));
  EXPECT_TRUE(ok(verify(rt, built_in)));
  for (std::size_t i = 0; i < built_in.size(); ++i) {
    auto other = built_in;
    other[i] ^= 1;
    EXPECT_TRUE(gives(MYCELIUM_ERROR_DIGEST, verify(rt, other)));
  }
}

TEST(digest_laws, a_digest_of_another_length_is_invalid) {
  bus rt{1};
  const auto built_in = built_in_digest();
  for (std::size_t len : {0, 1, 31, 33, 64})
    EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, mycelium_verify_schema_digest(rt, built_in.data(), len)));
}

TEST(digest_laws, each_type_has_a_digest_of_its_own) {
  bus rt{1};
  digest text{};
  digest counter{};
  EXPECT_TRUE(ok(mycelium_type_digest(rt, text_message, text.data())));
  EXPECT_TRUE(ok(mycelium_type_digest(rt, 1002, counter.data())));
  EXPECT_NE(text, counter);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_UNKNOWN_TYPE, mycelium_type_digest(rt, apples, text.data())));
}

TEST(verify_laws, a_valid_payload_is_delivered_at_every_level) {
  const auto payload = new_text_message("tester", "hello", 42);
  for (auto level : {MYCELIUM_VERIFY_NONE, MYCELIUM_VERIFY_SIZE, MYCELIUM_VERIFY_FULL}) {
    bus rt{checking(level, true)};
    std::string content;
    subscriber sub{
        rt, text_message, delivery::message, [&](const MyceliumMessage* message) {
          content =
              flatbuffers::GetRoot<examples::TextMessage>(mycelium_message_payload(message, nullptr))->content()->str();
        }};
    EXPECT_TRUE(ok(publish(rt, text_message, payload)));
    EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
    EXPECT_EQ(content, "hello");
  }
}

TEST(verify_laws, full_refuses_every_truncation_and_nobody_sees_it) {
  bus rt{checking(MYCELIUM_VERIFY_FULL)};
  subscriber sub{rt, text_message};
  const auto payload = new_text_message("tester", "some content that is a little longer", 42);
  for (std::size_t len = 0; len < payload.size(); ++len) {
    const auto cut = std::span{payload}.first(len);
    const auto status = publish(rt, text_message, cut);
    if (len != 0 && is_text_message(cut)) // only padding was cut
      EXPECT_TRUE(ok(status)) << len;
    else
      EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_PAYLOAD, status)) << len;
  }
  EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().size(), stats_of(rt).published);
  EXPECT_GT(stats_of(rt).refused, payload.size() / 2);
}

TEST(verify_laws, full_never_accepts_what_flatbuffers_refuses) {
  bus rt{checking(MYCELIUM_VERIFY_FULL)};
  const auto payload = new_text_message("tester", "some content", 42);
  std::mt19937 random{20240607};
  std::size_t refused = 0;
  const auto agree = [&](const buffer& hostile) {
    const auto status = mycelium_verify_payload(rt, text_message, hostile.data(), hostile.size());
    EXPECT_EQ(status, publish(rt, text_message, hostile)) << "publish checks as verify_payload does";
    if (status == MYCELIUM_SUCCESS) {
      EXPECT_TRUE(is_text_message(hostile));
    } else {
      EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_PAYLOAD, status));
      ++refused;
    }
  };
  for (std::size_t at = 0; at < payload.size(); ++at)
    for (int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      auto hostile = payload;
      hostile[at] = static_cast<std::uint8_t>(value);
      agree(hostile);
    }
  for (int i = 0; i < 2000; ++i) { // several bytes at once, and noise
    auto hostile = payload;
    for (int k = 0; k < 4; ++k)
      hostile[random() % hostile.size()] = static_cast<std::uint8_t>(random());
    if (i % 4 == 0)
      std::ranges::generate(hostile, [&] { return static_cast<std::uint8_t>(random()); });
    agree(hostile);
  }
  EXPECT_GT(refused, 100u);
}

TEST(verify_laws, size_refuses_a_root_outside_the_payload_and_none_lets_it_pass) {
  const auto payload = new_text_message("tester", "content", 42);
  for (std::uint32_t root : {static_cast<std::uint32_t>(payload.size()), 0x7fff'ffffu, 0xffff'fffcu}) {
    auto hostile = payload;
    std::memcpy(hostile.data(), &root, sizeof root);
    bus checked{checking(MYCELIUM_VERIFY_SIZE)};
    EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_PAYLOAD, publish(checked, text_message, hostile))) << root;
    EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_PAYLOAD, publish(checked, text_message, std::span{hostile}.first(3))));
    bus trusting{checking(MYCELIUM_VERIFY_NONE)};
    EXPECT_TRUE(ok(publish(trusting, text_message, hostile))) << "opaque bytes";
  }
}

TEST(verify_laws, every_way_of_publishing_is_checked) {
  bus rt{checking(MYCELIUM_VERIFY_FULL)};
  subscriber sub{rt, text_message};
  const auto good = new_text_message("tester", "content", 42);
  buffer bad(good.size(), 0xff);
  const auto invalid = MYCELIUM_ERROR_INVALID_PAYLOAD;
  auto envelope = new_envelope(text_message);
  EXPECT_TRUE(gives(invalid, mycelium_publish_envelope(rt, &envelope, bad.data(), bad.size())));
  const MyceliumPayload batch[]{{text_message, good.data(), good.size()}, {text_message, bad.data(), bad.size()}};
  std::size_t accepted = 99;
  EXPECT_TRUE(gives(invalid, mycelium_publish_batch(rt, batch, 2, &accepted)));
  EXPECT_EQ(accepted, 1u);
  MyceliumLoan* loan = nullptr;
  std::uint8_t* data = nullptr;
  ASSERT_TRUE(ok(mycelium_loan(rt, 256, &loan, &data)));
  std::ranges::copy(bad, data);
  EXPECT_TRUE(gives(invalid, mycelium_publish_loan(rt, text_message, loan, 0, bad.size())));
  std::ranges::copy(good, data);
  EXPECT_TRUE(ok(mycelium_publish_loan(rt, text_message, loan, 0, good.size())))
      << "still the caller's after a refusal";
  MyceliumMessage* reply = nullptr;
  EXPECT_TRUE(gives(invalid, mycelium_request(rt, text_message, bad.data(), bad.size(), patience_ns, &reply)));
  subscriber server{rt, apples, delivery::message, [&](const MyceliumMessage* message) {
                      EXPECT_TRUE(gives(invalid, mycelium_reply(rt, message, text_message, bad.data(), bad.size())));
                    }};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NO_REPLY, mycelium_request(rt, apples, nullptr, 0, patience_ns, &reply)));
  EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().size(), 2u);
}

TEST(verify_laws, a_type_without_a_schema_is_opaque_unless_the_runtime_is_strict) {
  bus lenient{checking(MYCELIUM_VERIFY_FULL)};
  subscriber sub{lenient, apples};
  EXPECT_TRUE(ok(publish(lenient, apples, "any bytes")));
  EXPECT_TRUE(sub.got().wait_for(1));
  for (auto level : {MYCELIUM_VERIFY_NONE, MYCELIUM_VERIFY_FULL}) {
    bus strict{checking(level, true)};
    EXPECT_TRUE(gives(MYCELIUM_ERROR_UNKNOWN_TYPE, publish(strict, apples, "any bytes")));
    EXPECT_EQ(stats_of(strict).published, 0u);
  }
}

TEST(verify_laws, verify_payload_checks_whatever_the_runtimes_level) {
  bus rt{checking(MYCELIUM_VERIFY_NONE)};
  const auto good = new_text_message("tester", "content", 42);
  const buffer bad(16, 0xff);
  EXPECT_TRUE(ok(mycelium_verify_payload(rt, text_message, good.data(), good.size())));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_PAYLOAD, mycelium_verify_payload(rt, text_message, bad.data(), bad.size())));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_PAYLOAD, mycelium_verify_payload(rt, text_message, bad.data(), 0)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_UNKNOWN_TYPE, mycelium_verify_payload(rt, apples, good.data(), good.size())));
}

TEST(register_laws, a_registered_schema_makes_its_types_known_in_that_runtime) {
  bus rt{checking(MYCELIUM_VERIFY_FULL, true)};
  bus other{checking(MYCELIUM_VERIFY_FULL, true)};
  digest set{};
  ASSERT_TRUE(ok(register_schema(rt, binary_schema("orders"), set.data())));
  EXPECT_NE(set, built_in_digest());
  EXPECT_TRUE(ok(verify(rt, set)));
  EXPECT_TRUE(ok(verify(rt, built_in_digest()))) << "still known";
  EXPECT_TRUE(gives(MYCELIUM_ERROR_DIGEST, verify(other, set)));
  flatbuffers::FlatBufferBuilder builder;
  const auto start = builder.StartTable(); // Cancelled: one uint64
  builder.AddElement<std::uint64_t>(4, 7, 0);
  builder.Finish(flatbuffers::Offset<void>{builder.EndTable(start)});
  const std::span payload{builder.GetBufferPointer(), builder.GetSize()};
  EXPECT_TRUE(ok(publish(rt, 20101, payload)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_PAYLOAD, publish(rt, 20101, payload.first(5))));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_UNKNOWN_TYPE, publish(other, 20101, payload)));
  digest order{};
  EXPECT_TRUE(ok(mycelium_type_digest(rt, 20100, order.data())));
}

TEST(register_laws, the_same_schema_again_is_left_alone_and_another_digest_adds_nothing) {
  bus rt{1};
  digest first{};
  digest again{};
  ASSERT_TRUE(ok(register_schema(rt, binary_schema("orders"), first.data())));
  ASSERT_TRUE(ok(register_schema(rt, binary_schema("orders"), again.data())));
  EXPECT_EQ(first, again);
  EXPECT_TRUE(gives(MYCELIUM_ERROR_DIGEST, register_schema(rt, binary_schema("orders_changed"))));
  digest refund{};
  EXPECT_TRUE(gives(MYCELIUM_ERROR_UNKNOWN_TYPE, mycelium_type_digest(rt, 20102, refund.data()))) << "nothing is added";
  EXPECT_TRUE(gives(MYCELIUM_ERROR_DIGEST, register_schema(rt, binary_schema("id_taken")))) << "1001 is built in";
}

TEST(register_laws, a_schema_that_is_not_one_of_messages_is_invalid) {
  bus rt{1};
  for (const char* name : {"duplicate_id", "no_id", "id_zero", "id_too_large"})
    EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, register_schema(rt, binary_schema(name)))) << name;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, register_schema(rt, bytes_of("table Order { id: uint64; }"))));
  const std::uint8_t nothing = 0;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, mycelium_register_schema(rt, &nothing, 0, nullptr)));
}

TEST(register_laws, a_truncated_schema_is_invalid) {
  bus rt{1};
  const auto schema = binary_schema("orders");
  for (std::size_t len = 0; len + 8 < schema.size(); ++len) // the last bytes may be padding
    ASSERT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, register_schema(rt, std::span{schema}.first(len)))) << len;
}

TEST(register_laws, a_damaged_schema_is_a_status) {
  const auto schema = binary_schema("orders");
  std::mt19937 random{20240607};
  std::size_t refused = 0;
  bus rt{1};
  for (int i = 0; i < 3000; ++i) {
    auto hostile = schema;
    for (int k = 0; k <= i % 3; ++k)
      hostile[random() % hostile.size()] = static_cast<std::uint8_t>(random());
    const auto status = register_schema(rt, hostile);
    EXPECT_TRUE(status == MYCELIUM_SUCCESS || status == MYCELIUM_ERROR_INVALID_ARGUMENT ||
                status == MYCELIUM_ERROR_DIGEST)
        << mycelium_status_name(status);
    refused += status != MYCELIUM_SUCCESS;
  }
  EXPECT_GT(refused, 500u);
}

TEST(register_laws, schemas_may_be_registered_while_others_publish) {
  bus rt{checking(MYCELIUM_VERIFY_FULL)};
  const auto payload = new_text_message("tester", "content", 42);
  std::atomic<bool> stop{false};
  std::thread publisher{[&] {
    while (!stop)
      EXPECT_TRUE(ok(publish(rt, text_message, payload)));
  }};
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(ok(register_schema(rt, binary_schema("orders"))));
    EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, register_schema(rt, binary_schema("duplicate_id"))));
  }
  stop = true;
  publisher.join();
}

} // namespace
} // namespace mycelium::laws
