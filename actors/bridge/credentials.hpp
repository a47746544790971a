// What a bridge knows and believes: the token, the certificates, who may do what. Read from files, which may be read
// again while it runs; each reading is immutable, and links keep the one that they began with.
#pragma once

#include "actors/bridge/credential_sources.hpp"
#include "actors/bridge/permissions.hpp"
#include "actors/bridge/tls.hpp"
#include "schema/status.hpp"

#include <memory>
#include <optional>
#include <string>

namespace mycelium::bridge {

struct credentials {
  std::string token;                      // both sides of a link prove that they know it; "" asks for no proof
  std::shared_ptr<const tls_context> tls; // of all TCP; none: TCP is plain
  std::optional<permissions> allowed;     // none: whoever proves what is asked for

  // invalid_argument: a file is missing or wrong; the text names it.
  static result<std::shared_ptr<const credentials>> read(const credential_sources& from);
};
using credentials_ptr = std::shared_ptr<const credentials>;

} // namespace mycelium::bridge
