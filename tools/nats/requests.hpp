// Requests across NATS: of the mesh to servers that NATS reaches, and of NATS's clients to servers of the mesh.
#pragma once

#include "tools/nats/inbox.hpp"
#include "tools/nats/tap.hpp"

#include <unordered_map>

namespace mycelium::nats {

// The mesh asks. Requests wait here until an answer comes, NATS says that nobody serves, or their time is over; with
// the last reference that somebody holds on a request its asker hears that there is no reply.
class asker {
public:
  static constexpr std::size_t most = 4096; // that wait
  static result<std::unique_ptr<asker>> start(const context& shared);
  ~asker();

  void ask(const chosen_type& type, const carried& what, bus_message request);
  // Lets go of those whose time is over. Now and then, from any thread.
  void forget_old();

private:
  struct waiting {
    bus_message request;
    std::chrono::steady_clock::time_point until;
  };
  explicit asker(const context& shared) : shared_(shared) {}
  void answered(std::uint64_t number, natsMsg* answer);
  result<void> pass_on(const MyceliumMessage* request, natsMsg* answer);

  const context& shared_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, waiting> waiting_;
  std::uint64_t next_ = 1;
  std::unique_ptr<inbox> answers_; // last: its end waits for answered()
};

// NATS asks.
class server {
public:
  static constexpr std::size_t most = 4096; // that are being answered
  static result<std::unique_ptr<server>> start(const context& shared);
  ~server();

  // A message with a reply subject, its envelope complete.
  void serve(const carried& what, natsMsg* request);

private:
  explicit server(const context& shared) : shared_(shared) {}
  void run();
  std::string done_with(std::uint64_t number);
  void send(const std::string& to, const MyceliumMessage* reply);

  const context& shared_;
  std::uint64_t queue_ = 0;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::string> reply_to_; // by a number that comes back with the answer
  std::uint64_t next_ = 1;
  worker thread_;
};

} // namespace mycelium::nats
