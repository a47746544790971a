// Peers that mean no good: each costs a bounded amount, and nobody else notices.
#include "actors/bridge/test_stranger.hpp"

#include <cstring>
#include <random>

namespace mycelium::bridge {
namespace {

enum class way { local, tls };

class strangers : public testing::TestWithParam<way> {
protected:
  strangers() : a_("a", quick()), b_("b", known()) {
    at_ = a_.listen(is_tls() ? "tls:127.0.0.1:0" : folder_.at());
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
  static bool is_tls() { return GetParam() == way::tls; }
  settings quick() {
    settings how;
    how.hello_timeout = is_tls() ? 1000ms : 100ms; // a handshake takes a while on a machine that has much to do
    how.max_links = 8;
    how.capacity = 16'384;
    if (is_tls())
      how.credentials.tls = authority_.issue({.name = "a"});
    return how;
  }
  settings known() {
    settings how;
    if (is_tls())
      how.credentials.tls = authority_.issue({.name = "b"});
    return how;
  }
  socket_folder folder_;
  authority authority_{folder_.path(), "authority"};
  tls_files shown_ = is_tls() ? authority_.issue({.name = "stranger"}) : tls_files{};
  inbox got_;
  node a_;
  node b_;
  address at_;
};

TEST_P(strangers, with_random_bytes_are_closed) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    stranger noise(at_, shown_);
    byte_buffer bytes(random() % 4000 + 64);
    for (auto& each : bytes)
      each = std::uint8_t(random());
    noise.send(bytes);
    EXPECT_TRUE(noise.is_closed());
  }
}

TEST_P(strangers, who_say_nothing_or_too_little_are_closed_in_time) {
  stranger silent(at_, shown_);
  stranger slow(at_, shown_);
  slow.send({1, 2, 3}); // the beginning of a frame that never ends
  stranger half(at_, shown_);
  half.say(control::hello, stranger::hello(9));
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(slow.is_closed());
  EXPECT_TRUE(half.is_closed());
  EXPECT_NE(half.refused_because.find("in time"), std::string::npos) << half.refused_because;
}

TEST_P(strangers, who_promise_a_frame_that_is_too_long_are_closed) {
  stranger big(at_, shown_);
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

TEST_P(strangers, of_another_version_or_pretending_to_be_this_node_hear_why_they_are_refused) {
  stranger old(at_, shown_);
  auto hello = stranger::hello(5);
  hello.version = 0;
  old.say(control::hello, hello);
  EXPECT_TRUE(old.is_closed());
  EXPECT_NE(old.refused_because.find("version"), std::string::npos) << old.refused_because;
  stranger mirror(at_, shown_);
  mirror.say(control::hello, stranger::hello(a_.link().node()));
  EXPECT_TRUE(mirror.is_closed());
  EXPECT_NE(mirror.refused_because.find("same node"), std::string::npos) << mirror.refused_because;
}

TEST_P(strangers, who_talk_before_the_greeting_is_over_are_closed) {
  stranger eager(at_, shown_);
  eager.send(data(type, 1, "me first"));
  EXPECT_TRUE(eager.is_closed());
  stranger twice(at_, shown_);
  twice.say(control::hello, stranger::hello(6));
  twice.say(control::hello, stranger::hello(6));
  EXPECT_TRUE(twice.is_closed());
}

TEST_P(strangers, who_acknowledge_what_was_never_sent_are_closed) {
  stranger liar(at_, shown_);
  ASSERT_TRUE(liar.greet(8));
  wire::CreditT credit;
  credit.sequence = ~std::uint64_t{0};
  liar.say(control::credit, credit);
  EXPECT_TRUE(liar.is_closed());
}

TEST_P(strangers, who_send_a_message_again_are_heard_once) {
  inbox here;
  a_.subscribe(here, type + 5);
  stranger parrot(at_, shown_);
  ASSERT_TRUE(parrot.greet(8));
  parrot.send(data(type + 5, 1, "one"));
  parrot.send(data(type + 5, 1, "one"));
  parrot.send(data(type + 5, 2, "two"));
  ASSERT_TRUE(here.wait_for(2));
  EXPECT_EQ(here.all(), (std::vector<std::string>{"one", "two"}));
}

TEST_P(strangers, who_leave_out_messages_are_counted) {
  inbox here;
  a_.subscribe(here, type + 5);
  stranger gap(at_, shown_);
  ASSERT_TRUE(gap.greet(8));
  gap.send(data(type + 5, 1, "one"));
  gap.send(data(type + 5, 10, "ten"));
  ASSERT_TRUE(here.wait_for(2));
  EXPECT_EQ(a_.link().stats().missing, 8u);
}

TEST_P(strangers, who_send_what_is_no_valid_payload_do_not_reach_a_subscriber) {
  constexpr std::uint16_t text_message = 1001;
  inbox here;
  a_.subscribe(here, text_message);
  a_.subscribe(here, type + 5);
  stranger forger(at_, shown_);
  ASSERT_TRUE(forger.greet(8));
  forger.send(data(text_message, 1, "these are no FlatBuffers"));
  forger.send(data(type + 5, 2, "has no schema"));
  ASSERT_TRUE(here.wait_for(1));
  EXPECT_EQ(here.all(), std::vector<std::string>{"has no schema"});
  EXPECT_EQ(a_.link().stats().invalid, 1u);
}

TEST_P(strangers, who_know_a_type_by_another_schema_neither_get_nor_give_it) {
  constexpr std::uint16_t text_message = 1001;
  inbox here;
  a_.subscribe(here, text_message);
  a_.subscribe(here, type + 5);
  stranger other(at_, shown_);
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

TEST_P(strangers, can_have_so_many_links_and_no_more) {
  std::vector<std::unique_ptr<stranger>> many;
  for (std::uint64_t i = 0; i < 7; ++i) { // b is one
    many.push_back(std::make_unique<stranger>(at_, shown_));
    ASSERT_TRUE(many.back()->greet(100 + i));
  }
  stranger one_more(at_, shown_);
  EXPECT_TRUE(one_more.is_closed());
  // Over TLS it is not worth a handshake, and cannot be told.
  EXPECT_TRUE(is_tls() || one_more.refused_because.find("max_links") != std::string::npos) << one_more.refused_because;
}

TEST_P(strangers, whose_request_is_no_valid_payload_hear_so_and_no_server_does) {
  constexpr std::uint16_t text_message = 1001;
  inbox here;
  a_.subscribe(here, text_message);
  stranger forger(at_, shown_);
  ASSERT_TRUE(forger.greet(8));
  forger.send(data(text_message, 1, "no FlatBuffers", flag_request));
  const auto reply = forger.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->outcome, std::int16_t(status::invalid_payload));
  EXPECT_TRUE(here.all().empty());
  EXPECT_EQ(a_.link().stats().invalid, 1u);
}

TEST_P(strangers, who_say_a_name_and_no_more_are_forgotten) {
  for (std::uint64_t node = 100; node < 120; ++node) {
    stranger shy(at_, shown_);
    shy.say(control::hello, stranger::hello(node));
    ASSERT_TRUE(shy.hears(control::ready));
  }
  bridge_stats stats;
  do
    stats = a_.link().stats();
  while (stats.refused < 20);
  EXPECT_EQ(stats.neighbours.size(), 1u); // b
}

TEST_P(strangers, who_do_not_read_hold_up_nobody_and_cost_a_bounded_amount) {
  stranger deaf(at_, shown_);
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
  const auto stats = a_.link().stats();
  const auto of_deaf = std::ranges::find(stats.neighbours, 8u, &neighbour_stats::node);
  ASSERT_NE(of_deaf, stats.neighbours.end());
  EXPECT_LE(of_deaf->out.bytes_on_their_way, (1u << 20) + 2048); // the window that it asked for
}

INSTANTIATE_TEST_SUITE_P(over, strangers, testing::Values(way::local, way::tls),
                         [](const auto& each) { return std::string(each.param == way::tls ? "tls" : "unix"); });

} // namespace
} // namespace mycelium::bridge
