// Bad arguments: a status and a text, never a crash, and nothing half done.
#include "subscriber.hpp"

#include <array>
#include <limits>

namespace mycelium::laws {
namespace {

constexpr std::int32_t null = MYCELIUM_ERROR_NULL;
constexpr std::int32_t invalid = MYCELIUM_ERROR_INVALID_ARGUMENT;

MyceliumSubscribeOptions with_handler() {
  auto options = new_options();
  options.on_message = [](const MyceliumMessage*, void*) {};
  return options;
}

std::int32_t try_options(MyceliumRuntime* rt, const MyceliumSubscribeOptions& options) {
  std::uint64_t id = 0;
  const auto status = mycelium_subscribe_with_options(rt, apples, &options, &id);
  if (status == MYCELIUM_SUCCESS)
    mycelium_unsubscribe(rt, id);
  return status;
}

TEST(argument_laws, a_required_pointer_that_is_null_is_a_status) {
  bus rt{1};
  const std::uint8_t byte = 0;
  std::uint8_t* data = nullptr;
  std::size_t count = 0;
  MyceliumLoan* loan = nullptr;
  MyceliumDelivery delivery{};
  MyceliumRequestOptions asking{};
  asking.struct_size = sizeof asking;
  std::uint64_t id = 0;
  const auto envelope = new_envelope(apples);
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt, &queue)));
  EXPECT_TRUE(gives(null, mycelium_publish(rt, apples, nullptr, 1)));
  EXPECT_TRUE(gives(null, mycelium_publish_envelope(rt, nullptr, &byte, 1)));
  EXPECT_TRUE(gives(null, mycelium_publish_envelope(rt, &envelope, nullptr, 1)));
  EXPECT_TRUE(gives(null, mycelium_publish_batch(rt, nullptr, 1, &count)));
  EXPECT_EQ(count, 0u);
  const MyceliumPayload hollow{apples, nullptr, 1};
  EXPECT_TRUE(gives(null, mycelium_publish_batch(rt, &hollow, 1, &count)));
  EXPECT_TRUE(gives(null, mycelium_loan(rt, 16, nullptr, &data)));
  EXPECT_TRUE(gives(null, mycelium_loan(rt, 16, &loan, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_publish_loan(rt, apples, nullptr, 0, 0)));
  EXPECT_TRUE(gives(null, mycelium_subscribe(rt, apples, nullptr, nullptr, &id)));
  EXPECT_TRUE(gives(null, mycelium_subscribe_with_options(rt, apples, nullptr, &id)));
  EXPECT_TRUE(gives(null, mycelium_queue_open(rt, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_queue_receive(rt, queue, nullptr, 1, 0, &count)));
  EXPECT_TRUE(gives(null, mycelium_queue_receive(rt, queue, &delivery, 1, 0, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_queue_fd(rt, queue, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_request(rt, apples, nullptr, 0, 0, nullptr)));
  MyceliumMessage* reply = nullptr;
  EXPECT_TRUE(gives(null, mycelium_request(rt, apples, nullptr, 1, 0, &reply)));
  EXPECT_TRUE(gives(null, mycelium_request_async(rt, apples, nullptr, 0, nullptr, &id)));
  EXPECT_TRUE(gives(null, mycelium_reply(rt, nullptr, apples, nullptr, 0)));
  EXPECT_TRUE(gives(null, mycelium_runtime_stats(rt, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_metrics_text(rt, nullptr, 10, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_info_json(nullptr, 10, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_verify_schema_digest(rt, nullptr, 32)));
  EXPECT_TRUE(gives(null, mycelium_register_schema(rt, nullptr, 10, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_schema_digest(nullptr)));
  EXPECT_TRUE(gives(null, mycelium_type_digest(rt, 1001, nullptr)));
  EXPECT_TRUE(gives(null, mycelium_verify_payload(rt, 1001, nullptr, 1)));
  EXPECT_EQ(stats_of(rt).published, 0u);
  EXPECT_EQ(stats_of(rt).subscriptions, 0u);
}

TEST(argument_laws, null_messages_and_loans_are_harmless) {
  std::size_t len = 7;
  EXPECT_EQ(mycelium_message_payload(nullptr, &len), nullptr);
  EXPECT_EQ(len, 0u);
  EXPECT_EQ(mycelium_message_payload(nullptr, nullptr), nullptr);
  EXPECT_EQ(mycelium_message_type_id(nullptr), 0);
  EXPECT_EQ(mycelium_message_is_request(nullptr), 0);
  EXPECT_EQ(mycelium_message_retain(nullptr), nullptr);
  auto envelope = new_envelope(0);
  EXPECT_TRUE(gives(null, mycelium_message_envelope(nullptr, &envelope)));
  mycelium_message_release(nullptr);
  mycelium_loan_discard(nullptr);
  mycelium_runtime_config_init(nullptr);
  mycelium_subscribe_options_init(nullptr);
  EXPECT_EQ(mycelium_runtime_create_from_topology(nullptr, "service"), nullptr);
  EXPECT_EQ(mycelium_last_status(), null);
  EXPECT_EQ(mycelium_runtime_create_from_topology("topology.toml", nullptr), nullptr);
  EXPECT_EQ(mycelium_last_status(), null);
}

TEST(argument_laws, the_init_functions_set_the_size_and_zero_the_rest) {
  MyceliumRuntimeConfig config;
  std::fill_n(reinterpret_cast<unsigned char*>(&config), sizeof config, static_cast<unsigned char>(0xff));
  mycelium_runtime_config_init(&config);
  EXPECT_EQ(config.struct_size, sizeof config);
  EXPECT_EQ(config.threads, 0u);
  EXPECT_EQ(config.name, nullptr);
  EXPECT_EQ(config.max_payload, 0u);
  EXPECT_EQ(config.log, nullptr);
  MyceliumSubscribeOptions options;
  std::fill_n(reinterpret_cast<unsigned char*>(&options), sizeof options, static_cast<unsigned char>(0xff));
  mycelium_subscribe_options_init(&options);
  EXPECT_EQ(options.struct_size, sizeof options);
  EXPECT_EQ(options.flags, 0u);
  EXPECT_EQ(options.on_message, nullptr);
  EXPECT_EQ(options.user_data_free, nullptr);
}

TEST(argument_laws, a_wrong_struct_size_is_invalid_in_every_struct) {
  bus rt{1};
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, sizeof(std::size_t) - 1}) {
    auto config = new_config();
    config.struct_size = size;
    EXPECT_EQ(mycelium_runtime_create_with_config(&config), nullptr);
    EXPECT_EQ(mycelium_last_status(), invalid);
    auto options = with_handler();
    options.struct_size = size;
    EXPECT_TRUE(gives(invalid, try_options(rt, options)));
    auto envelope = new_envelope(apples);
    envelope.struct_size = size;
    EXPECT_TRUE(gives(invalid, mycelium_publish_envelope(rt, &envelope, nullptr, 0)));
    MyceliumRequestOptions asking{};
    asking.struct_size = size;
    asking.on_reply = [](std::uint64_t, std::int32_t, const MyceliumMessage*, void*) {};
    std::uint64_t id = 0;
    EXPECT_TRUE(gives(invalid, mycelium_request_async(rt, apples, nullptr, 0, &asking, &id)));
    MyceliumRuntimeStats runtime_stats{};
    runtime_stats.struct_size = size;
    EXPECT_TRUE(gives(invalid, mycelium_runtime_stats(rt, &runtime_stats)));
    subscriber sub{rt, apples, delivery::message, [size](const MyceliumMessage* message) {
                     auto out = new_envelope(0);
                     out.struct_size = size;
                     EXPECT_TRUE(gives(invalid, mycelium_message_envelope(message, &out)));
                   }};
    MyceliumSubscriptionStats stats{};
    stats.struct_size = size;
    EXPECT_TRUE(gives(invalid, mycelium_subscription_stats(rt, sub.id(), &stats)));
    EXPECT_TRUE(ok(publish(rt, apples, "for the envelope")));
    EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  }
}

TEST(argument_laws, exactly_one_way_of_delivery_is_chosen) {
  bus rt{1};
  const auto payload = [](std::uint16_t, const std::uint8_t*, std::size_t, void*) {};
  const auto batch = [](const MyceliumMessage* const*, std::size_t, void*) {};
  std::uint64_t queue = 0;
  ASSERT_TRUE(ok(mycelium_queue_open(rt, &queue)));
  EXPECT_TRUE(gives(invalid, try_options(rt, new_options()))) << "none";
  auto two = with_handler();
  two.on_payload = payload;
  EXPECT_TRUE(gives(invalid, try_options(rt, two)));
  two = with_handler();
  two.on_batch = batch;
  EXPECT_TRUE(gives(invalid, try_options(rt, two)));
  two = with_handler();
  two.queue_id = queue;
  EXPECT_TRUE(gives(invalid, try_options(rt, two)));
  two = new_options();
  two.on_payload = payload;
  two.on_batch = batch;
  EXPECT_TRUE(gives(invalid, try_options(rt, two)));
  auto unknown = new_options();
  unknown.queue_id = queue + 1000;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, try_options(rt, unknown)));
  EXPECT_EQ(stats_of(rt).subscriptions, 0u);
  MyceliumRequestOptions asking{};
  asking.struct_size = sizeof asking;
  std::uint64_t id = 0;
  EXPECT_TRUE(gives(invalid, mycelium_request_async(rt, apples, nullptr, 0, &asking, &id))) << "none";
  asking.queue_id = queue;
  asking.on_reply = [](std::uint64_t, std::int32_t, const MyceliumMessage*, void*) {};
  EXPECT_TRUE(gives(invalid, mycelium_request_async(rt, apples, nullptr, 0, &asking, &id))) << "both";
  asking.on_reply = nullptr;
  asking.queue_id = queue + 1000;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_SUBSCRIPTION, mycelium_request_async(rt, apples, nullptr, 0, &asking, &id)));
}

TEST(argument_laws, values_outside_an_enum_or_a_range_are_invalid) {
  bus rt{1};
  for (std::int32_t policy : {-1, 5, 99}) {
    auto options = with_handler();
    options.policy = policy;
    EXPECT_TRUE(gives(invalid, try_options(rt, options))) << "policy " << policy;
  }
  for (std::uint32_t flags : {8u, 0x80000000u}) {
    auto options = with_handler();
    options.flags = flags;
    EXPECT_TRUE(gives(invalid, try_options(rt, options))) << "flags " << flags;
  }
  for (std::uint32_t capacity : {1u, (1u << 24) + 1, UINT32_MAX}) {
    auto options = with_handler();
    options.capacity = capacity;
    EXPECT_TRUE(gives(invalid, try_options(rt, options))) << "capacity " << capacity;
  }
  for (std::int32_t destination : {-1, 3}) {
    auto envelope = new_envelope(apples);
    envelope.destination = destination;
    EXPECT_TRUE(gives(invalid, mycelium_publish_envelope(rt, &envelope, nullptr, 0))) << "destination " << destination;
  }
  EXPECT_TRUE(gives(invalid, mycelium_keep_history(rt, apples, 65537)));
  EXPECT_TRUE(ok(mycelium_keep_history(rt, apples, 65536)));
  EXPECT_TRUE(gives(invalid, mycelium_keep_history(rt, 0, 4))) << "type 0";
  std::uint64_t id = 0;
  auto options = with_handler();
  EXPECT_TRUE(gives(invalid, mycelium_subscribe_with_options(rt, 0, &options, &id))) << "type 0";
}

TEST(argument_laws, a_configuration_outside_its_range_is_refused) {
  const auto refused = [](const std::function<void(MyceliumRuntimeConfig&)>& change) {
    auto config = new_config(1);
    change(config);
    auto* rt = mycelium_runtime_create_with_config(&config);
    const auto status = mycelium_last_status();
    mycelium_runtime_destroy(rt);
    return rt == nullptr ? gives(invalid, status) : testing::AssertionFailure() << "accepted";
  };
  EXPECT_TRUE(refused([](auto& config) { config.policy = 9; }));
  EXPECT_TRUE(refused([](auto& config) { config.policy = -1; }));
  EXPECT_TRUE(refused([](auto& config) { config.verify = 9; }));
  EXPECT_TRUE(refused([](auto& config) { config.verify = -1; }));
  EXPECT_TRUE(refused([](auto& config) { config.mailbox_capacity = 1; }));
  EXPECT_TRUE(refused([](auto& config) { config.mailbox_capacity = (1u << 24) + 1; }));
  EXPECT_TRUE(refused([](auto& config) { config.max_payload = (std::size_t{2} << 30) + 1; }));
  EXPECT_TRUE(refused([](auto& config) { config.threads = 1'000'000; }));
}

TEST(argument_laws, sizes_that_no_memory_has_are_statuses) {
  bus rt{1};
  const std::uint8_t byte = 0;
  for (std::size_t size : {std::size_t{1} << 40, std::numeric_limits<std::size_t>::max()}) {
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, mycelium_publish(rt, apples, &byte, size)));
    MyceliumLoan* loan = nullptr;
    std::uint8_t* data = nullptr;
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, mycelium_loan(rt, size, &loan, &data)));
    EXPECT_EQ(loan, nullptr);
  }
}

} // namespace
} // namespace mycelium::laws
