// Loans are published without a copy; batches in order with an exact count of what was accepted.
#include "gate.hpp"
#include "subscriber.hpp"

#include <cstring>

namespace mycelium::laws {
namespace {

struct loaned {
  MyceliumLoan* loan = nullptr;
  std::uint8_t* data = nullptr;

  loaned(MyceliumRuntime* rt, std::size_t capacity) { EXPECT_TRUE(ok(mycelium_loan(rt, capacity, &loan, &data))); }
  void write(std::size_t offset, std::string_view text) const { std::memcpy(data + offset, text.data(), text.size()); }
};

bool aligned(const std::uint8_t* at) { return reinterpret_cast<std::uintptr_t>(at) % 16 == 0; }

class loan_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, loan_law, testing::ValuesIn(every_way()), name_of_way);

TEST_P(loan_law, a_loan_is_published_without_a_copy) {
  subscriber sub{rt_, apples, kind()};
  for (std::size_t offset : {0, 16, 48, 4080}) {
    const auto count = sub.got().size();
    loaned mine{rt_, 4096};
    ASSERT_NE(mine.data, nullptr);
    EXPECT_TRUE(aligned(mine.data));
    mine.write(offset, "from the end");
    ASSERT_TRUE(ok(mycelium_publish_loan(rt_, apples, mine.loan, offset, 12)));
    ASSERT_TRUE(sub.got().wait_for(count + 1));
    const auto got = sub.got().records().back();
    EXPECT_EQ(got.payload, "from the end");
    EXPECT_EQ(got.address, mine.data + offset) << "copied";
  }
}

TEST_P(loan_law, an_unaligned_offset_still_gives_an_aligned_payload) {
  subscriber sub{rt_, apples, kind()};
  std::size_t sent = 0;
  for (std::size_t offset : {1, 4, 8, 15, 17, 100}) {
    loaned mine{rt_, 4096};
    const std::string text(2000 + offset, static_cast<char>('a' + offset % 26));
    mine.write(offset, text);
    ASSERT_TRUE(ok(mycelium_publish_loan(rt_, apples, mine.loan, offset, text.size())));
    ASSERT_TRUE(sub.got().wait_for(++sent));
    const auto got = sub.got().records().back();
    EXPECT_TRUE(got.payload == text) << "offset " << offset;
    EXPECT_TRUE(aligned(got.address)) << "offset " << offset;
  }
}

TEST_P(loan_law, a_loan_may_be_filled_and_published_on_another_thread) {
  subscriber sub{rt_, apples, kind()};
  loaned mine{rt_, 64};
  std::thread{[&] {
    mine.write(0, "elsewhere");
    EXPECT_TRUE(ok(mycelium_publish_loan(rt_, apples, mine.loan, 0, 9)));
  }}.join();
  ASSERT_TRUE(sub.got().wait_for(1));
  EXPECT_EQ(sub.got().payloads(), std::vector<std::string>{"elsewhere"});
}

TEST(loan_laws, a_refused_loan_is_still_the_callers) {
  auto config = new_config(1);
  config.max_payload = 1024;
  bus rt{config};
  subscriber sub{rt, apples};
  loaned mine{rt, 1024};
  mine.write(0, "second try");
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, mycelium_publish_loan(rt, 0, mine.loan, 0, 10)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, mycelium_publish_loan(rt, apples, mine.loan, 1024, 1)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, mycelium_publish_loan(rt, apples, mine.loan, 1, 1024)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_INVALID_ARGUMENT, mycelium_publish_loan(rt, apples, mine.loan, SIZE_MAX, 2)));
  EXPECT_TRUE(gives(MYCELIUM_ERROR_NULL, mycelium_publish_loan(nullptr, apples, mine.loan, 0, 10)));
  EXPECT_TRUE(ok(mycelium_publish_loan(rt, apples, mine.loan, 0, 10)));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().payloads(), std::vector<std::string>{"second try"});
}

TEST(loan_laws, a_payload_over_the_limit_is_refused_by_the_loan_or_its_publish) {
  auto config = new_config(1);
  config.max_payload = 1024;
  bus rt{config};
  subscriber sub{rt, apples};
  MyceliumLoan* loan = nullptr;
  std::uint8_t* data = nullptr;
  const auto status = mycelium_loan(rt, 4096, &loan, &data); // a builder may want more room than it will use
  if (status == MYCELIUM_SUCCESS) {
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, mycelium_publish_loan(rt, apples, loan, 0, 1025)));
    mycelium_loan_discard(loan);
  } else {
    EXPECT_TRUE(gives(MYCELIUM_ERROR_TOO_LARGE, status));
  }
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().size(), 0u);
}

