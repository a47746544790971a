// Runtimes that are joined over sockets, here within one process.
#include "waiting.hpp"

#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

namespace mycelium::cpp_tests {
namespace {

class bridge : public testing::Test {
protected:
  bridge() {
    std::string name = (std::filesystem::temp_directory_path() / "myc-cpp-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~bridge() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path in_folder(const char* name) const { return folder_ / name; }
  std::string address() const { return "unix:" + (folder_ / "bus").string(); }

private:
  std::filesystem::path folder_;
};

TEST_F(bridge, carries_messages_and_requests) {
  const auto here = new_runtime();
  const auto there = new_runtime();
  collected<std::string> got;
  const auto hearing = there.subscribe<TextMessage>([&](const TextMessage& text) { got.add(text.content); }).value();
  const auto count = [](const WordCountRequest& request) { return WordCountReply{.bytes = request.text.size()}; };
  const auto serving = there.serve<WordCountRequest>(count).value();
  EXPECT_EQ(there.bridge_listen(address()).value(), address());
  here.bridge_dial(address()).value();
  here.bridge_wait_for_links(1, patience).value();
  here.wait_for_subscribers(TextMessage::type_id, 1, patience).value();
  here.wait_for_subscribers(WordCountRequest::type_id, 1, patience).value();
  std::vector<std::string> sent;
  for (int i = 0; i < 1000; ++i)
    here.publish(TextMessage{.content = sent.emplace_back("number " + std::to_string(i))}).value();
  EXPECT_EQ(got.wait_for(1000), sent);
  EXPECT_EQ(here.request<WordCountReply>(WordCountRequest{.text = "four"}, patience).value().bytes, 4u);
  EXPECT_EQ(there.bridge_stats()->received, 1001u);
  here.close(patience).value(); // waits for what is not acknowledged
}

TEST_F(bridge, counts_and_names_its_neighbours) {
  const auto here = new_runtime();
  const auto there = new_runtime();
  there.bridge_open({.name = "the hub"}).value();
  there.bridge_listen(address()).value();
  here.bridge_open({.name = "a spoke", .heartbeat = 100ms, .silence = 10s}).value();
  here.bridge_dial(address()).value();
  there.bridge_wait_for_links(1, patience).value();
  const auto counted = there.bridge_stats().value();
  EXPECT_EQ(counted.neighbours, 1u);
  EXPECT_EQ(counted.links_made, 1u);
  EXPECT_NE(counted.node, 0u);
  EXPECT_NE(there.bridge_json().value().find("\"a spoke\""), std::string::npos);
}

TEST_F(bridge, lets_in_who_knows_the_token) {
  const auto hub = new_runtime();
  hub.bridge_open({.token = "mellon"}).value();
  const auto at = hub.bridge_listen("tcp:127.0.0.1:0").value();
  EXPECT_TRUE(at.starts_with("tcp:127.0.0.1:")) << at;
  EXPECT_FALSE(at.ends_with(":0")) << at;
  const auto stranger = new_runtime();
  stranger.bridge_open({.token = "friend"}).value();
  stranger.bridge_dial(at).value();
  const auto friendly = new_runtime();
  friendly.bridge_open({.token = "mellon"}).value();
  friendly.bridge_dial(at).value();
  friendly.bridge_wait_for_links(1, patience).value();
  EXPECT_EQ(friendly.bridge_stats()->neighbours, 1u);
  EXPECT_EQ(stranger.bridge_stats()->neighbours, 0u);
}

TEST_F(bridge, reads_its_token_from_a_file_and_reads_it_again) {
  const auto file = in_folder("token");
  std::ofstream(file) << "mellon\n";
  const auto hub = new_runtime();
  hub.bridge_open({.token_file = file, .socket_mode = 0660, .max_requests = 16, .max_byte_rate = 1u << 30}).value();
  hub.bridge_listen(address()).value();
  EXPECT_EQ(std::filesystem::status(in_folder("bus")).permissions(), std::filesystem::perms(0660));
  const auto guest = new_runtime();
  guest.bridge_open({.token = "friend"}).value();
  std::ofstream(file) << "friend\n";
  hub.bridge_reload().value();
  guest.bridge_dial(address()).value();
  guest.bridge_wait_for_links(1, patience).value();
  std::filesystem::remove(file);
  EXPECT_EQ(hub.bridge_reload().code(), status::invalid_argument);
  EXPECT_EQ(guest.bridge_stats()->neighbours, 1u);
  EXPECT_EQ(hub.bridge_stats()->not_allowed, 0u);
}

TEST_F(bridge, names_the_files_that_are_not_there) {
  const auto bus = new_runtime();
  const std::string gone = in_folder("nothing");
  for (const auto& options : {bridge_options{.token_file = gone}, bridge_options{.tls_cert = gone, .tls_key = gone},
                              bridge_options{.tls_ca = gone}, bridge_options{.permissions_file = gone}}) {
    const auto refused = bus.bridge_open(options);
    ASSERT_EQ(refused.code(), status::invalid_argument);
    EXPECT_NE(refused.error().text.find("nothing"), std::string::npos) << refused.error().text;
  }
}

TEST_F(bridge, knows_that_a_type_which_is_delivered_at_least_once_was_delivered) {
  const auto here = new_runtime();
  const auto there = new_runtime();
  gate until_open;
  collected<std::string> got;
  const auto hearing = there
                           .subscribe<TextMessage>([&](const TextMessage& text) {
                             until_open.pass();
                             got.add(text.content);
                           })
                           .value();
  here.bridge_open({.at_least_once = "20001, examples"}).value();
  there.bridge_listen(address()).value();
  here.bridge_dial(address()).value();
  here.wait_for_subscribers(TextMessage::type_id, 1, patience).value();
  here.publish(TextMessage{.content = "once at least"}).value();
  const auto comes_to_be = [&](bool is_unconfirmed) { // by acknowledgement, then by the return of the callback
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      if ((here.bridge_json().value().find("\"unconfirmed\": 1") != std::string::npos) == is_unconfirmed)
        return true;
      std::this_thread::yield();
    }
    return false;
  };
  EXPECT_TRUE(comes_to_be(true));
  EXPECT_EQ(got.size(), 0u);
  until_open.open();
  EXPECT_TRUE(comes_to_be(false));
  EXPECT_EQ(got.wait_for(1), std::vector<std::string>{"once at least"});
}

TEST_F(bridge, names_what_is_no_list_of_types) {
  const auto bus = new_runtime();
  for (const auto& [types, why] : {std::pair{"0", "ids in 1 to 65535"}, std::pair{"5-3", "write \"1000-1999\""},
                                   std::pair{"20001,", "holds nothing where a type should be"}}) {
    const auto refused = bus.bridge_open({.at_least_once = types});
    ASSERT_EQ(refused.code(), status::invalid_argument) << types;
    EXPECT_NE(refused.error().text.find("at_least_once"), std::string::npos) << refused.error().text;
    EXPECT_NE(refused.error().text.find(why), std::string::npos) << refused.error().text;
  }
}

TEST_F(bridge, failures_say_what_is_wrong) {
  const auto bus = new_runtime();
  EXPECT_EQ(bus.bridge_stats().code(), status::invalid_argument);
  EXPECT_EQ(bus.bridge_json().code(), status::invalid_argument);
  EXPECT_EQ(bus.bridge_listen("carrier pigeon").code(), status::invalid_argument);
  EXPECT_EQ(bus.bridge_dial("unix:").code(), status::invalid_argument);
  EXPECT_EQ(bus.bridge_open({.heartbeat = 2s, .silence = 1s}).code(), status::invalid_argument);
  EXPECT_EQ(bus.bridge_open({.when_full = static_cast<policy>(99)}).code(), status::invalid_argument);
  EXPECT_TRUE(bus.bridge_open());
  EXPECT_EQ(bus.bridge_open().code(), status::invalid_argument); // it has one
  EXPECT_EQ(bus.bridge_wait_for_links(1, 1ms).code(), status::timeout);
  EXPECT_EQ(runtime_ref(nullptr).bridge_dial(address()).code(), status::null);
  bus.close(patience).value();
  EXPECT_EQ(bus.bridge_listen(address()).code(), status::closed);
}

TEST_F(bridge, is_no_business_of_a_callback) {
  const auto bus = new_runtime();
  collected<status> got;
  const auto try_it = [&](const TextMessage&) { got.add(runtime_ref(bus).bridge_listen(address()).code()); };
  const auto hearing = bus.subscribe<TextMessage>(try_it).value();
  bus.publish(TextMessage{}).value();
  EXPECT_EQ(got.wait_for(1), std::vector{status::unsupported});
}

} // namespace
} // namespace mycelium::cpp_tests
