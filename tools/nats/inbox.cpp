#include "tools/nats/inbox.hpp"

#include <charconv>

namespace mycelium::nats {

// The connection's thread may still be in the callback while the inbox ends.
struct inbox::state {
  std::mutex running;
  handler on_answer; // empty once the inbox has ended
  std::size_t prefix = 0;
};

result<std::unique_ptr<inbox>> inbox::open(connection& link, handler on_answer) {
  natsInbox* name = nullptr;
  if (const auto done = natsInbox_Create(&name); done != NATS_OK)
    return failure_of(done, "no inbox");
  std::unique_ptr<inbox> made(new inbox);
  made->prefix_ = std::string(name) + '.';
  natsInbox_Destroy(name);
  made->state_ = std::make_shared<state>();
  made->state_->on_answer = std::move(on_answer);
  made->state_->prefix = made->prefix_.size();
  auto held = std::make_unique<std::shared_ptr<state>>(made->state_); // by the subscription, until it is complete
  natsSubscription* raw = nullptr;
  auto done = natsConnection_Subscribe(&raw, link.get(), (made->prefix_ + '*').c_str(), on_message, held.get());
  if (done == NATS_OK)
    done = natsSubscription_SetOnCompleteCB(raw, on_complete, held.get());
  made->subscription_.reset(raw);
  if (done != NATS_OK)
    return failure_of(done, "no inbox");
  static_cast<void>(held.release());
  return made;
}

inbox::~inbox() {
  if (subscription_)
    static_cast<void>(natsSubscription_Unsubscribe(subscription_.get()));
  if (state_) {
    std::lock_guard lock(state_->running);
    state_->on_answer = nullptr;
  }
}

void inbox::on_message(natsConnection*, natsSubscription*, natsMsg* m, void* closure) {
  const message_ptr owned(m);
  auto& our = **static_cast<std::shared_ptr<state>*>(closure);
  const std::string_view subject = natsMsg_GetSubject(m);
  const auto tail = subject.substr(std::min(our.prefix, subject.size()));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), number);
  if (error != std::errc{} || end != tail.data() + tail.size())
    return;
  std::lock_guard lock(our.running);
  if (our.on_answer)
    our.on_answer(number, m);
}

void inbox::on_complete(void* closure) { delete static_cast<std::shared_ptr<state>*>(closure); }

} // namespace mycelium::nats
