#include "actors/bridge/credential_sources.hpp"

#include <fstream>
#include <iterator>

namespace mycelium::bridge {

result<std::string> read_token_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string token{std::istreambuf_iterator<char>(file), {}};
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r'))
    token.pop_back();
  if (token.empty())
    return failure{status::invalid_argument, path + ": the token file cannot be read or is empty"};
  return token;
}

} // namespace mycelium::bridge
