// A runtime of a topology file: what is wrong with the file is said with its place.
#include "subscriber.hpp"

#include <filesystem>
#include <fstream>

namespace mycelium::laws {
namespace {

// A topology file for the time of a test.
class topology {
public:
  explicit topology(std::string_view text)
      : path_(std::filesystem::temp_directory_path() /
              ("mycelium-topology-" + std::to_string(getpid()) + "-" + std::to_string(count_++) + ".toml")) {
    std::ofstream{path_} << text;
  }
  ~topology() { std::filesystem::remove(path_); }
  topology(const topology&) = delete;
  topology& operator=(const topology&) = delete;

  MyceliumRuntime* create(const char* service) const {
    return mycelium_runtime_create_from_topology(path_.c_str(), service);
  }

private:
  static inline int count_ = 0;
  std::filesystem::path path_;
};

constexpr std::string_view one_node = R"([[nodes]]
name = "alpha"
services = ["ingest", "index"]
host = "127.0.0.1"
port = 7000
endpoint = { kind = "tcp", addr = "127.0.0.1:7000" }
)";

TEST(topology_laws, a_service_of_the_file_gets_a_runtime_that_works) {
  const topology file{one_node};
  for (const char* service : {"ingest", "index"}) {
    auto* rt = file.create(service);
    ASSERT_NE(rt, nullptr) << mycelium_last_error();
    {
      subscriber sub{rt, apples};
      EXPECT_TRUE(ok(publish(rt, apples, "x")));
      EXPECT_TRUE(sub.got().wait_for(1));
    }
    mycelium_runtime_destroy(rt);
  }
}

TEST(topology_laws, a_service_that_the_file_does_not_name_is_not_found) {
  const topology file{one_node};
  EXPECT_EQ(file.create("archive"), nullptr);
  EXPECT_EQ(mycelium_last_status(), MYCELIUM_ERROR_SERVICE_NOT_FOUND);
  EXPECT_NE(std::string{mycelium_last_error()}.find("archive"), std::string::npos) << mycelium_last_error();
}

TEST(topology_laws, a_missing_file_is_named) {
  EXPECT_EQ(mycelium_runtime_create_from_topology("/nowhere/topology.toml", "ingest"), nullptr);
  EXPECT_EQ(mycelium_last_status(), MYCELIUM_ERROR_TOPOLOGY);
  EXPECT_NE(std::string{mycelium_last_error()}.find("/nowhere/topology.toml"), std::string::npos)
      << mycelium_last_error();
}

TEST(topology_laws, a_malformed_file_is_an_error_with_the_line) {
  const topology broken{"[[nodes]]\nname = \"alpha\nservices = [\"ingest\"]\n"};
  EXPECT_EQ(broken.create("ingest"), nullptr);
  EXPECT_EQ(mycelium_last_status(), MYCELIUM_ERROR_TOPOLOGY);
  EXPECT_NE(std::string{mycelium_last_error()}.find(".toml:2:"), std::string::npos) << mycelium_last_error();
}

TEST(topology_laws, a_wrong_value_is_an_error_with_its_key) {
  const topology wrong{"[[nodes]]\nname = \"alpha\"\nservices = \"ingest\"\n"};
  EXPECT_EQ(wrong.create("ingest"), nullptr);
  EXPECT_EQ(mycelium_last_status(), MYCELIUM_ERROR_TOPOLOGY);
  const std::string text = mycelium_last_error();
  EXPECT_NE(text.find("services"), std::string::npos) << text;
  EXPECT_NE(text.find(".toml:3:"), std::string::npos) << text;
}

TEST(topology_laws, an_empty_file_names_no_service) {
  const topology empty{""};
  EXPECT_EQ(empty.create("ingest"), nullptr);
  EXPECT_TRUE(mycelium_last_status() == MYCELIUM_ERROR_TOPOLOGY ||
              mycelium_last_status() == MYCELIUM_ERROR_SERVICE_NOT_FOUND);
}

} // namespace
} // namespace mycelium::laws