TEST(loan_laws, a_full_mailbox_takes_the_loan) {
  bus rt{1};
  const unread full{rt, apples, MYCELIUM_POLICY_FAIL, 2};
  subscriber other{rt, apples};
  for (int i = 0; i < 4; ++i) {
    loaned mine{rt, 64};
    mine.write(0, "x");
    const auto status = mycelium_publish_loan(rt, apples, mine.loan, 0, 1);
    EXPECT_TRUE(i < 2 ? ok(status) : gives(MYCELIUM_ERROR_FULL, status)); // gone either way: the others got it
  }
  EXPECT_TRUE(other.got().wait_for(4));
}

TEST(loan_laws, a_discarded_loan_reaches_nobody_and_loans_outlive_the_runtime) {
  loaned kept = [] {
    bus rt{1};
    subscriber sub{rt, apples};
    loaned mine{rt, 100};
    mycelium_loan_discard(mine.loan);
    loaned other{rt, 100};
    EXPECT_TRUE(ok(mycelium_flush(rt, patience_ns)));
    EXPECT_EQ(sub.got().size(), 0u);
    EXPECT_EQ(stats_of(rt).published, 0u);
    return other;
  }();
  kept.write(0, "the runtime is gone, the memory is still mine");
  mycelium_loan_discard(kept.loan);
}

TEST(loan_laws, an_empty_loan_and_an_empty_payload_are_fine) {
  bus rt{1};
  subscriber sub{rt, apples};
  loaned nothing{rt, 0};
  EXPECT_NE(nothing.data, nullptr);
  EXPECT_TRUE(ok(mycelium_publish_loan(rt, apples, nothing.loan, 0, 0)));
  loaned some{rt, 64};
  EXPECT_TRUE(ok(mycelium_publish_loan(rt, apples, some.loan, 64, 0)));
  ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
  EXPECT_EQ(sub.got().payloads(), std::vector<std::string>(2, ""));
}

class batch_publish_law : public law_on_every_way {};
INSTANTIATE_TEST_SUITE_P(ways, batch_publish_law, testing::ValuesIn(every_way()), name_of_way);

std::vector<MyceliumPayload> payloads_of(const std::vector<std::string>& texts, std::uint16_t type_id = apples) {
  std::vector<MyceliumPayload> all;
  for (auto& text : texts)
    all.push_back({type_id, bytes_of(text).data(), text.size()});
  return all;
}

TEST_P(batch_publish_law, a_batch_arrives_in_order) {
  subscriber sub{rt_, apples, kind()};
  subscriber other{rt_, pears, kind()};
  const auto texts = numbers(1, 1000);
  auto batch = payloads_of(texts);
  batch[500].type_id = pears; // a batch may mix types
  std::size_t accepted = 0;
  ASSERT_TRUE(ok(mycelium_publish_batch(rt_, batch.data(), batch.size(), &accepted)));
  EXPECT_EQ(accepted, 1000u);
  ASSERT_TRUE(sub.got().wait_for(999));
  ASSERT_TRUE(other.got().wait_for(1));
  auto expected = texts;
  expected.erase(expected.begin() + 500);
  EXPECT_EQ(sub.got().payloads(), expected);
  EXPECT_EQ(other.got().payloads(), std::vector{texts[500]});
  EXPECT_EQ(stats_of(rt_).published, 1000u);
}

TEST_P(batch_publish_law, the_first_error_ends_a_batch_and_the_count_is_exact) {
  subscriber sub{rt_, apples, kind()};
  const auto texts = numbers(1, 10);
  auto batch = payloads_of(texts);
  batch[6].type_id = 0;
  std::size_t accepted = 99;
  EXPECT_TRUE(
      gives(MYCELIUM_ERROR_INVALID_ARGUMENT, mycelium_publish_batch(rt_, batch.data(), batch.size(), &accepted)));
  EXPECT_EQ(accepted, 6u);
  ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
  ASSERT_TRUE(sub.got().wait_for(6));
  EXPECT_EQ(sub.got().payloads(), numbers(1, 6));
}

