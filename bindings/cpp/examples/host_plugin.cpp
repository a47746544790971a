// Hosts the runtime of a plug-in: makes a bus, loads the plug-in at PATH and gives it the bus's handle. Both publish,
// subscribe, ask and answer on it.
//   host_plugin PATH        tests/hosts/plugin.c is such a plug-in
#include "examples.hpp"
#include "word_count.hpp"

#include <mycelium/mycelium.hpp>

#include <atomic>
#include <dlfcn.h>
#include <iostream>
#include <stdexcept>
#include <string>

using mycelium::examples::CounterUpdate;
using mycelium::examples::TextMessage;
using mycelium::examples::WordCountReply;
using mycelium::examples::WordCountRequest;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t messages = 1000;
constexpr std::uint64_t plugin_counter = 7;

// Started when it is made, stopped when it is destroyed. The library stays loaded until the process ends.
class plugin {
public:
  plugin(const char* path, mycelium::runtime_ref bus) : library_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (!library_)
      throw std::runtime_error(dlerror());
    const auto start = function<std::int32_t(MyceliumRuntime*)>("plugin_start");
    ask_ = function<std::int32_t(const char*, std::uint64_t*)>("plugin_ask");
    stop_ = function<std::int32_t()>("plugin_stop");
    demand("plugin_start", start(bus.handle()));
  }
  ~plugin() {
    if (stop_)
      stop_();
  }
  plugin(const plugin&) = delete;
  plugin& operator=(const plugin&) = delete;

  std::uint64_t ask(const char* text) const {
    std::uint64_t words = 0;
    demand("plugin_ask", ask_(text, &words));
    return words;
  }

  void stop() { demand("plugin_stop", std::exchange(stop_, nullptr)()); }

private:
  template <class Signature>
  Signature* function(const char* name) const {
    if (auto* found = reinterpret_cast<Signature*>(dlsym(library_, name)))
      return found;
    throw std::runtime_error(std::string(name) + " is not in the plug-in");
  }

  static void demand(const char* what, std::int32_t status) {
    if (status != MYCELIUM_SUCCESS)
      throw std::runtime_error(std::string(what) + ": " + mycelium_last_error());
  }

  void* library_;
  std::int32_t (*ask_)(const char*, std::uint64_t*) = nullptr;
  std::int32_t (*stop_)() = nullptr;
};

void run(const char* path) {
  const auto bus = mycelium::runtime::create().value();
  std::atomic<int> own = 0;
  std::atomic<int> from_plugin = 0;
  const auto on_text = [&](const TextMessage&) { ++own; };
  const auto on_counter = [&](const CounterUpdate& update) { from_plugin += update.counter_id == plugin_counter; };
  const auto hearing = bus.subscribe<TextMessage>(on_text).value();
  const auto counting = bus.subscribe<CounterUpdate>(on_counter).value();
  const auto serving = bus.serve<WordCountRequest>(count_words).value();

  plugin loaded(path, bus);
  for (std::uint64_t i = 1; i <= messages; ++i)
    bus.publish(TextMessage{.sender = "host", .content = "line " + std::to_string(i), .timestamp = i}).value();
  // Twice: the first has the plug-in publish what the second waits for.
  bus.flush(10s).value();
  bus.flush(10s).value();
  const auto reply = bus.request<WordCountReply>(WordCountRequest{.text = "one two three"}).value();
  const auto plugin_words = loaded.ask("a b c d");
  loaded.stop();

  std::cout << "heard " << own << " of its own, " << from_plugin << " from the plug-in\n"
            << "its own request: " << reply.words << " words\n"
            << "the plug-in's request: " << plugin_words << " words\n";
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: host_plugin PATH\n";
    return 2;
  }
  try {
    run(argv[1]);
  } catch (const std::exception& failed) {
    std::cerr << "host_plugin: " << failed.what() << '\n';
    return 1;
  }
}
