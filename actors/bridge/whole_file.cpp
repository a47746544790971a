#include "actors/bridge/whole_file.hpp"

#include <fstream>
#include <sstream>

namespace mycelium::bridge {

result<std::string> read_whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content; // does not throw at a folder, as reading through iterators does
  if (file && file.peek() != std::ifstream::traits_type::eof())
    content << file.rdbuf();
  if (!file && !file.eof())
    return failure{status::topology, path + ": the file cannot be read"};
  return content.str();
}

} // namespace mycelium::bridge
