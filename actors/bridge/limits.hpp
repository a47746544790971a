// How fast one link may be heard, and how much may hang on it.
#pragma once

#include <chrono>
#include <cstdint>

namespace mycelium::bridge {

// Of one link. Rates are per second; 0: none.
struct limits {
  std::uint64_t messages = 0;           // that come
  std::uint64_t bytes = 0;              // of frames that come
  std::uint64_t control = 100'000;      // control frames that come; one that tells of a node counts as a hundred
  std::uint32_t nodes = 512;            // that it may tell of
  std::uint32_t state_size = 256 << 10; // bytes in which it tells of one
  std::uint32_t types = 4096;           // that it is sent
  std::uint32_t requests = 65536;       // of it that are being answered
};

// So much a second: what is taken beyond it is a debt, which time pays off. Holds at_once, so that what comes in bursts
// is not held up below the rate. One thread at a time.
class token_bucket {
public:
  using clock = std::chrono::steady_clock;

  token_bucket(double a_second, double at_once) : a_second_(a_second), at_once_(at_once), left_(at_once) {}

  void take(double amount, clock::time_point now);
  // From the time of the last take(), until the debt is paid off; zero: there is none.
  clock::duration debt() const;

private:
  const double a_second_; // 0: no limit
  const double at_once_;
  double left_;
  clock::time_point last_{};
};

// The three rates of a link. One thread at a time.
class pace {
public:
  using clock = token_bucket::clock;

  explicit pace(const limits& how);

  void heard_message(std::size_t size, clock::time_point now);
  void heard_control(bool tells_of_a_node, clock::time_point now);
  // How long to read no more; zero: not at all.
  clock::duration pause() const;

private:
  token_bucket messages_;
  token_bucket bytes_;
  token_bucket control_;
};

} // namespace mycelium::bridge