TEST(batch_publish_laws, an_empty_batch_is_a_success) {
  bus rt{1};
  const MyceliumPayload unused{apples, nullptr, 0};
  std::size_t accepted = 99;
  EXPECT_TRUE(ok(mycelium_publish_batch(rt, &unused, 0, &accepted)));
  EXPECT_EQ(accepted, 0u);
}

TEST(batch_publish_laws, a_batch_larger_than_the_mailbox_blocks_and_arrives_whole) {
  for (auto kind : {delivery::message, delivery::batch, delivery::dedicated, delivery::queue}) {
    bus rt{1};
    subscriber sub{rt, apples, kind, {}, [](auto& options) { options.capacity = 16; }};
    const auto texts = numbers(1, 2000);
    const auto batch = payloads_of(texts);
    ASSERT_TRUE(ok(mycelium_publish_batch(rt, batch.data(), batch.size(), nullptr)));
    ASSERT_TRUE(sub.got().wait_for(2000));
    EXPECT_EQ(sub.got().payloads(), texts);
  }
}

TEST(batch_publish_laws, a_full_mailbox_ends_a_batch) {
  bus rt{1};
  const unread full{rt, apples, MYCELIUM_POLICY_FAIL, 4};
  const auto texts = numbers(1, 10);
  const auto batch = payloads_of(texts);
  std::size_t accepted = 99;
  EXPECT_TRUE(gives(MYCELIUM_ERROR_FULL, mycelium_publish_batch(rt, batch.data(), batch.size(), &accepted)));
  EXPECT_EQ(accepted, 4u);
}

TEST(batch_laws, no_more_messages_than_batch_max_come_at_once) {
  for (std::uint32_t most : {1u, 7u, 256u}) {
    bus rt{1};
    gate stop;
    opens_at_end release{stop};
    struct context {
      gate& stop;
      collector got{};
      std::atomic<std::size_t> largest{0};
    } self{stop};
    auto options = new_options();
    options.batch_max = most;
    options.user_data = &self;
    options.on_batch = [](const MyceliumMessage* const* messages, std::size_t count, void* data) {
      auto& mine = *static_cast<context*>(data);
      mine.largest = std::max(mine.largest.load(), count);
      for (const auto* each : std::span{messages, count})
        mine.got.add(each);
      mine.stop.pass();
    };
    std::uint64_t id = 0;
    ASSERT_TRUE(ok(mycelium_subscribe_with_options(rt, apples, &options, &id)));
    for (auto& text : numbers(1, 1000)) // they pile up behind the gate
      ASSERT_TRUE(ok(publish(rt, apples, text)));
    stop.open();
    ASSERT_TRUE(ok(mycelium_flush(rt, patience_ns)));
    EXPECT_EQ(self.got.payloads(), numbers(1, 1000));
    EXPECT_LE(self.largest, most);
    EXPECT_GT(self.largest, most == 1 ? 0u : 1u) << "messages that wait come together";
    ASSERT_TRUE(ok(mycelium_unsubscribe(rt, id)));
  }
}

TEST(loan_laws, a_loan_that_waited_for_room_when_the_runtime_closed_is_taken) {
  bus rt;
  const unread full{rt, apples, MYCELIUM_POLICY_BLOCK, 2};
  subscriber other{rt, apples};
  std::thread publisher{[&] {
    for (const char* text : {"1", "2", "3"}) {
      MyceliumLoan* loan = nullptr;
      std::uint8_t* data = nullptr;
      ASSERT_TRUE(ok(mycelium_loan(rt, 1, &loan, &data)));
      *data = static_cast<std::uint8_t>(*text);
      EXPECT_TRUE(gives(*text == '3' ? MYCELIUM_ERROR_TIMEOUT : MYCELIUM_SUCCESS,
                        mycelium_publish_loan(rt, apples, loan, 0, 1)))
          << "CLOSED would say that the loan is still the caller's";
    }
  }};
  EXPECT_TRUE(other.got().wait_for(3)) << "the publisher waits for the other one";
  EXPECT_TRUE(ok(mycelium_runtime_close(rt, patience_ns)));
  publisher.join();
  EXPECT_EQ(other.got().payloads(), numbers(1, 3));
}

} // namespace
} // namespace mycelium::laws
