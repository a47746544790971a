// Who may link and which types each may publish and receive: the file, its rules, and what they do to links.
#include "actors/bridge/permissions.hpp"
#include "actors/bridge/test_stranger.hpp"

#include <fstream>

namespace mycelium::bridge {
namespace {

// ---- the file ----

permissions parsed(const std::string& text) {
  auto read = permissions::parse(text, "allow.toml");
  EXPECT_TRUE(read) << (read ? "" : read.error().text);
  return read ? *read : permissions();
}

std::string problem(const std::string& text) {
  const auto read = permissions::parse(text, "allow.toml");
  EXPECT_FALSE(read) << text;
  return read ? "" : read.error().text;
}

peer_identity user(std::uint32_t uid) { return {.uid = uid, .address = {}, .certificates = {}}; }
peer_identity at(const std::string& address) { return {.uid = {}, .address = address, .certificates = {}}; }
peer_identity shows(std::vector<std::string> names) {
  return {.uid = {}, .address = "192.0.2.1", .certificates = std::move(names)};
}

TEST(permissions_file, lets_in_by_the_first_rule_that_fits_and_nobody_else) {
  const auto all = parsed(R"([[allow]]
name = "camera"
uid = [1000, 1001]
publish = [20001]
[[allow]]
name = "camera"
publish = [20002]
)");
  const schema::registry types;
  const auto by_user = all.rule_for(user(1001), "camera");
  ASSERT_TRUE(by_user);
  EXPECT_EQ(by_user->where, "allow.toml:1");
  EXPECT_TRUE(by_user->publish.contains(20001, types));
  EXPECT_FALSE(by_user->publish.contains(20002, types));
  EXPECT_FALSE(by_user->receive.contains(20001, types));
  const auto by_name = all.rule_for(user(7), "camera");
  ASSERT_TRUE(by_name);
  EXPECT_TRUE(by_name->publish.contains(20002, types));
  EXPECT_FALSE(all.rule_for(user(1000), "lidar"));
  EXPECT_TRUE(all.names_user(1000));
  EXPECT_FALSE(all.names_user(7));
  EXPECT_FALSE(parsed("").rule_for(user(0), "root"));
}

TEST(permissions_file, knows_peers_by_certificate_address_and_pattern) {
  const auto all = parsed(R"([[allow]]
certificate = ["hub.example", "*.robots.example"]
[[allow]]
address = ["10.1.0.0/16", "2001:db8::/33", "192.0.2.7"]
[[allow]]
name = "*-test-*"
)");
  EXPECT_TRUE(all.rule_for(shows({"x", "arm.robots.example"}), ""));
  EXPECT_TRUE(all.rule_for(shows({"hub.example"}), ""));
  EXPECT_FALSE(all.rule_for(shows({"hub.example.org", "robots.example"}), "hub.example"));
  EXPECT_TRUE(all.rule_for(at("10.1.255.9"), ""));
  EXPECT_TRUE(all.rule_for(at("::ffff:10.1.0.1"), ""));
  EXPECT_FALSE(all.rule_for(at("10.2.0.1"), ""));
  EXPECT_TRUE(all.rule_for(at("2001:db8:7fff::1"), ""));
  EXPECT_FALSE(all.rule_for(at("2001:db8:8000::1"), ""));
  EXPECT_TRUE(all.rule_for(at("192.0.2.7"), ""));
  EXPECT_FALSE(all.rule_for(at("192.0.2.8"), ""));
  EXPECT_FALSE(all.rule_for(user(0), ""));
  EXPECT_TRUE(all.rule_for(user(0), "a-test-b"));
  EXPECT_FALSE(all.rule_for(user(0), "a-tes-b"));
}

TEST(permissions_file, names_types_by_id_range_topic_or_all) {
  const auto all = parsed(R"([[allow]]
anyone = true
publish = [7, "20-29", "30-40", "examples", "25-31"]
receive = "*"
)");
  const schema::registry types;
  const auto rule = all.rule_for(user(0), "");
  ASSERT_TRUE(rule);
  for (const auto type_id : std::initializer_list<std::uint16_t>{7, 20, 29, 30, 40, 1001, 1002})
    EXPECT_TRUE(rule->publish.contains(type_id, types)) << type_id;
  for (const auto type_id : std::initializer_list<std::uint16_t>{1, 6, 8, 19, 41, 1000, 20001, 65535})
    EXPECT_FALSE(rule->publish.contains(type_id, types)) << type_id;
  for (const auto type_id : std::initializer_list<std::uint16_t>{1, 1001, 65535})
    EXPECT_TRUE(rule->receive.contains(type_id, types)) << type_id;
}

TEST(permissions_file, that_is_wrong_is_told_with_line_and_key) {
  EXPECT_EQ(problem("allowed = 1\n"), "allow.toml:1: key 'allowed' is not known here");
  EXPECT_EQ(problem("[allow]\nname = \"a\"\n"), "allow.toml:1: key 'allow' is no array of tables: write [[allow]]");
  EXPECT_NE(problem("[[allow]]\npublish = [1]\n").find("allow.toml:1: who is allowed?"), std::string::npos);
  EXPECT_NE(problem("[[allow]]\nanyone = false\n").find("allow.toml:2: key 'anyone'"), std::string::npos);
  EXPECT_NE(problem("[[allow]]\nname = \"a\"\nanyone = true\n").find("allow.toml:3: key 'anyone'"), std::string::npos);
  EXPECT_NE(problem("[[allow]]\nname = []\n").find("allow.toml:2: key 'name' is empty"), std::string::npos);
  EXPECT_NE(problem("[[allow]]\nname = 1\n").find("allow.toml:2: key 'name'"), std::string::npos);
  EXPECT_NE(problem("[[allow]]\nuid = -1\n").find("allow.toml:2: key 'uid'"), std::string::npos);
  EXPECT_NE(problem("[[allow]]\nuid = \"root\"\n").find("allow.toml:2: key 'uid'"), std::string::npos);
  EXPECT_NE(problem("[[allow]]\naddress = \"10.0.0.0/33\"\n").find("allow.toml:2: key 'address'"), std::string::npos);
  EXPECT_NE(problem("[[allow]]\naddress = \"here\"\n").find("allow.toml:2: key 'address'"), std::string::npos);
  for (const char* types : {"0", "65536", "\"9-8\"", "\"0-5\"", "\"1-2-3\"", "true", "\"\""})
    EXPECT_NE(problem("[[allow]]\nname = \"a\"\nreceive = [" + std::string(types) + "]\n").find(":3: key 'receive'"),
              std::string::npos)
        << types;
  EXPECT_NE(problem("[[allow]]\nnames = \"a\"\n").find("allow.toml:2: key 'names' is not known here"),
            std::string::npos);
  EXPECT_NE(problem("[[allow\n").find("allow.toml:1: "), std::string::npos);
}

// ---- links ----

class allowed : public testing::Test {
protected:
  settings with(const std::string& text) {
    std::ofstream(file_) << text;
    settings how;
    how.first_retry = how.last_retry = 5ms;
    how.credentials.permissions_file = file_;
    return how;
  }

