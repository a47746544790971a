// Links that are cut, nodes that come back, and strangers that mean no good: what was accepted is delivered or counted,
// and nobody else notices.
#include "actors/bridge/test_node.hpp"

#include <cstring>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <sys/un.h>

namespace mycelium::bridge {
namespace {

int connect_to(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0) << path;
  return fd;
}

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
  EXPECT_EQ(stats.lost, 0u);
  EXPECT_GT(stats.links_cut, 0u);
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
  how.token = token;
  how.first_retry = how.last_retry = 1ms;
  return how;
}

TEST_F(faults, who_does_not_know_the_token_is_refused) {
  node a("a", with_token("secret"));
  const auto at = a.listen(folder_.at());
  node friendly("friend", with_token("secret"));
  node wrong("wrong", with_token("guess"));
  node none("none");
  wrong.dial(at);
  none.dial(at);
  while (a.link().stats().refused < 4)
    std::this_thread::yield();
  EXPECT_EQ(a.link().stats().links_made, 0u);
  inbox got;
  friendly.subscribe(got);
  friendly.dial(at);
  a.wanted();
  a.publish("among friends");
  EXPECT_TRUE(got.wait_for(1));
  EXPECT_EQ(a.link().stats().links_made, 1u);
}

// ---- strangers ----

// The frames of a Hello as a program writes them that knows the protocol and means no good.
class stranger {
public:
  explicit stranger(const address& at) : fd_(connect_to(at.path)), reader_(64 << 20) {}
  ~stranger() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  void send(const std::vector<std::uint8_t>& all) {
    for (std::size_t sent = 0; sent < all.size();) {
      const auto n = ::send(fd_, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
      if (n <= 0)
        return; // closed by the other side
      sent += std::size_t(n);
    }
  }
  template <class Native>
  void say(control kind, const Native& what) {
    std::vector<std::uint8_t> out;
    wire::append(out, kind, what);
    send(out);
  }
  static wire::HelloT hello(std::uint64_t node) {
    wire::HelloT h;
    h.version = 1;
    h.node = node;
    h.nonce.assign(16, std::uint8_t(node));
    h.max_frame = 1 << 20;
    h.window = 1 << 20;
    return h;
  }
  // Greets as it should be; true once the other side is ready.
  bool greet(std::uint64_t node) {
    say(control::hello, hello(node));
    wire::ReadyT ready;
    ready.stream = 1;
    say(control::ready, ready);
    return hears(control::ready);
  }
  // Reads until a frame of that kind, or the end.
  bool hears(control kind) {
    for (;;) {
      auto next = reader_.next();
      if (!next)
        return false;
      if (*next) {
        const auto& what = **next;
        if (what.is_control() && what.header.type_id == std::uint16_t(control::refusal))
          if (const auto refusal = wire::read<wire::Refusal>(what.payload))
            refused_because = refusal->text;
        if (what.is_control() && what.header.type_id == std::uint16_t(kind))
          return true;
        continue;
      }
      const auto room = reader_.room(65536);
      const auto count = ::read(fd_, room.data(), room.size());
      if (count <= 0)
        return false;
      reader_.filled(std::size_t(count));
    }
  }
  bool is_closed() { return !hears(control::proof); } // which it is never sent
  std::string refused_because;

private:
  int fd_;
  frame_reader reader_;
};

class strangers : public faults {
protected:
  strangers() : a_("a", quick()), b_("b") {
    at_ = a_.listen(folder_.at());
    b_.subscribe(got_);
    b_.dial(at_);
    a_.wanted();
  }
  // The link to b goes on as if nothing had been.
  ~strangers() override {
    a_.publish("still here");
    EXPECT_TRUE(got_.wait_for(1));
    EXPECT_EQ(b_.link().stats().links_made, 1u);
  }
  static settings quick() {
    settings how;
    how.hello_timeout = 100ms;
    how.max_links = 8;
    return how;
  }
  static std::vector<std::uint8_t> data(std::uint16_t type_id, std::uint64_t sequence, std::string_view payload,
                                        std::uint16_t flags = 0) {
    frame what;
    what.header.type_id = type_id;
    what.header.flags = flags;
    what.header.sequence = sequence;
    what.envelope.origin = 77;
    what.envelope.sequence = sequence;
    what.payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
    std::vector<std::uint8_t> out;
    append_frame(out, what);
    return out;
  }

  inbox got_;
  node a_;
  node b_;
  address at_;
};

TEST_F(strangers, with_random_bytes_are_closed) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    stranger noise(at_);
    std::vector<std::uint8_t> bytes(random() % 4000 + 64);
    for (auto& each : bytes)
      each = std::uint8_t(random());
    noise.send(bytes);
    EXPECT_TRUE(noise.is_closed());
  }
}

TEST_F(strangers, who_say_nothing_or_too_little_are_closed_in_time) {
  stranger silent(at_);
  stranger slow(at_);
  slow.send({1, 2, 3}); // the beginning of a frame that never ends
  stranger half(at_);
  half.say(control::hello, stranger::hello(9));
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(slow.is_closed());
  EXPECT_TRUE(half.is_closed());
  EXPECT_NE(half.refused_because.find("in time"), std::string::npos) << half.refused_because;
}

TEST_F(strangers, who_promise_a_frame_that_is_too_long_are_closed) {
  stranger big(at_);
  frame_header header;
  header.length = 1u << 30;
  header.type_id = 1;
  header.flags = flag_control;
  std::vector<std::uint8_t> out(sizeof header);
  std::memcpy(out.data(), &header, sizeof header);
  big.send(out);
  EXPECT_TRUE(big.is_closed());
  EXPECT_NE(big.refused_because.find("over the limit"), std::string::npos) << big.refused_because;
}

