// A runtime: its options, what it knows, and its end.
#include "laws/at_rest.hpp"
#include "waiting.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mycelium::cpp_tests {
namespace {

static_assert(!std::is_copy_constructible_v<runtime> && std::is_nothrow_move_constructible_v<runtime>);
static_assert(std::is_trivially_copyable_v<runtime_ref>);

TEST(runtime, takes_its_options) {
  const auto bus = runtime::create({.name = "orchard", .threads = 3, .max_payload = 8, .strict = true}).value();
  EXPECT_EQ(bus.stats()->threads, 3u);
  EXPECT_EQ(bus.publish(apples, {}).code(), status::unknown_type);
  EXPECT_EQ(bus.publish(TextMessage{.content = "more than eight bytes"}).code(), status::too_large);
  EXPECT_NE(bus.metrics_text().value().find("orchard"), std::string::npos);
}

TEST(runtime, an_option_that_cannot_be_is_a_failure) {
  const auto refused = runtime::create({.when_full = static_cast<policy>(99)});
  EXPECT_EQ(refused.code(), status::invalid_argument);
  EXPECT_FALSE(refused.error().text.empty());
}

TEST(runtime, verification_refuses_what_is_no_message) {
  const auto bus = runtime::create({.verify = verification::full}).value();
  EXPECT_EQ(bus.publish(TextMessage::type_id, bytes_of("rubbish")).code(), status::invalid_payload);
  EXPECT_TRUE(bus.publish(TextMessage{}));
}

TEST(runtime, comes_from_a_topology) {
  const auto path = std::filesystem::temp_directory_path() / ("mycelium-cpp-" + std::to_string(getpid()) + ".toml");
  std::ofstream(path) << "[[nodes]]\nname = \"here\"\nservices = [\"words\"]\nhost = \"localhost\"\n";
  EXPECT_TRUE(runtime::create_from_topology(path, "words"));
  EXPECT_EQ(runtime::create_from_topology(path, "numbers").code(), status::service_not_found);
  std::filesystem::remove(path);
  EXPECT_EQ(runtime::create_from_topology(path, "words").code(), status::topology);
}

TEST(runtime, knows_its_schemas) {
  const auto bus = new_runtime();
  EXPECT_TRUE(bus.verify_digest(built_in_digest()));
  EXPECT_EQ(bus.verify_digest(digest{}).code(), status::digest);
  EXPECT_EQ(bus.type_digest(TextMessage::type_id).value(), TextMessage::type_digest);
  EXPECT_EQ(bus.type_digest(apples).code(), status::unknown_type);
  EXPECT_TRUE(bus.verify_payload(TextMessage::type_id, TextMessage{}.encode()));
  EXPECT_EQ(bus.verify_payload(TextMessage::type_id, bytes_of("no")).code(), status::invalid_payload);
  EXPECT_EQ(bus.register_schema(bytes_of("no schema")).code(), status::invalid_argument);
}

TEST(runtime, registers_a_schema) {
  std::ifstream file(MYCELIUM_GOLDEN_BFBS, std::ios::binary);
  const std::string bfbs{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(bfbs.empty());
  const auto bus = new_runtime();
  const auto of_set = bus.register_schema(bytes_of(bfbs)).value();
  EXPECT_TRUE(bus.verify_digest(of_set));
}

TEST(runtime, waits_for_subscribers) {
  const auto bus = new_runtime();
  EXPECT_EQ(bus.wait_for_subscribers(apples, 1, 0s).code(), status::timeout);
  subscription hearing;
  std::jthread subscriber([&] { hearing = bus.subscribe(apples, [](bytes) {}).value(); });
  EXPECT_TRUE(bus.wait_for_subscribers(apples, 1, patience));
}

TEST(runtime, counts_and_reports) {
  const auto bus = new_runtime();
  const auto hearing = bus.subscribe(apples, [](bytes) {}).value();
  for (int i = 0; i < 10; ++i)
    bus.publish(apples, bytes_of("0123456789")).value();
  bus.flush(patience).value();
  const auto stats = bus.stats().value();
  EXPECT_EQ(stats.published, 10u);
  EXPECT_EQ(stats.published_bytes, 100u);
  EXPECT_EQ(stats.delivered, 10u);
  EXPECT_EQ(hearing.stats()->delivered, 10u);
  const auto text = bus.metrics_text().value();
  EXPECT_NE(text.find("mycelium_"), std::string::npos);
  EXPECT_EQ(text.find('\0'), std::string::npos);
  EXPECT_NE(info_json().value().find(std::string(version())), std::string::npos);
}

TEST(runtime, destruction_delivers_what_was_accepted) {
  std::atomic<int> heard{0};
  {
    const auto bus = new_runtime();
    bus.subscribe(apples, [&](bytes) { ++heard; }).value().detach();
    for (int i = 0; i < 1000; ++i)
      bus.publish(apples, {}).value();
  }
  EXPECT_EQ(heard, 1000);
}

TEST(runtime, a_moved_one_ends_once) {
  auto first = new_runtime();
  const auto* handle = first.handle();
  auto second = std::move(first);
  EXPECT_EQ(first.handle(), nullptr);
  EXPECT_EQ(second.handle(), handle);
  EXPECT_EQ(first.publish(apples, {}).code(), status::null);
  EXPECT_TRUE(second.publish(apples, {}));
  first = std::move(second);
  EXPECT_TRUE(first.publish(apples, {}));
}

TEST(runtime, after_its_end_a_reference_is_closed) {
  auto bus = std::make_unique<runtime>(new_runtime());
  const runtime_ref reference = *bus;
  EXPECT_TRUE(reference.publish(apples, {}));
  bus.reset();
  EXPECT_EQ(reference.publish(apples, {}).code(), status::closed);
  EXPECT_EQ(reference.flush(0s).code(), status::closed);
  EXPECT_EQ(reference.stats().code(), status::closed);
  EXPECT_EQ(reference.subscribe(apples, [](bytes) {}).code(), status::closed);
}

TEST(runtime, close_names_what_still_runs) {
  auto bus = new_runtime();
  gate inside;
  const auto slow =
      bus.subscribe(apples, [&](bytes) { inside.pass(); }, {.name = "the-slow-one", .on = placement::dedicated_thread})
          .value();
  bus.publish(apples, {}).value();
  ASSERT_TRUE(inside.wait_for_arrivals());
  const auto refused = bus.close(1ms);
  EXPECT_EQ(refused.code(), status::timeout);
  EXPECT_NE(refused.error().text.find("the-slow-one"), std::string::npos) << refused.error().text;
  inside.open();
  EXPECT_TRUE(bus.close(patience));
}

TEST(runtime, may_be_destroyed_in_its_own_callback) {
  std::atomic<int> living{0};
  collected<int> ended;
  collected<std::string> logged;
  {
    runtime_options options;
    options.log = [&](log_level, std::string_view text) { logged.add(std::string(text)); };
    auto bus = std::make_shared<runtime>(new_runtime(std::move(options)));
    const runtime_ref reference = *bus;
    auto held = std::make_shared<std::shared_ptr<runtime>>(bus);
    bus->subscribe(apples,
                   [held, one = counted(living)](bytes) {
                     held->reset();
                     throw std::runtime_error("its log still works");
                   },
                   {.on_complete = [&] { ended.add(1); }})
        .value()
        .detach();
    bus.reset();
    reference.publish(apples, {}).value();
  }
  EXPECT_EQ(ended.wait_for(1).size(), 1u);
  EXPECT_EQ(logged.wait_for(1).size(), 1u);
  while (living != 0)
    std::this_thread::yield(); // a thread of the library's own destroys it
}

TEST(runtime, a_child_of_fork_is_told) {
  const auto bus = new_runtime();
  const auto hearing = bus.subscribe(apples, [](bytes) {}).value();
  while (!laws::may_fork())
    std::this_thread::yield();
  const auto child = fork();
  if (child == 0)
    _exit(bus.publish(apples, {}).code() == status::forked ? 0 : 1);
  int outcome = -1;
  ASSERT_EQ(waitpid(child, &outcome, 0), child);
  EXPECT_EQ(outcome, 0);
}

} // namespace
} // namespace mycelium::cpp_tests
