// Links over TLS, and who is kept out by it: certificates of others, expired, of another name; old versions, plain
// bytes and handshakes that do not end.
#include "actors/bridge/test_stranger.hpp"

#include <fstream>

namespace mycelium::bridge {
namespace {

class tls : public testing::Test {
protected:
  // A node with these files, quick to try again.
  static settings with(tls_files files) {
    settings how;
    how.first_retry = how.last_retry = 5ms;
    how.hello_timeout = 2000ms;
    how.credentials.tls = std::move(files);
    return how;
  }
  tls_files only_authority() const { return {.authorities = ours_.file()}; }
  // Nothing comes of it, and this is what the dialing side says of it.
  static void expect_refused(node& listening, node& dialing, const address& to, const std::string& why) {
    dialing.dial(to);
    EXPECT_TRUE(dialing.log().wait_for(why)) << dialing.log().all() << listening.log().all();
    EXPECT_EQ(dialing.link().stats().links_made, 0u);
    EXPECT_EQ(listening.link().stats().links_made, 0u);
  }

  socket_folder folder_;
  authority ours_{folder_.path(), "ours"};
  authority theirs_{folder_.path(), "theirs"};
};

TEST_F(tls, joins_nodes_that_show_each_other_certificates) {
  inbox here;
  inbox there;
  node a("a", with(ours_.issue({.name = "a"})));
  node b("b", with(ours_.issue({.name = "b"})));
  a.subscribe(here);
  b.subscribe(there);
  const auto at = a.listen("tcp:127.0.0.1:0");
  EXPECT_TRUE(at.text().starts_with("tls:")) << at.text();
  b.dial(at);
  a.wanted(type, 2);
  b.wanted(type, 2);
  EXPECT_EQ(a.publish("to b"), status::success);
  EXPECT_EQ(b.publish("to a"), status::success);
  ASSERT_TRUE(here.wait_for(2));
  ASSERT_TRUE(there.wait_for(2));
}

TEST_F(tls, carries_much_in_both_directions_in_order) {
  constexpr int count = 5000;
  inbox here;
  inbox there;
  node a("a", with(ours_.issue({.name = "a"})));
  node b("b", with(ours_.issue({.name = "b"})));
  a.subscribe(here, type);
  b.subscribe(there, type + 1);
  b.dial(a.listen("tls:127.0.0.1:0"));
  a.wanted(type + 1);
  b.wanted(type);
  std::thread other([&] {
    for (int i = 0; i < count; ++i)
      b.publish(std::to_string(i) + std::string(std::size_t(i % 3000), 'x'), type);
  });
  for (int i = 0; i < count; ++i)
    a.publish(std::to_string(i) + std::string(std::size_t(i % 3000), 'y'), type + 1);
  other.join();
  ASSERT_TRUE(here.wait_for(count));
  ASSERT_TRUE(there.wait_for(count));
  for (const auto& [got, filler] : {std::pair(here.all(), 'x'), std::pair(there.all(), 'y')})
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(got[std::size_t(i)], std::to_string(i) + std::string(std::size_t(i % 3000), filler));
}

TEST_F(tls, does_not_ask_who_dials_where_the_listening_side_has_no_authority) {
  auto files = ours_.issue({.name = "a"});
  files.authorities.clear();
  node a("a", with(files));
  node b("b", with(only_authority()));
  b.dial(a.listen("tls:127.0.0.1:0"));
  a.linked(1);
}

TEST_F(tls, is_asked_for_by_an_address_and_believes_the_systems_authorities_then) {
  node a("a", with(ours_.issue({.name = "a"})));
  node b("b");
  expect_refused(a, b, *parse_address(a.listen("tcp:127.0.0.1:0").text()), "certificate is not accepted");
}

TEST_F(tls, takes_no_certificate_of_another_authority) {
  node a("a", with(theirs_.issue({.name = "a"})));
  node b("b", with(ours_.issue({.name = "b"})));
  expect_refused(a, b, a.listen("tls:127.0.0.1:0"), "certificate is not accepted");
}

TEST_F(tls, takes_no_expired_certificate_and_none_from_the_future) {
  for (const auto& [name, from, until] : {std::tuple("old", -7200L, -3600L), {"new", 3600L, 7200L}}) {
    node a("a", with(ours_.issue({.name = name, .from = from, .until = until})));
    node b("b", with(ours_.issue({.name = "b"})));
    expect_refused(a, b, a.listen("tls:127.0.0.1:0"), name == std::string("old") ? "expired" : "not yet valid");
  }
}

TEST_F(tls, takes_no_certificate_of_another_host) {
  {
    node a("a", with(ours_.issue({.name = "a", .also = "DNS:elsewhere.example,IP:192.0.2.1"})));
    node b("b", with(ours_.issue({.name = "b"})));
    expect_refused(a, b, a.listen("tls:127.0.0.1:0"), "IP address mismatch");
  }
  node a("a", with(ours_.issue({.name = "a", .also = "DNS:elsewhere.example"})));
  node b("b", with(ours_.issue({.name = "b"})));
  auto at = a.listen("tls:127.0.0.1:0");
  at.host = "localhost";
  expect_refused(a, b, at, "hostname mismatch");
}

TEST_F(tls, asks_who_dials_for_a_certificate_that_holds) {
  node a("a", with(ours_.issue({.name = "a"})));
  const auto at = a.listen("tls:127.0.0.1:0");
  node none("none", with(only_authority()));
  auto strange = theirs_.issue({.name = "strange"});
  strange.authorities = ours_.file();
  node other("other", with(strange));
  node old("old", with(ours_.issue({.name = "old", .from = -7200, .until = -3600})));
  for (auto* each : {&none, &other, &old})
    each->dial(at);
  EXPECT_TRUE(a.log().wait_for("peer did not return a certificate")) << a.log().all();
  EXPECT_TRUE(a.log().wait_for("expired")) << a.log().all();
  EXPECT_TRUE(a.log().wait_for("certificate is not accepted", 2)) << a.log().all();
  EXPECT_EQ(a.link().stats().links_made, 0u);
  node good("good", with(ours_.issue({.name = "good"})));
  good.dial(at);
  a.linked(1);
}

TEST_F(tls, speaks_no_version_before_1_3) {
  node a("a", with(ours_.issue({.name = "a"})));
  const auto at = a.listen("tls:127.0.0.1:0");
  const auto known = ours_.issue({.name = "known"});
  EXPECT_FALSE(tls_client(at.port, known, TLS1_2_VERSION).greeted());
  EXPECT_TRUE(tls_client(at.port, known, TLS1_3_VERSION).greeted());
}

TEST_F(tls, says_goodbye_when_it_ends_a_link) {
  node a("a", with(ours_.issue({.name = "a"})));
  tls_client client(a.listen("tls:127.0.0.1:0").port, ours_.issue({.name = "client"}));
  ASSERT_TRUE(client.greeted());
  const std::vector<char> noise(64, 'x');
  client.send(noise.data(), noise.size());
  EXPECT_TRUE(client.hears_goodbye());
}

TEST_F(tls, ends_a_handshake_that_does_not) {
  auto how = with(ours_.issue({.name = "a"}));
  how.hello_timeout = 100ms;
  node a("a", how);
  const auto at = a.listen("tls:127.0.0.1:0");
  const int silent = connect_to_port(at.port);
  const int half = connect_to_port(at.port);
  const char begun[] = "\x16\x03\x01\x02\x00\x01"; // the first bytes of a ClientHello of 512
  EXPECT_EQ(::send(half, begun, 6, MSG_NOSIGNAL), 6);
  char byte = 0;
  EXPECT_LE(::read(silent, &byte, 1), 0);
  EXPECT_LE(::read(half, &byte, 1), 0);
  EXPECT_TRUE(a.log().wait_for("no whole greeting came in time", 2));
  ::close(silent);
  ::close(half);
}

TEST_F(tls, and_plain_bytes_do_not_mix) {
  node a("a", with(ours_.issue({.name = "a"})));
  node b("b");
  auto at = a.listen("tls:127.0.0.1:0");
  at.tls = false;
  b.dial(at);
  EXPECT_TRUE(a.log().wait_for("does not speak it")) << a.log().all();
  node plain("plain");
  node c("c", with(ours_.issue({.name = "c"})));
  c.dial(plain.listen("tcp:127.0.0.1:0"));
  EXPECT_TRUE(c.log().wait_for("does not speak it")) << c.log().all();
  EXPECT_EQ(b.link().stats().links_made + c.link().stats().links_made, 0u);
}

TEST_F(tls, lets_a_node_be_reached_from_other_machines_where_it_asks_for_certificates) {
  auto files = ours_.issue({.name = "a"});
  node asking("asking", with(files));
  EXPECT_TRUE(asking.link().listen(*parse_address("tls:0.0.0.0:0")));
  files.authorities.clear();
  node open("open", with(files));
  const auto refused = open.link().listen(*parse_address("tls:0.0.0.0:0"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("a CA"), std::string::npos) << refused.error().text;
  node none("none");
  EXPECT_FALSE(none.link().listen(*parse_address("tls:127.0.0.1:0")));
}

TEST_F(tls, files_that_are_wrong_are_named) {
  const auto good = ours_.issue({.name = "good"});
  const auto other = ours_.issue({.name = "other"});
  const auto problem = [](tls_files files) {
    const auto loaded = tls_context::load(files);
    return loaded ? std::string() : loaded.error().text;
  };
  EXPECT_EQ(problem(good), "");
  EXPECT_NE(problem({.certificate = good.certificate, .key = other.key}).find(other.key), std::string::npos);
  EXPECT_NE(problem({.certificate = "/nonexistent", .key = good.key}).find("/nonexistent"), std::string::npos);
  EXPECT_NE(problem({.certificate = good.certificate}).find("together"), std::string::npos);
  EXPECT_NE(problem({.authorities = good.key}).find(good.key), std::string::npos);
}

TEST_F(tls, reads_its_certificate_again_and_links_go_on) {
  auto files = ours_.issue({.name = "first"});
  node a("a", with(files));
  const auto at = a.listen("tls:127.0.0.1:0");
  node b("b", with(ours_.issue({.name = "b"})));
  b.dial(at);
  a.linked(1);
  const auto second = ours_.issue({.name = "second"});
  std::filesystem::rename(second.certificate, files.certificate);
  EXPECT_FALSE(a.link().reload()); // its key is not there yet
  EXPECT_TRUE(a.log().wait_for("nothing was reloaded"));
  EXPECT_EQ(tls_client(at.port, ours_.issue({.name = "c"})).name(), "first");
  std::filesystem::rename(second.key, files.key);
  EXPECT_TRUE(a.link().reload());
  EXPECT_EQ(tls_client(at.port, ours_.issue({.name = "c"})).name(), "second");
  EXPECT_EQ(a.link().stats().links_cut, 0u);
  EXPECT_EQ(b.link().stats().links_made, 1u);
}

TEST_F(tls, ends_links_whose_certificates_are_not_accepted_any_more) {
  auto files = ours_.issue({.name = "a"});
  files.authorities = folder_.path() + "/accepted.pem";
  std::filesystem::copy_file(ours_.file(), files.authorities);
  node a("a", with(files));
  node b("b", with(ours_.issue({.name = "b"})));
  b.dial(a.listen("tls:127.0.0.1:0"));
  a.linked(1);
  std::filesystem::copy_file(theirs_.file(), files.authorities, std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(a.link().reload());
  EXPECT_TRUE(b.log().wait_for("not accepted any more")) << b.log().all();
  EXPECT_TRUE(a.log().wait_for("ended: its certificate is not accepted any more")) << a.log().all();
}

TEST_F(tls, and_a_token_that_was_changed_ends_links_that_had_the_old_one) {
  const auto file = folder_.path() + "/token";
  std::ofstream(file) << "first\n";
  auto how = with({});
  how.credentials.token_file = file;
  node a("a", how);
  node b("b", how);
  b.dial(a.listen(folder_.at()));
  a.linked(1);
  EXPECT_TRUE(a.link().reload());
  EXPECT_EQ(a.link().stats().links_cut, 0u);
  std::ofstream(file) << "second\n";
  EXPECT_TRUE(a.link().reload());
  EXPECT_TRUE(b.log().wait_for("the token was changed")) << b.log().all();
  EXPECT_TRUE(b.log().wait_for("the token is another one")) << b.log().all();
  EXPECT_TRUE(b.link().reload());
  a.linked(1);
  std::ofstream(file, std::ios::trunc).close();
  EXPECT_FALSE(a.link().reload());
  EXPECT_EQ(a.link().stats().links_cut, 1u);
}

} // namespace
} // namespace mycelium::bridge
