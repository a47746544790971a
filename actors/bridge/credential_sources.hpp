// Where a bridge reads what it knows and believes: names of files, nothing else.
#pragma once

#include "schema/status.hpp"

#include <string>

namespace mycelium::bridge {

// PEM files. Without authorities who dials asks the system's, and who listens asks for no certificate.
struct tls_files {
  std::string certificate{}; // ours, and those between it and the authority's; needed to listen
  std::string key{};         // of it
  std::string authorities{}; // whose certificates are accepted
  bool system = false;       // TLS without any file: dialing with the system's authorities

  bool any() const noexcept { return system || !certificate.empty() || !key.empty() || !authorities.empty(); }
};

struct credential_sources {
  std::string token{};      // itself
  std::string token_file{}; // in place of it
  tls_files tls{};
  std::string permissions_file{};
};

// The file's text without the end of its last line. invalid_argument: it cannot be read, or is empty.
result<std::string> read_token_file(const std::string& path);

} // namespace mycelium::bridge
