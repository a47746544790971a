// Peers that mean no good: each costs a bounded amount, and nobody else notices.
#include "actors/bridge/test_node.hpp"

#include <cstring>
#include <random>

namespace mycelium::bridge {
namespace {

// The frames of a Hello as a program writes them that knows the protocol and means no good.
class stranger {
public:
  explicit stranger(const address& at) : fd_(connect_to(at.path)), reader_(64 << 20) {}
  ~stranger() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  void send(const byte_buffer& all) {
    for (std::size_t sent = 0; sent < all.size();) {
      const auto n = ::send(fd_, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
      if (n <= 0)
        return; // closed by the other side
      sent += std::size_t(n);
    }
  }
  template <class Native>
  void say(control kind, const Native& what) {
    byte_buffer out;
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
    return read_until([&](const frame& what) {
      if (what.is_control() && what.header.type_id == std::uint16_t(control::refusal))
        if (const auto refusal = wire::read<wire::Refusal>(what.payload))
          refused_because = refusal->text;
      return what.is_control() && what.header.type_id == std::uint16_t(kind);
    });
  }
  // The header of the next reply; none at the end.
  std::optional<frame_header> reply() {
    std::optional<frame_header> found;
    read_until([&](const frame& what) {
      if (what.is_reply())
        found = what.header;
      return found.has_value();
    });
    return found;
  }
  bool is_closed() { return !hears(control::proof); } // which it is never sent
  std::string refused_because;

private:
  template <class Found>
  bool read_until(Found found) {
    for (;;) {
      auto next = reader_.next();
      if (!next)
        return false;
      if (*next) {
        if (found(**next))
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

  int fd_;
  frame_reader reader_;
};

class strangers : public testing::Test {
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
    how.capacity = 16'384;
    return how;
  }
  static byte_buffer data(std::uint16_t type_id, std::uint64_t sequence, std::string_view payload,
                          std::uint16_t flags = 0) {
    frame what;
    what.header.type_id = type_id;
    what.header.flags = flags;
    what.header.sequence = sequence;
    what.envelope.origin = 77;
    what.envelope.sequence = sequence;
    what.payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
    byte_buffer out;
    append_frame(out, what);
    return out;
  }

  socket_folder folder_;
  inbox got_;
  node a_;
  node b_;
  address at_;
};

TEST_F(strangers, with_random_bytes_are_closed) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    stranger noise(at_);
    byte_buffer bytes(random() % 4000 + 64);
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
  byte_buffer out(sizeof header);
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

TEST_F(strangers, whose_request_is_no_valid_payload_hear_so_and_no_server_does) {
  constexpr std::uint16_t text_message = 1001;
  inbox here;
  a_.subscribe(here, text_message);
  stranger forger(at_);
  ASSERT_TRUE(forger.greet(8));
  forger.send(data(text_message, 1, "no FlatBuffers", flag_request));
  const auto reply = forger.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->outcome, std::int16_t(status::invalid_payload));
  EXPECT_TRUE(here.all().empty());
  EXPECT_EQ(a_.link().stats().invalid, 1u);
}

TEST_F(strangers, who_say_a_name_and_no_more_are_forgotten) {
  for (std::uint64_t node = 100; node < 120; ++node) {
    stranger shy(at_);
    shy.say(control::hello, stranger::hello(node));
    ASSERT_TRUE(shy.hears(control::ready));
  }
  bridge_stats stats;
  do
    stats = a_.link().stats();
  while (stats.refused < 20);
  EXPECT_EQ(stats.neighbours.size(), 1u); // b
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
    ASSERT_EQ(a_.publish(kilobyte), status::success); // ten megabytes; its mailbox holds 16384
  EXPECT_TRUE(got_.wait_for(10'000));
  for (const auto& each : a_.link().stats().neighbours)
    EXPECT_LE(each.waiting_bytes, (1u << 20) + 2048) << each.name; // the window that it asked for
}

} // namespace
} // namespace mycelium::bridge
