#include "tools/nats/requests.hpp"

#include <array>

namespace mycelium::nats {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

std::int64_t to_ns(std::chrono::milliseconds time) { return std::chrono::nanoseconds(time).count(); }

} // namespace

// ---- the mesh asks ----

result<std::unique_ptr<asker>> asker::start(const context& shared) {
  std::unique_ptr<asker> made(new asker(shared));
  auto answers =
      inbox::open(*shared.link, [a = made.get()](std::uint64_t number, natsMsg* m) { a->answered(number, m); });
  if (!answers)
    return answers.error();
  made->answers_ = std::move(*answers);
  return made;
}

asker::~asker() { answers_.reset(); }

void asker::ask(const chosen_type& type, const carried& what, bus_message request) {
  std::uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= most)
      return shared_.refuse(refusal::request, "more than " + std::to_string(most) + " requests wait for an answer");
    number = next_++;
  }
  const auto made =
      make_message(type.subject.c_str(), answers_->subject(number).c_str(), what, payload_of(request.get()));
  {
    std::lock_guard lock(mutex_); // before an answer can come
    waiting_.try_emplace(number, waiting{std::move(request), clock::now() + shared_.how->request_timeout});
  }
  const auto sent = made ? shared_.link->send(made->get()) : NATS_NO_MEMORY;
  if (sent == NATS_OK) {
    ++shared_.counts->asked;
    return;
  }
  shared_.refuse(refusal::request,
                 type.subject + (sent == NATS_MAX_PAYLOAD ? ": a request is longer than the NATS server takes"
                                                          : ": a request found no NATS server"));
  decltype(waiting_)::node_type gone; // released without the lock
  std::lock_guard lock(mutex_);
  gone = waiting_.extract(number);
}

void asker::answered(std::uint64_t number, natsMsg* answer) {
  bus_message request;
  {
    std::lock_guard lock(mutex_);
    const auto found = waiting_.find(number);
    if (found == waiting_.end())
      return; // too late, or a second answer
    request = std::move(found->second.request);
    waiting_.erase(found);
  }
  if (natsMsg_IsNoResponders(answer))
    return;
  if (const auto passed = pass_on(request.get(), answer); passed)
    ++shared_.counts->answered;
  else
    shared_.refuse(refusal::request, "an answer: " + passed.error().text);
}

result<void> asker::pass_on(const MyceliumMessage* request, natsMsg* answer) {
  message_headers headers(answer);
  const auto what = read_headers(headers);
  if (!what)
    return what.error();
  const auto type_id = what->envelope.type_id;
  if (type_id == 0)
    return failure{status::invalid_argument, std::string("it has no header ") + header::type};
  schema::digest here{};
  const bool known = mycelium_type_digest(shared_.bus, type_id, here.data()) == MYCELIUM_SUCCESS;
  if (known && what->digest && *what->digest != here)
    return failure{status::digest, "its type " + std::to_string(type_id) + " has another schema here"};
  const auto payload = payload_of(answer);
  if (known && mycelium_verify_payload(shared_.bus, type_id, payload.data(), payload.size()) < 0)
    return failure{status::invalid_payload, mycelium_last_error()};
  const auto done = mycelium_reply(shared_.bus, request, type_id, payload.data(), payload.size());
  if (done < 0 && done != MYCELIUM_ERROR_SUBSCRIPTION) // who asked has an answer, or waits no more
    return failure{static_cast<status>(done), mycelium_last_error()};
  return {};
}

void asker::forget_old() {
  std::vector<bus_message> gone; // released without the lock
  std::lock_guard lock(mutex_);
  const auto now = clock::now();
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    if (each->second.until > now) {
      ++each;
      continue;
    }
    gone.push_back(std::move(each->second.request));
    each = waiting_.erase(each);
  }
}

// ---- NATS asks ----

