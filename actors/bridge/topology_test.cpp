#include "actors/bridge/topology.hpp"

#include <fstream>
#include <gtest/gtest.h>

using namespace mycelium;
using namespace mycelium::bridge;

namespace {

class topology : public ::testing::Test {
protected:
  std::string file(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }
  ~topology() override { std::remove(path_.c_str()); }

private:
  std::string path_ = ::testing::TempDir() + "topology-" + std::to_string(::getpid()) + ".toml";
};

std::string problem(const std::string& path) {
  const auto nodes = read_topology(path);
  EXPECT_FALSE(nodes);
  if (nodes)
    return "";
  EXPECT_EQ(nodes.error().code, status::topology);
  return nodes.error().text;
}

} // namespace

TEST_F(topology, a_service_of_the_only_node_is_found) {
  const auto path = file("[[nodes]]\nname = \"here\"\nservices = [\"eyes\", \"ears\"]\nhost = \"localhost\"\n");
  const auto node = node_of_service(path, "ears");
  ASSERT_TRUE(node) << node.error().text;
  EXPECT_EQ(node->name, "here");
  EXPECT_EQ(node->services, (std::vector<std::string>{"eyes", "ears"}));
  const auto missing = node_of_service(path, "nose");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, status::service_not_found);
}

TEST_F(topology, other_nodes_are_refused_while_there_are_no_bridges) {
  const auto path =
      file("[[nodes]]\nname = \"a\"\nservices = [\"eyes\"]\n[[nodes]]\nname = \"b\"\nservices = [\"ears\"]\n");
  const auto node = node_of_service(path, "eyes");
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().code, status::unsupported);
}

TEST_F(topology, an_error_names_the_line_and_the_key) {
  EXPECT_NE(problem("/nonexistent/topology.toml").find("topology.toml"), std::string::npos);
  EXPECT_NE(problem(file("[[nodes]\n")).find(":1:"), std::string::npos);
  EXPECT_NE(problem(file("name = 1\n")).find("nodes"), std::string::npos);
  const auto no_name = problem(file("\n[[nodes]]\nservices = []\n"));
  EXPECT_NE(no_name.find(":2:"), std::string::npos) << no_name;
  EXPECT_NE(no_name.find("'name'"), std::string::npos) << no_name;
  const auto bad_services = problem(file("[[nodes]]\nname = \"a\"\nservices = [1]\n"));
  EXPECT_NE(bad_services.find(":3:"), std::string::npos) << bad_services;
  const auto twice = problem(file("[[nodes]]\nname=\"a\"\nservices=[]\n[[nodes]]\nname=\"a\"\nservices=[]\n"));
  EXPECT_NE(twice.find("two nodes"), std::string::npos) << twice;
  const auto shared =
      problem(file("[[nodes]]\nname=\"a\"\nservices=[\"s\"]\n[[nodes]]\nname=\"b\"\nservices=[\"s\"]\n"));
  EXPECT_NE(shared.find("'s' runs on two nodes"), std::string::npos) << shared;
}
