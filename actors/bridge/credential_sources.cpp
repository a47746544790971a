#include "actors/bridge/credential_sources.hpp"

#include <fstream>
#include <sstream>

namespace mycelium::bridge {

result<std::string> read_token_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content; // does not throw at a folder, as reading through iterators does
  content << file.rdbuf();
  auto token = content.str();
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r'))
    token.pop_back();
  if (token.empty())
    return failure{status::invalid_argument, path + ": the token file cannot be read or is empty"};
  return token;
}

} // namespace mycelium::bridge
