#include "actors/bridge/lull.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <gtest/gtest.h>
#include <stdexcept>

namespace mycelium::bridge {
namespace {

constexpr std::int64_t close_ns = look_for_ns;
constexpr std::int64_t far_ns = 1'000'000;

TEST(density, needs_several_that_come_close_together) {
  density traffic;
  for (int i = 0; i < 3; ++i)
    traffic.slept(close_ns);
  EXPECT_FALSE(traffic.is_enough());
  traffic.slept(close_ns);
  EXPECT_TRUE(traffic.is_enough());
}

TEST(density, never_comes_of_a_few_that_come_together_now_and_then) {
  density traffic;
  for (int i = 0; i < 1000; ++i) {
    traffic.slept(far_ns);
    for (int n = 0; n < 3; ++n)
      traffic.slept(close_ns);
    EXPECT_FALSE(traffic.is_enough());
  }
}

TEST(density, outlives_one_long_wait_and_not_two) {
  density traffic;
  for (int i = 0; i < 100; ++i)
    traffic.looked(false);
  traffic.looked(true);
  EXPECT_TRUE(traffic.is_enough());
  traffic.slept(far_ns);
  EXPECT_FALSE(traffic.is_enough());
}

TEST(lull, runs_all_that_comes_until_there_is_no_work) {
  asio::io_context io(1);
  int turns = 0;
  asio::steady_timer timer(io);
  std::function<void()> again = [&] { // dense at first, then not
    if (++turns == 300)
      return;
    timer.expires_after(std::chrono::microseconds(turns < 200 ? 1 : 200));
    timer.async_wait([&](const std::error_code&) { again(); });
  };
  asio::post(io, again);
  run_loop(io);
  EXPECT_EQ(turns, 300);
  EXPECT_TRUE(io.stopped());
}

TEST(lull, lets_out_what_a_handler_throws_and_goes_on) {
  asio::io_context io(1);
  int after = 0;
  asio::post(io, [] { throw std::runtime_error("a handler"); });
  asio::post(io, [&] { ++after; });
  EXPECT_THROW(run_loop(io), std::runtime_error);
  run_loop(io);
  EXPECT_EQ(after, 1);
}

TEST(lull, ends_when_it_is_stopped) {
  asio::io_context io(1);
  const auto work = asio::make_work_guard(io);
  std::jthread stops([&] { io.stop(); });
  run_loop(io);
  EXPECT_TRUE(io.stopped());
}

} // namespace
} // namespace mycelium::bridge