result<std::unique_ptr<server>> server::start(const context& shared) {
  std::unique_ptr<server> made(new server(shared));
  if (const auto done = mycelium_queue_open(shared.bus, &made->queue_); done < 0)
    return failure{static_cast<status>(done), std::string("no queue for answers: ") + mycelium_last_error()};
  made->thread_.start("myc.nats.serve", [s = made.get()] { s->run(); });
  return made;
}

server::~server() {
  thread_.ask_to_stop();
  static_cast<void>(mycelium_queue_wake(shared_.bus, queue_));
  thread_.stop();
  static_cast<void>(mycelium_queue_close(shared_.bus, queue_));
}

void server::serve(const carried& what, natsMsg* request) {
  std::uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    if (reply_to_.size() < most) {
      number = next_++;
      reply_to_[number] = natsMsg_GetReply(request);
    }
  }
  if (number == 0)
    return shared_.refuse(refusal::request, "more than " + std::to_string(most) + " requests are being answered");
  const auto payload = payload_of(request);
  MyceliumRemoteMessage message{&what.envelope, what.node, payload.data(), payload.size(), what.hops, 0};
  MyceliumRequestOptions options{};
  options.struct_size = sizeof options;
  options.queue_id = queue_;
  options.timeout_ns = to_ns(shared_.how->request_timeout);
  options.user_data = reinterpret_cast<void*>(number);
  const auto done = mycelium_bridge_request(shared_.bus, shared_.gateway, &message, &options, nullptr);
  if (done == MYCELIUM_SUCCESS) {
    ++shared_.counts->accepted;
    return; // run() hears of it
  }
  static_cast<void>(done_with(number));
  if (done == MYCELIUM_DEFERRED)
    ++shared_.counts->repeated;
  else
    shared_.refuse(done == MYCELIUM_ERROR_INVALID_PAYLOAD ? refusal::payload : refusal::bus,
                   std::string("a request: ") + mycelium_last_error());
}

void server::run() {
  std::array<MyceliumDelivery, 64> deliveries;
  for (;;) {
    std::size_t count = 0;
    const auto timeout = thread_.stopping() ? 0 : MYCELIUM_FOREVER;
    const auto done =
        mycelium_queue_receive(shared_.bus, queue_, deliveries.data(), deliveries.size(), timeout, &count);
    for (std::size_t i = 0; i < count; ++i) {
      const bus_message reply(deliveries[i].message);
      const auto to = done_with(reinterpret_cast<std::uintptr_t>(deliveries[i].user_data));
      // Who has no answer says nothing: another bridge may have one.
      if (deliveries[i].status == MYCELIUM_SUCCESS && reply)
        send(to, reply.get());
    }
    if (done < 0 && (thread_.stopping() || done == MYCELIUM_ERROR_CLOSED))
      return;
  }
}

std::string server::done_with(std::uint64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = reply_to_.extract(number);
  return found ? found.mapped() : std::string();
}

void server::send(const std::string& to, const MyceliumMessage* reply) {
  carried what;
  what.envelope.struct_size = sizeof what.envelope;
  MyceliumOrigin origin{};
  origin.struct_size = sizeof origin;
  if (mycelium_message_envelope(reply, &what.envelope) < 0 || mycelium_bridge_origin(shared_.bus, reply, &origin) < 0)
    return;
  what.node = origin.node;
  what.hops = origin.hops;
  what.envelope.correlation_id = 0; // of this mesh's own numbers
  schema::digest digest{};
  if (mycelium_type_digest(shared_.bus, what.envelope.type_id, digest.data()) == MYCELIUM_SUCCESS)
    what.digest = digest;
  const auto made = make_message(to.c_str(), nullptr, what, payload_of(reply));
  if (made && shared_.link->send(made->get()) == NATS_OK)
    ++shared_.counts->served;
  else
    shared_.refuse(refusal::request, "an answer could not be sent: it is too long, or there is no connection");
}

} // namespace mycelium::nats
