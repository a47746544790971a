// Every way that can run here delivers everything, in every kind of run: a row of the tables can be trusted to have
// carried what it claims.
#include "tools/benchmarks/scenarios.hpp"

#include <ostream>

#include <gtest/gtest.h>

namespace mycelium::bench {

void PrintTo(const way_facts& facts, std::ostream* out) { *out << facts.name; }

namespace {

class every_way : public testing::TestWithParam<way_facts> {
protected:
  static void SetUpTestSuite() { start_clock(); }
  void SetUp() override {
    if (!GetParam().missing.empty()) {
      GTEST_SKIP() << GetParam().missing;
    }
  }
};

std::string test_name(const testing::TestParamInfo<way_facts>& info) {
  std::string name = info.param.name;
  for (char& letter : name) {
    letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
  }
  return name;
}

} // namespace

TEST_P(every_way, carries_many_to_many) {
  const measurement found = measure_throughput(GetParam(), {3, 3, 200}, placement::unpinned(), 0.002);
  EXPECT_EQ(found.failure, "");
  EXPECT_GT(found.messages_per_s.value_or(0), 0);
}

TEST_P(every_way, carries_large_payloads_while_pinned) {
  const measurement found = measure_throughput(GetParam(), {1, 2, 65536}, placement::pinned(), 0.002);
  EXPECT_EQ(found.failure, "");
  EXPECT_GT(found.messages_per_s.value_or(0), 0);
}

TEST_P(every_way, carries_one_at_a_time) {
  const measurement found = measure_latency(GetParam(), 64, placement::unpinned(), 0.2);
  EXPECT_EQ(found.failure, "");
  EXPECT_GT(found.samples, 0u);
}

TEST_P(every_way, carries_sporadic_messages) {
  const measurement found = measure_sporadic(GetParam(), 64, placement::unpinned(), 0.02);
  EXPECT_EQ(found.failure, "");
  EXPECT_EQ(found.samples, 20u);
}

TEST_P(every_way, rests_when_idle) {
  const measurement found = measure_idle(GetParam(), 0.02);
  EXPECT_EQ(found.failure, "");
  EXPECT_TRUE(found.cpu.has_value());
}

INSTANTIATE_TEST_SUITE_P(bench, every_way, testing::ValuesIn(all_ways()), test_name);

} // namespace mycelium::bench
