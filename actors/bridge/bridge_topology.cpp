// A bridge's part in a topology.
#include "actors/bridge/bridge.hpp"
#include "actors/bridge/dialer.hpp"
#include "actors/bridge/listener.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace mycelium::bridge {

// By a directory that nobody else can write to, the nodes' sockets are out of strangers' reach.
result<void> make_private(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0)
    return {};
  struct stat is {};
  if (::lstat(directory.c_str(), &is) == 0 && S_ISDIR(is.st_mode) && is.st_uid == ::geteuid() &&
      (is.st_mode & (S_IWGRP | S_IWOTH)) == 0)
    return {};
  return failure{status::runtime, directory + ": socket_dir has to be a directory of this user that nobody else can "
                                              "write to, or a name in one that exists"};
}

result<void> bridge::join(const topology& all, const topology_node& as) {
  if (!as.endpoint || as.endpoint->how != address::kind::local)
    if (auto ready = make_private(all.socket_dir); !ready)
      return ready;
  const auto self = *all.find(as.name);
  return on_its_thread(
      [&]() -> result<void> {
        if (auto leads = lead(all, self))
          return {};
        const auto place = all.meeting_place(self);
        add_dialer(place, [this, all, self] { return bool(lead(all, self)); });
        return {};
      },
      closed);
}

// On its thread.
result<void> bridge::lead(const topology& all, const topology_node& as) {
  auto place = listener::open(*this, all.meeting_place(as));
  if (!place)
    return place.error();
  listeners_.push_back(std::move(*place));
  if (const auto open_to_all = all.public_place(as)) {
    if (auto also = listener::open(*this, *open_to_all))
      listeners_.push_back(std::move(*also));
    else
      log(runtime::log_level::error, also.error().text);
  }
  for (const auto& other : all.nodes) {
    if (other.name == as.name)
      break; // each pair once: the later in the file dials
    auto to = transport_between(all, as, other);
    if (!to)
      continue;
    if (const auto ready = prepare_to_dial(*to); !ready) {
      log(runtime::log_level::error, ready.error().text);
      continue;
    }
    add_dialer(*to);
  }
  return {};
}

} // namespace mycelium::bridge
