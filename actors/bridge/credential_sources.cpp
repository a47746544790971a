#include "actors/bridge/credential_sources.hpp"

#include "actors/bridge/whole_file.hpp"

namespace mycelium::bridge {

result<std::string> read_token_file(const std::string& path) {
  auto token = read_whole_file(path);
  while (token && !token->empty() && (token->back() == '\n' || token->back() == '\r'))
    token->pop_back();
  if (!token || token->empty())
    return failure{status::invalid_argument, path + ": the token file cannot be read or is empty"};
  return token;
}

} // namespace mycelium::bridge
