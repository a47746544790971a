#include "actors/bridge/topology.hpp"

#include <fstream>
#include <gtest/gtest.h>

using namespace mycelium;
using namespace mycelium::bridge;

namespace {

class topology_file : public ::testing::Test {
protected:
  std::string file(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }
  ~topology_file() override { std::remove(path_.c_str()); }

  std::string path_ = ::testing::TempDir() + "topology-" + std::to_string(::getpid()) + ".toml";
};

std::string problem(const std::string& path) {
  const auto read = read_topology(path);
  EXPECT_FALSE(read);
  if (read)
    return "";
  EXPECT_EQ(read.error().code, status::topology);
  return read.error().text;
}

constexpr auto three_nodes = R"(socket_dir = "/run/test"
[[nodes]]
name = "eyes"
services = ["camera", "lidar"]
host = "10.0.0.1"
port = 7000
[[nodes]]
name = "brain"
services = ["planner"]
host = "10.0.0.1"
port = 7001
[[nodes]]
name = "arm"
services = ["motor"]
host = "10.0.0.2"
endpoint = { kind = "tcp", addr = "10.0.0.2:9000" }
)";

} // namespace

TEST_F(topology_file, tells_how_nodes_reach_each_other) {
  const auto all = read_topology(file(three_nodes));
  ASSERT_TRUE(all) << all.error().text;
  const auto& eyes = *all->find("eyes");
  const auto& brain = *all->find("brain");
  const auto& arm = *all->find("arm");
  EXPECT_EQ(eyes.services, (std::vector<std::string>{"camera", "lidar"}));
  EXPECT_FALSE(transport_between(*all, eyes, eyes)); // in the node itself
  EXPECT_EQ(transport_between(*all, eyes, brain)->text(), "unix:/run/test/brain.sock");
  EXPECT_EQ(transport_between(*all, eyes, arm)->text(), "tcp:10.0.0.2:9000");
  EXPECT_EQ(transport_between(*all, arm, brain)->text(), "tcp:10.0.0.1:7001");
  EXPECT_EQ(all->meeting_place(arm).text(), "unix:/run/test/arm.sock");
  EXPECT_EQ((*all->node_of_service("planner"))->name, "brain");
  const auto missing = all->node_of_service("nose");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, status::service_not_found);
}

TEST_F(topology_file, of_one_host_needs_no_ports) {
  const auto all = read_topology(file("[[nodes]]\nname = \"a\"\nservices = []\nhost = \"localhost\"\n"
                                      "[[nodes]]\nname = \"b\"\nservices = []\n"
                                      "endpoint = { kind = \"unix\", addr = \"/run/b\" }\n"));
  ASSERT_TRUE(all) << all.error().text;
  EXPECT_EQ(transport_between(*all, *all->find("a"), *all->find("b"))->text(), "unix:/run/b");
  EXPECT_FALSE(all->public_place(*all->find("a")));
}

TEST_F(topology_file, has_its_token_in_a_file_beside_it) {
  const auto token = path_ + ".token";
  std::ofstream(token) << "secret\n";
  const auto name = token.substr(token.rfind('/') + 1);
  const auto all = read_topology(file("token_file = \"" + name + "\"\n[[nodes]]\nname = \"a\"\nservices = []\n"));
  ASSERT_TRUE(all) << all.error().text;
  EXPECT_EQ(*read_token_file(all->credentials.token_file), "secret");
  std::remove(token.c_str());
  EXPECT_NE(problem(path_).find(":1:"), std::string::npos);
}

TEST_F(topology_file, names_types_that_are_delivered_at_least_once) {
  const auto all =
      read_topology(file("at_least_once = [20001, \"20010-20012\"]\n[[nodes]]\nname = \"a\"\nservices = []\n"));
  ASSERT_TRUE(all) << all.error().text;
  const schema::registry none;
  EXPECT_TRUE(all->at_least_once.contains(20001, none));
  EXPECT_TRUE(all->at_least_once.contains(20012, none));
  EXPECT_FALSE(all->at_least_once.contains(20002, none));
}

TEST_F(topology_file, with_an_error_is_told_its_line_and_its_key) {
  const auto names = [this](const std::string& text, const std::string& line, const std::string& word) {
    const auto told = problem(file(text));
    EXPECT_NE(told.find(path_ + ":" + line + ":"), std::string::npos) << told;
    EXPECT_NE(told.find(word), std::string::npos) << told;
  };
  const std::string node = "[[nodes]]\nname = \"a\"\nservices = []\n";
  EXPECT_NE(problem("/nonexistent/topology.toml").find("topology.toml"), std::string::npos);
  EXPECT_NE(problem("/tmp").find("cannot be read"), std::string::npos); // a folder
  names("token_file = \"/\"\n" + node, "1", "token");
  names("[[nodes]\n", "1", "");
  names("[[,odes]]\n", "1", "");
  names("# \xc3\xa4\n\n\xc3\xa4 = 1\n", "3", "ASCII");
  names("\n\xff = 1\n", "1", "UTF-8");
  names("a = 'b\n", "1", "string");
  names("nodes = 1\n", "1", "nodes");
  names("\nat_least_once = [0]\n", "2", "'at_least_once'");
  names("\n[[nodes]]\nservices = []\n", "2", "'name'");
  names("[[nodes]]\nname = \"a/b\"\nservices = []\n", "2", "'name'");
  names("[[nodes]]\nname = \"a\"\nservices = [1]\n", "3", "'services'");
  names("[[nodes]]\nname = \"a\"\nservices = \"x\"\n", "3", "'services'");
  names("[[nodes]]\nname = \"a\"\n", "1", "'services'");
  names(node + "port = 70000\n", "4", "'port'");
  names(node + "port = \"1\"\n", "4", "'port'");
  names(node + "prot = 1\n", "4", "'prot'");
  names(node + "host = 1\n", "4", "'host'");
  names(node + "endpoint = 1\n", "4", "'endpoint'");
  names(node + "endpoint = { kind = \"udp\", addr = \"x\" }\n", "4", "'kind'");
  names(node + "endpoint = { kind = \"tcp\", addr = \"x\" }\n", "4", "'addr'");
  names(node + node, "4", "two nodes");
  names("[[nodes]]\nname = \"a\"\nservices = [\"x\"]\n[[nodes]]\nname = \"b\"\nservices = [\"x\"]\n", "4", "'x'");
  names(node + "host = \"h1\"\nport = 1\n[[nodes]]\nname = \"b\"\nservices = []\nhost = \"h2\"\n", "6", "'port'");
}
