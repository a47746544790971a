// The stream that keeps durable types, and the consumers by which a bridge reads it.
#pragma once

#include "tools/nats/context.hpp"

namespace mycelium::nats {

struct jetstream_deleter {
  void operator()(jsCtx* js) const noexcept { jsCtx_Destroy(js); }
};
using jetstream = std::unique_ptr<jsCtx, jetstream_deleter>;

result<jetstream> open_jetstream(const connection& link);

// The subjects of the durable types.
std::vector<std::string> durable_subjects(const subject_map& types);

// Makes the stream if there is none, and adds subjects that it lacks; its limits are then as they are. May be called
// again and by several bridges at once.
result<void> ensure_stream(jsCtx* js, const settings& how, const std::vector<std::string>& subjects);

// Where a message that a consumer handed out stands in its stream.
struct place {
  std::uint64_t sequence = 0;
  std::int64_t stored_ns = 0;
};
place place_of(natsMsg* m); // all 0 if a consumer did not

// "MESH_NAME_TYPE", with _ for what NATS does not allow in names.
std::string consumer_name(const settings& how, std::uint16_t type_id);

// The durable consumer of one type: made if there is none, to begin with the oldest message that the stream has. If it
// has handed out what was never acknowledged, or has lost its place, it is made anew behind the last acknowledged one,
// so that everything comes again, at once and in order; if the type has another subject than it had, from the oldest
// message on.
result<void> ensure_consumer(jsCtx* js, const settings& how, const chosen_type& type);
// An error if it is surely gone, or has lost its place: who reads from it is told of nothing, as if nothing came.
result<void> find_consumer(jsCtx* js, const settings& how, const chosen_type& type);

} // namespace mycelium::nats
