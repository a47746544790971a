#include "tools/nats/intake.hpp"

#include "tools/nats/arrivals.hpp"

namespace mycelium::nats {
namespace {

constexpr std::int64_t look_again_ms = 100; // whether it is to end
constexpr int most_waiting = 65536;         // in the connection, of one type; more are discarded and counted
constexpr int most_waiting_bytes = 64 << 20;

class plain_intake final : public intake {
public:
  plain_intake(const context& shared, const chosen_type& type, server& requests, subscription_ptr from)
      : shared_(shared), type_(type), requests_(requests), from_(std::move(from)) {
    thread_.start("myc.nats.in", [this] { run(); });
  }
  ~plain_intake() override {
    thread_.stop();
    note_discarded();
  }
  void ask_to_stop() noexcept override { thread_.ask_to_stop(); }

private:
  void run();
  bool is_request(natsMsg* m) const;
  void note_discarded();

  const context& shared_;
  const chosen_type& type_;
  server& requests_;
  subscription_ptr from_;
  std::uint64_t sequence_ = 0; // of what plain clients publish
  std::int64_t discarded_ = 0;
  worker thread_;
};

void plain_intake::run() {
  arrivals batch(shared_);
  while (!thread_.stopping() && !shared_.link->is_over()) {
    auto patience = look_again_ms;
    natsMsg* raw = nullptr;
    while (!batch.is_full() && natsSubscription_NextMsg(&raw, from_.get(), patience) == NATS_OK) {
      message_ptr m(raw);
      patience = 0; // take what is there, then publish
      const sender otherwise{shared_.outside, ++sequence_, wall_clock_ns()};
      if (!is_request(m.get())) {
        batch.add(std::move(m), type_, otherwise);
        continue;
      }
      if (!batch.publish()) // it was published before
        return;
      ++shared_.counts->received;
      if (const auto what = admit(shared_, type_, m.get(), otherwise))
        requests_.serve(*what, m.get());
    }
    if (!batch.publish())
      return;
    note_discarded();
  }
}

// A publisher into a stream waits for an answer, too: the stream's.
bool plain_intake::is_request(natsMsg* m) const {
  const char* id = nullptr;
  return natsMsg_GetReply(m) != nullptr && natsMsgHeader_Get(m, header::message_id, &id) != NATS_OK;
}

void plain_intake::note_discarded() {
  std::int64_t now = 0;
  if (natsSubscription_GetDropped(from_.get(), &now) != NATS_OK || now <= discarded_)
    return;
  shared_.counts->slow += static_cast<std::uint64_t>(now - discarded_);
  discarded_ = now;
}

} // namespace

result<std::unique_ptr<intake>> take_in(const context& shared, const chosen_type& type, server& requests) {
  natsSubscription* raw = nullptr;
  auto done = natsConnection_SubscribeSync(&raw, shared.link->get(), type.subject.c_str());
  subscription_ptr from(raw);
  if (done == NATS_OK)
    done = natsSubscription_SetPendingLimits(raw, most_waiting, most_waiting_bytes);
  if (done != NATS_OK)
    return failure_of(done, type.subject);
  return std::unique_ptr<intake>(std::make_unique<plain_intake>(shared, type, requests, std::move(from)));
}

} // namespace mycelium::nats
