// Links that are cut and nodes that come back: what was accepted is delivered or counted.
#include "actors/bridge/test_node.hpp"

#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <sys/un.h>

namespace mycelium::bridge {
namespace {

// Passes bytes on between whoever connects and a socket, until the connection is cut.
class proxy {
public:
  proxy(const std::string& path, std::string to) : to_(std::move(to)) {
    listens_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(::bind(listens_, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(listens_, 8), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~proxy() {
    ends_ = true;
    ::shutdown(listens_, SHUT_RDWR);
    thread_.join();
    ::close(listens_);
  }
  // The connection of now ends after so many more bytes, in the middle of whatever they are.
  void cut_after(std::size_t bytes) { left_ = std::int64_t(bytes); }
  int cuts() const { return cuts_; }

private:
  void run() {
    while (!ends_) {
      const int in = ::accept(listens_, nullptr, nullptr);
      if (in < 0)
        return;
      const int out = connect_to(to_);
      while (!ends_ && pass(in, out)) {
      }
      ::close(in);
      ::close(out);
    }
  }
  bool pass(int a, int b) {
    pollfd both[] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    if (::poll(both, 2, 100) < 0)
      return false;
    return (both[0].revents == 0 || copy(a, b)) && (both[1].revents == 0 || copy(b, a));
  }
  bool copy(int from, int to) {
    char bytes[4096];
    const auto count = ::read(from, bytes, sizeof bytes);
    if (count <= 0)
      return false;
    const auto left = left_.load();
    const auto passed = left >= 0 ? std::min<std::int64_t>(left, count) : count;
    for (std::int64_t sent = 0; sent < passed;) {
      const auto n = ::send(to, bytes + sent, std::size_t(passed - sent), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      sent += n;
    }
    if (left < 0)
      return true;
    left_ = left - passed;
    if (passed == left) {
      left_ = -1;
      ++cuts_;
      return false;
    }
    return true;
  }

  const std::string to_;
  int listens_ = -1;
  std::atomic<bool> ends_{false};
  std::atomic<std::int64_t> left_{-1};
  std::atomic<int> cuts_{0};
  std::thread thread_;
};

class faults : public testing::Test {
protected:
  socket_folder folder_;
};

TEST_F(faults, links_that_are_cut_lose_nothing_and_bring_nothing_twice) {
  constexpr int count = 20'000;
  settings how;
  how.first_retry = 1ms;
  how.last_retry = 5ms;
  inbox got;
  node a("a", how);
  a.listen(folder_.at());
  proxy between(folder_.path() + "/proxy", folder_.path() + "/0");
  node b("b", how);
  b.subscribe(got);
  b.dial({.how = address::kind::local, .path = folder_.path() + "/proxy", .host = {}, .port = 0});
  a.wanted();
  std::mt19937 random(1);
  for (int i = 0; i < count; ++i) {
    if (i % 1000 == 500)
      between.cut_after(random() % 20'000);
    ASSERT_EQ(a.publish(std::to_string(i)), status::success);
  }
  ASSERT_TRUE(got.wait_for(count));
  const auto all = got.all();
  ASSERT_EQ(all.size(), std::size_t(count));
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(all[std::size_t(i)], std::to_string(i));
  EXPECT_GT(between.cuts(), 0);
  const auto stats = a.link().stats();
  ASSERT_EQ(stats.neighbours.size(), 1u);
  EXPECT_EQ(stats.neighbours[0].out.sent, std::uint64_t(count));
  EXPECT_EQ(stats.gone.lost, 0u);
  EXPECT_GT(stats.links_cut, 0u);
}

TEST_F(faults, links_that_are_cut_behind_a_hub_lose_nothing_either) {
  settings how;
  how.first_retry = 20ms;
  how.last_retry = 40ms;
  inbox got;
  node hub("hub");
  const auto at = hub.listen(folder_.at());
  proxy between(folder_.path() + "/proxy", folder_.path() + "/0");
  node a("a");
  a.dial(at);
  node b("b", how);
  b.subscribe(got);
  b.dial({.how = address::kind::local, .path = folder_.path() + "/proxy", .host = {}, .port = 0});
  a.wanted();
  int count = 0;
  const auto publish = [&] { ASSERT_EQ(a.publish(std::to_string(count++)), status::success); };
  for (std::uint64_t round = 1; round <= 10; ++round) {
    hub.linked(2);
    between.cut_after(100 * round);
    while (hub.link().stats().links_cut < round)
      publish();
    for (int i = 0; i < 300; ++i) // while b is away, and a comes to hear of it
      publish();
  }
  ASSERT_TRUE(got.wait_for(std::size_t(count)));
  const auto all = got.all();
  ASSERT_EQ(all.size(), std::size_t(count));
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(all[std::size_t(i)], std::to_string(i));
}

TEST_F(faults, what_a_node_did_not_acknowledge_before_it_died_counts_as_lost) {
  settings how;
  how.first_retry = 1ms;
  how.last_retry = 5ms;
  how.linger = 50ms;
  node a("a", how);
  const auto at = a.listen(folder_.at());
  inbox first;
  auto b = std::make_unique<node>("b", how);
  b->subscribe(first);
  b->dial(at);
  a.wanted();
  for (int i = 0; i < 100; ++i)
    a.publish(std::to_string(i));
  ASSERT_TRUE(first.wait_for(100));
  b.reset();
  inbox second;
  node again("b", how);
  again.subscribe(second);
  again.dial(at);
  again.linked(1);
  // Whatever of this goes to the old b, or to nobody, the new one gets what is published once it is known.
  while (second.all().empty()) {
    a.publish("hello again");
    std::this_thread::yield();
  }
  bridge_stats stats;
  do
    stats = a.link().stats();
  while (stats.neighbours.size() != 1 || stats.neighbours[0].out.acknowledged != stats.neighbours[0].out.sent);
  EXPECT_EQ(stats.links_made, 2u);
}

TEST_F(faults, a_second_bridge_at_a_living_socket_is_refused_and_a_dead_one_is_replaced) {
  node a("a");
  const auto at = a.listen(folder_.at());
  struct stat file {};
  ASSERT_EQ(::stat(at.path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  node b("b");
  const auto refused = b.link().listen(at);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("another process listens there"), std::string::npos) << refused.error().text;
  // As a process leaves it that was killed.
  const auto dead = folder_.path() + "/dead";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  dead.copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ::close(fd);
  EXPECT_TRUE(b.link().listen(*parse_address("unix:" + dead)));
  // What is no socket is left alone.
  const auto precious = folder_.path() + "/file";
  std::FILE* out = std::fopen(precious.c_str(), "w");
  std::fclose(out);
  EXPECT_FALSE(b.link().listen(*parse_address("unix:" + precious)));
  EXPECT_TRUE(std::filesystem::exists(precious));
}

// ---- tokens ----

settings with_token(const std::string& token) {
  settings how;
  how.credentials.token = token;
  how.first_retry = how.last_retry = 1ms;
  return how;
}

TEST_F(faults, who_does_not_know_the_token_is_refused) {
  node a("a", with_token("secret"));
  const auto at = a.listen(folder_.at());
  inbox got;
  node friendly("friend", with_token("secret"));
  node wrong("wrong", with_token("guess"));
  node none("none");
  wrong.dial(at);
  none.dial(at);
  while (a.link().stats().refused < 4)
    std::this_thread::yield();
  EXPECT_EQ(a.link().stats().links_made, 0u);
  friendly.subscribe(got);
  friendly.dial(at);
  a.wanted();
  a.publish("among friends");
  EXPECT_TRUE(got.wait_for(1));
  EXPECT_EQ(a.link().stats().links_made, 1u);
}

} // namespace
} // namespace mycelium::bridge
