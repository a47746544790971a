// How fast the C++ headers are. tools/bench adapters runs it and compares with C.
//   bench [--quick]
// Prints one JSON object a line. A rate is in operations per second, the median of 5 rounds of 0.3 s. --quick: one
// round of 0.02 s, to see that it works.
#include "examples.hpp"

#include <mycelium/mycelium.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using mycelium::examples::TextMessage;
using namespace std::chrono_literals;

namespace {

using seconds = std::chrono::duration<double>;

constexpr std::uint16_t type = 20001;
constexpr std::array<std::uint8_t, 64> content{};

// What a benchmark computes must look used to the compiler.
template <class T>
void use(const T& result) {
  asm volatile("" : : "g"(&result) : "memory");
}

struct bench {
  mycelium::runtime bus = mycelium::runtime::create().value();
  mycelium::subscription hearing;
  std::uint64_t published = 0;
  std::uint64_t received = 0;
  std::vector<mycelium::payload> batch = std::vector<mycelium::payload>(256, {type, content});

  // ---- the work: each does so many operations and returns how many -------------------------------------------------

  int publish() {
    for (int i = 0; i < 1000; ++i)
      bus.publish(type, content).value();
    return 1000;
  }

  int publish_batch() {
    bus.publish_batch(batch).outcome.value();
    published += batch.size();
    return static_cast<int>(batch.size());
  }

  int encode() {
    static const TextMessage message{.sender = "py", .content = std::string(64, 'x'), .timestamp = 123};
    flatbuffers::FlatBufferBuilder builder;
    for (int i = 0; i < 1000; ++i) {
      use(message); // may have changed
      use(message.encode(builder));
    }
    return 1000;
  }

  // The payload begins a cache line and the last results stay: bindings/c/bench.c says why.
  int decode() {
    static const auto bytes = TextMessage{.sender = "py", .content = std::string(64, 'x'), .timestamp = 123}.encode();
    alignas(64) static std::array<std::uint8_t, 256> payload{};
    std::ranges::copy(bytes, payload.begin());
    const auto encoded = std::span(payload).first(bytes.size());
    static std::array<std::optional<TextMessage>, 64> kept;
    for (std::size_t i = 0; i < 1000; ++i) {
      use(payload);
      auto& message = kept[i % kept.size()];
      std::destroy_at(&message); // decoded in its place, as into a variable of its own
      new (&message) std::optional(TextMessage::decode(encoded));
      if (!message)
        throw std::logic_error("a message was refused");
      use(*message);
    }
    return 1000;
  }

  // ---- callbacks ---------------------------------------------------------------------------------------------------

  void subscribe() {
    const auto one = [this](mycelium::bytes payload) {
      use(payload);
      received += payload.size() == content.size();
    };
    hearing = bus.subscribe(type, one, {.block_timeout = 60s}).value();
  }

  void subscribe_batched() {
    const auto many = [this](const mycelium::batch<mycelium::any_message>& messages) {
      for (const auto& each : messages) {
        const auto payload = each.payload();
        use(payload);
        received += payload.size() == content.size();
      }
    };
    hearing = bus.subscribe(type, many, {.block_timeout = 60s}).value();
  }

  // Operations per second, until the last callback has run.
  double round(int (bench::*work)(), seconds at_least) {
    std::uint64_t done = 0;
    const auto begin = std::chrono::steady_clock::now();
    do
      done += static_cast<std::uint64_t>((this->*work)());
    while (std::chrono::steady_clock::now() - begin < at_least);
    bus.flush().value();
    return static_cast<double>(done) / seconds(std::chrono::steady_clock::now() - begin).count();
  }
};

struct row {
  const char* what;
  int (bench::*work)();
  void (bench::*subscribe)();
};

constexpr std::array rows{
    row{"publish", &bench::publish, nullptr},
    row{"callback", &bench::publish_batch, &bench::subscribe},
    row{"callback_batched", &bench::publish_batch, &bench::subscribe_batched},
    row{"encode", &bench::encode, nullptr},
    row{"decode", &bench::decode, nullptr},
};

void run(const row& each, std::size_t rounds, seconds at_least) {
  bench one;
  if (each.subscribe)
    (one.*each.subscribe)();
  one.round(each.work, at_least / 4); // warms up
  std::vector<double> rates;
  while (rates.size() < rounds)
    rates.push_back(one.round(each.work, at_least));
  one.hearing.unsubscribe().value();
  if (one.received != one.published)
    throw std::logic_error("messages were lost");
  std::ranges::sort(rates);
  std::printf("{\"language\": \"cpp\", \"what\": \"%s\", \"rate\": %.0f}\n", each.what, rates[rounds / 2]);
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  const bool quick = argc == 2 && std::string_view(argv[1]) == "--quick";
  if (argc > 1 && !quick) {
    std::fprintf(stderr, "usage: bench [--quick]\n");
    return 2;
  }
  try {
    for (const auto& each : rows)
      run(each, quick ? 1 : 5, quick ? 20ms : 300ms);
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "bench: %s\n", failed.what());
    return 1;
  }
}