TEST_F(strangers, of_another_version_or_pretending_to_be_this_node_hear_why_they_are_refused) {
  stranger old(at_);
  auto hello = stranger::hello(5);
  hello.version = 0;
  old.say(control::hello, hello);
  EXPECT_TRUE(old.is_closed());
  EXPECT_NE(old.refused_because.find("version"), std::string::npos) << old.refused_because;
  stranger mirror(at_);
  mirror.say(control::hello, stranger::hello(a_.link().node()));
  EXPECT_TRUE(mirror.is_closed());
  EXPECT_NE(mirror.refused_because.find("same node"), std::string::npos) << mirror.refused_because;
}

TEST_F(strangers, who_talk_before_the_greeting_is_over_are_closed) {
  stranger eager(at_);
  eager.send(data(type, 1, "me first"));
  EXPECT_TRUE(eager.is_closed());
  stranger twice(at_);
  twice.say(control::hello, stranger::hello(6));
  twice.say(control::hello, stranger::hello(6));
  EXPECT_TRUE(twice.is_closed());
}

TEST_F(strangers, who_acknowledge_what_was_never_sent_are_closed) {
  stranger liar(at_);
  ASSERT_TRUE(liar.greet(8));
  wire::CreditT credit;
  credit.sequence = ~std::uint64_t{0};
  liar.say(control::credit, credit);
  EXPECT_TRUE(liar.is_closed());
}

TEST_F(strangers, who_send_a_message_again_are_heard_once) {
  inbox here;
  a_.subscribe(here, type + 5);
  stranger parrot(at_);
  ASSERT_TRUE(parrot.greet(8));
  parrot.send(data(type + 5, 1, "one"));
  parrot.send(data(type + 5, 1, "one"));
  parrot.send(data(type + 5, 2, "two"));
  ASSERT_TRUE(here.wait_for(2));
  EXPECT_EQ(here.all(), (std::vector<std::string>{"one", "two"}));
}

TEST_F(strangers, who_leave_out_messages_are_counted) {
  inbox here;
  a_.subscribe(here, type + 5);
  stranger gap(at_);
  ASSERT_TRUE(gap.greet(8));
  gap.send(data(type + 5, 1, "one"));
  gap.send(data(type + 5, 10, "ten"));
  ASSERT_TRUE(here.wait_for(2));
  EXPECT_EQ(a_.link().stats().missing, 8u);
}

TEST_F(strangers, who_send_what_is_no_valid_payload_do_not_reach_a_subscriber) {
  constexpr std::uint16_t text_message = 1001;
  inbox here;
  a_.subscribe(here, text_message);
  a_.subscribe(here, type + 5);
  stranger forger(at_);
  ASSERT_TRUE(forger.greet(8));
  forger.send(data(text_message, 1, "these are no FlatBuffers"));
  forger.send(data(type + 5, 2, "has no schema"));
  ASSERT_TRUE(here.wait_for(1));
  EXPECT_EQ(here.all(), std::vector<std::string>{"has no schema"});
  EXPECT_EQ(a_.link().stats().invalid, 1u);
}

TEST_F(strangers, who_know_a_type_by_another_schema_neither_get_nor_give_it) {
  constexpr std::uint16_t text_message = 1001;
  inbox here;
  a_.subscribe(here, text_message);
  a_.subscribe(here, type + 5);
  stranger other(at_);
  other.say(control::hello, stranger::hello(8));
  wire::ReadyT ready;
  ready.stream = 1;
  ready.types.push_back(std::make_unique<wire::TypeDigestT>());
  ready.types[0]->type_id = text_message;
  ready.types[0]->digest.assign(32, 1);
  other.say(control::ready, ready);
  ASSERT_TRUE(other.hears(control::ready));
  other.send(data(text_message, 1, "of another schema"));
  other.send(data(type + 5, 2, "of none"));
  ASSERT_TRUE(here.wait_for(1));
  EXPECT_EQ(here.all(), std::vector<std::string>{"of none"});
}

TEST_F(strangers, can_have_so_many_links_and_no_more) {
  std::vector<std::unique_ptr<stranger>> many;
  for (std::uint64_t i = 0; i < 7; ++i) { // b is one
    many.push_back(std::make_unique<stranger>(at_));
    ASSERT_TRUE(many.back()->greet(100 + i));
  }
  stranger one_more(at_);
  EXPECT_TRUE(one_more.is_closed());
  EXPECT_NE(one_more.refused_because.find("max_links"), std::string::npos) << one_more.refused_because;
}

TEST_F(strangers, who_do_not_read_hold_up_nobody_and_cost_a_bounded_amount) {
  stranger deaf(at_);
  ASSERT_TRUE(deaf.greet(8));
  wire::NodeStateT wants;
  wants.node = 8;
  wants.version = 1;
  wants.neighbours = {a_.link().node()};
  wants.wants = {type};
  deaf.say(control::node_state, wants);
  a_.wanted(type, 2);
  const std::string kilobyte(1024, 'x');
  for (int i = 0; i < 10'000; ++i)
    ASSERT_EQ(a_.publish(kilobyte), status::success); // ten megabytes; its mailbox holds 65536
  EXPECT_TRUE(got_.wait_for(10'000));
  for (const auto& each : a_.link().stats().neighbours)
    EXPECT_LE(each.waiting_bytes, (1u << 20) + 2048) << each.name; // the window that it asked for
}

} // namespace
} // namespace mycelium::bridge
