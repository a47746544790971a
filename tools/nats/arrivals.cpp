#include "tools/nats/arrivals.hpp"

#include <ctime>

namespace mycelium::nats {

std::int64_t wall_clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::optional<carried> admit(const context& shared, const chosen_type& type, natsMsg* m, const sender& otherwise) {
  const auto refuse = [&](refusal why, const std::string& text) {
    shared.refuse(why, type.subject + ": " + text);
    return std::nullopt;
  };
  message_headers headers(m);
  auto read = read_headers(headers);
  if (!read)
    return refuse(refusal::headers, read.error().text);
  auto& what = *read;
  if (what.envelope.type_id != 0 && what.envelope.type_id != type.type_id)
    return refuse(refusal::type, "a message of type " + std::to_string(what.envelope.type_id) + ", and not of type " +
                                     std::to_string(type.type_id));
  if (what.digest && type.digest && *what.digest != *type.digest)
    return refuse(refusal::schema, "it was published with another schema: " + hex(*what.digest).substr(0, 16) +
                                       " is not " + hex(*type.digest).substr(0, 16));
  if (!shared.how->mesh.empty() && what.mesh == shared.how->mesh) {
    ++shared.counts->echoes;
    return std::nullopt;
  }
  if (what.hops >= max_hops)
    return refuse(refusal::hops, "it has crossed " + std::to_string(what.hops) + " links");
  what.envelope.type_id = type.type_id;
  if (what.node == 0) {
    what.node = otherwise.node;
    what.envelope.publisher_id = type.type_id;
    what.envelope.sequence = otherwise.sequence;
    what.envelope.timestamp_ns = otherwise.timestamp_ns;
  }
  return std::move(what);
}

void arrivals::add(message_ptr m, const chosen_type& type, const sender& otherwise) {
  ++shared_.counts->received;
  if (auto what = admit(shared_, type, m.get(), otherwise))
    add(std::move(m), type, std::move(*what));
}

void arrivals::add(message_ptr m, const chosen_type& type, carried what) {
  held_.push_back({std::move(m), &type, std::move(what)});
}

bool arrivals::publish() {
  if (held_.empty())
    return true;
  std::vector<MyceliumRemoteMessage> batch;
  batch.reserve(held_.size());
  for (const auto& each : held_) {
    const auto payload = payload_of(each.content.get());
    batch.push_back({&each.what.envelope, each.what.node, payload.data(), payload.size(), each.what.hops, 0});
  }
  const auto done = mycelium_bridge_publish(shared_.bus, shared_.gateway, batch.data(), batch.size());
  bool is_closed = done < 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto outcome = batch[i].outcome;
    if (outcome == MYCELIUM_SUCCESS)
      ++shared_.counts->accepted;
    else if (outcome == MYCELIUM_DEFERRED)
      ++shared_.counts->repeated;
    else if (outcome == MYCELIUM_ERROR_CLOSED)
      is_closed = true;
    else
      shared_.refuse(outcome == MYCELIUM_ERROR_INVALID_PAYLOAD ? refusal::payload
                     : outcome == MYCELIUM_ERROR_TOO_LARGE     ? refusal::size
                                                               : refusal::bus,
                     held_[i].type->subject + ": " + mycelium_status_name(outcome));
  }
  held_.clear();
  return !is_closed;
}

} // namespace mycelium::nats
