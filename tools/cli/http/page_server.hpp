// A page that shows a bus: `/`, `/api/state.json` and `/metrics`, over HTTP on this machine. Nothing of a request is
// ever part of an answer, nothing is changed by one, and a page of elsewhere cannot read it by a name of its own for
// this address (DNS rebinding): the Host of a request has to be an address or a name that was given.
#pragma once

#include "schema/status.hpp"
#include "tools/cli/mesh.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace httplib {
class Server;
}

namespace mycelium::cli {

class page_server {
public:
  // place: "HOST:PORT", "PORT" or "": 127.0.0.1 and port 0, which is one that is free. invalid_argument for a place
  // beyond this machine unless `anywhere`; runtime if nobody can listen there.
  static result<std::unique_ptr<page_server>> start(const std::string& place, bool anywhere);
  ~page_server();

  const std::string& where() const noexcept { return where_; } // HOST:PORT
  // What is shown from now on. From any thread.
  void set(mesh_view view);

private:
  page_server();
  void route();
  std::shared_ptr<const mesh_view> view() const;

  std::unique_ptr<httplib::Server> server_;
  std::string host_, where_, page_, policy_;
  mutable std::mutex mutex_;
  std::shared_ptr<const mesh_view> view_;
  std::thread thread_;
};

// Whether a request with this Host header may be answered by who listens at `host`.
bool is_own_name(const std::string& header, const std::string& host);

} // namespace mycelium::cli