  socket_folder folder_;
  const std::string file_ = folder_.path() + "/allow.toml";
};

TEST_F(allowed, who_fits_no_rule_is_refused_and_told_so) {
  node a("a", with("[[allow]]\nname = \"friend\"\n"));
  const auto here = a.listen(folder_.at());
  stranger other(here);
  other.say(control::hello, stranger::hello(7));
  EXPECT_TRUE(other.is_closed());
  EXPECT_NE(other.refused_because.find("not allowed"), std::string::npos) << other.refused_because;
  EXPECT_EQ(other.reason, wire::RefusalReason::NotAllowed);
  node good("friend");
  good.dial(here);
  a.linked(1);
}

TEST_F(allowed, types_that_are_not_allowed_neither_come_nor_go) {
  inbox here;
  inbox there;
  node a("a", with("[[allow]]\nname = \"b\"\npublish = [20001]\nreceive = [20003]\n"));
  node b("b");
  a.subscribe(here, 20001);
  a.subscribe(here, 20002);
  b.subscribe(there, 20003);
  b.subscribe(there, 20004);
  b.dial(a.listen(folder_.at()));
  b.wanted(20001);
  b.wanted(20002);
  a.wanted(20003);
  EXPECT_EQ(b.publish("no", 20002), status::success);
  EXPECT_EQ(b.publish("nor this", 20002), status::success);
  EXPECT_EQ(b.publish("yes", 20001), status::success);
  ASSERT_TRUE(here.wait_for(1));
  EXPECT_EQ(here.all(), std::vector<std::string>{"yes"});
  while (a.link().stats().not_allowed < 2)
    std::this_thread::yield();
  EXPECT_EQ(a.log().count("may not publish type 20002"), 1u);
  EXPECT_EQ(a.publish("no", 20004), status::success);
  EXPECT_EQ(a.publish("yes", 20003), status::success);
  ASSERT_TRUE(there.wait_for(1));
  EXPECT_EQ(there.all(), std::vector<std::string>{"yes"});
  EXPECT_FALSE(a.bus().wait_for_subscribers(20004, 1, deadline::in(0)));
}

TEST_F(allowed, requests_that_are_not_allowed_find_no_server) {
  inbox here;
  node a("a", with("[[allow]]\nanyone = true\n"));
  a.subscribe(here, 20001);
  stranger asking(a.listen(folder_.at()));
  ASSERT_TRUE(asking.greet(8));
  asking.send(data(20001, 1, "please", flag_request));
  const auto reply = asking.reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->outcome, std::int16_t(status::no_reply));
  EXPECT_TRUE(here.all().empty());
}

TEST_F(allowed, certificates_are_known_and_names_are_only_said) {
  const authority ours(folder_.path(), "ours");
  auto how = with("[[allow]]\ncertificate = \"good\"\n");
  how.credentials.tls = ours.issue({.name = "a"});
  node a("a", how);
  const auto here = a.listen("tls:127.0.0.1:0");
  settings plain;
  plain.first_retry = plain.last_retry = 5ms;
  plain.credentials.tls = ours.issue({.name = "bad"});
  node bad("good", plain);
  bad.dial(here);
  EXPECT_TRUE(bad.log().wait_for("not allowed: no rule fits 'good' (certificate bad")) << bad.log().all();
  plain.credentials.tls = ours.issue({.name = "good"});
  node good("any", plain);
  good.dial(here);
  a.linked(1);
}

TEST_F(allowed, rules_that_are_read_again_count_at_once) {
  inbox here;
  node a("a", with("[[allow]]\nname = \"b\"\npublish = \"*\"\n"));
  node b("b");
  a.subscribe(here);
  b.dial(a.listen(folder_.at()));
  b.wanted();
  b.publish("first");
  ASSERT_TRUE(here.wait_for(1));
  std::ofstream(file_) << "[[allow]]\nname = \"b\"\npublish = [20002]\n";
  EXPECT_TRUE(a.link().reload());
  b.publish("second");
  EXPECT_TRUE(a.log().wait_for("may not publish type 20001"));
  EXPECT_EQ(here.all(), std::vector<std::string>{"first"});
  EXPECT_EQ(a.link().stats().links_cut, 0u);
  std::ofstream(file_) << "[[allow]]\nname = \"c\"\n";
  EXPECT_TRUE(a.link().reload());
  EXPECT_TRUE(b.log().wait_for("not allowed: no rule fits 'b'"));
  EXPECT_EQ(a.link().stats().links_cut, 1u);
  std::ofstream(file_) << "[[allow]]\n";
  const auto wrong = a.link().reload();
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text.find(file_ + ":1: who is allowed?"), std::string::npos) << wrong.error().text;
  std::ofstream(file_) << "[[allow]]\nname = \"b\"\npublish = \"*\"\n";
  EXPECT_TRUE(a.link().reload());
  a.linked(1);
}

} // namespace
} // namespace mycelium::bridge
