#include "actors/bridge/credentials.hpp"

namespace mycelium::bridge {

result<credentials_ptr> credentials::read(const credential_sources& from) {
  auto made = std::make_shared<credentials>();
  made->token = from.token;
  if (!from.token_file.empty()) {
    auto token = read_token_file(from.token_file);
    if (!token)
      return token.error();
    made->token = std::move(*token);
  }
  if (from.tls.any()) {
    auto tls = tls_context::load(from.tls);
    if (!tls)
      return tls.error();
    made->tls = std::move(*tls);
  }
  if (!from.permissions_file.empty()) {
    auto allowed = permissions::read(from.permissions_file);
    if (!allowed)
      return failure{status::invalid_argument, allowed.error().text};
    made->allowed = std::move(*allowed);
  }
  return credentials_ptr(std::move(made));
}

} // namespace mycelium::bridge
