// The runtime against the plain one: the same random script on both, and every subscription got the same. The seed is
// printed; MYCELIUM_STRESS_SEED repeats it.
#include "laws/subscriber.hpp"
#include "reference/plain_bus.hpp"
#include "stress/seed.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

namespace mycelium::laws {
namespace {

using random = std::mt19937_64;
using reference::plain_bus;
using reference::plain_message;
using texts = std::vector<std::string>;

constexpr std::array<std::uint16_t, 3> types{apples, pears, plums};

// One subscription on each bus, of the same type and history.
class twin {
public:
  twin(MyceliumRuntime* rt, plain_bus& plain, std::uint16_t type_id, delivery kind, std::uint32_t history)
      : plain_(plain), type_id_(type_id), what_(name_of(kind) + ", history " + std::to_string(history)),
        ours_(std::make_unique<subscriber>(rt, type_id, kind, subscriber::hook{},
                                           [=](auto& options) { options.history = history; })),
        theirs_(plain.subscribe(type_id, history, [this](const plain_message& m) {
          const std::lock_guard lock(mutex_);
          got_.push_back(m.payload);
        })) {}
  ~twin() { plain_.unsubscribe(theirs_); }
  twin(const twin&) = delete;
  twin& operator=(const twin&) = delete;

  std::uint16_t type_id() const { return type_id_; }
  std::uint64_t our_id() const { return ours_->id(); }
  std::uint64_t their_id() const { return theirs_; }
  const std::string& what() const { return what_; }
  texts ours() const { return ours_->got().payloads(); }
  // What was flushed was taken out of a queue; its reader may be about to note it.
  void wait_for_ours(std::size_t count) const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience_ns);
    while (ours().size() < count && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
  }
  texts theirs() const {
    const std::lock_guard lock(mutex_);
    return got_;
  }

private:
  plain_bus& plain_;
  const std::uint16_t type_id_;
  const std::string what_;
  mutable std::mutex mutex_;
  texts got_;
  std::unique_ptr<subscriber> ours_;
  std::uint64_t theirs_;
};

// What one publisher wrote, of a mix of several: texts begin with the publisher's letter.
texts of(char publisher, const texts& all) {
  texts some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some), [=](const auto& t) { return t[0] == publisher; });
  return some;
}

class agreement : public testing::TestWithParam<std::uint32_t> {
protected:
  void settle() {
    ASSERT_TRUE(ok(mycelium_flush(rt_, patience_ns)));
    plain_.flush();
  }

  std::uint16_t any_type() { return types[dice_() % types.size()]; }
  void come() {
    constexpr std::array kinds{delivery::payload,   delivery::message, delivery::batch,
                               delivery::dedicated, delivery::inlined, delivery::queue};
    twins_.push_back(std::make_unique<twin>(rt_, plain_, any_type(), kinds[dice_() % kinds.size()],
                                            static_cast<std::uint32_t>(dice_() % 5)));
  }
  void go() {
    if (twins_.empty())
      return;
    const auto leaving = twins_.begin() + static_cast<std::ptrdiff_t>(dice_() % twins_.size());
    settle();
    compare(**leaving);
    twins_.erase(leaving);
  }
  void compare(const twin& each) {
    compared_ += each.theirs().size();
    each.wait_for_ours(each.theirs().size());
    EXPECT_EQ(each.ours(), each.theirs()) << each.what();
  }
  void publish_some() {
    for (auto left = 1 + dice_() % 20; left > 0; --left) {
      const auto type_id = any_type();
      const auto text = std::to_string(++published_);
      plain_.publish(type_id, text);
      EXPECT_TRUE(ok(publish(rt_, type_id, text)));
    }
  }
  void publish_to_one() {
    if (twins_.empty())
      return;
    const auto& to = *twins_[dice_() % twins_.size()];
    const auto text = std::to_string(++published_);
    auto envelope = new_envelope(to.type_id());
    envelope.destination = MYCELIUM_TO_SUBSCRIPTION;
    envelope.destination_key = to.our_id();
    EXPECT_TRUE(ok(mycelium_publish_envelope(rt_, &envelope, bytes_of(text).data(), text.size())));
    plain_.publish_to(to.their_id(), to.type_id(), text);
  }
  void keep_history() {
    const auto type_id = any_type();
    const auto depth = static_cast<std::uint32_t>(dice_() % 6);
    EXPECT_TRUE(ok(mycelium_keep_history(rt_, type_id, depth)));
    plain_.keep_history(type_id, depth);
  }

  bus rt_{GetParam()};
  plain_bus plain_;
  random dice_{stress::seed()};
  std::vector<std::unique_ptr<twin>> twins_;
  std::uint64_t published_ = 0;
  std::size_t compared_ = 0;
};
INSTANTIATE_TEST_SUITE_P(workers, agreement, testing::Values(1u, 2u), testing::PrintToStringParamName());

TEST_P(agreement, one_publisher_and_subscriptions_that_come_and_go) {
  for (int step = 0; step < 1000; ++step) {
    switch (dice_() % 8) {
    case 0:
      if (twins_.size() < 12)
        come();
      break;
    case 1:
      go();
      break;
    case 2:
      keep_history();
      break;
    case 3:
      publish_to_one();
      break;
    default:
      publish_some();
    }
  }
  settle();
  for (const auto& each : twins_)
    compare(*each);
  EXPECT_GT(compared_, 1000u) << "enough of it was seen";
}

TEST_P(agreement, of_several_publishers_each_one_is_in_order) {
  constexpr std::string_view publishers = "abcd";
  for (int i = 0; i < 8; ++i)
    come();
  std::vector<std::thread> threads;
  for (const char name : publishers)
    threads.emplace_back([&, name, dice = random{dice_()}]() mutable {
      for (int i = 0; i < 2000; ++i) {
        const auto type_id = types[dice() % types.size()];
        const auto text = name + std::to_string(i);
        EXPECT_TRUE(ok(publish(rt_, type_id, text)));
        plain_.publish(type_id, text);
      }
    });
  for (auto& each : threads)
    each.join();
  settle();
  for (const auto& each : twins_) {
    const auto theirs = each->theirs();
    each->wait_for_ours(theirs.size());
    const auto ours = each->ours();
    EXPECT_EQ(ours.size(), theirs.size());
    for (const char name : publishers)
      EXPECT_EQ(of(name, ours), of(name, theirs)) << each->what();
  }
}

} // namespace
} // namespace mycelium::laws
