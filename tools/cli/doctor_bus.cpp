// A small bus that uses everything once. It is made as the user's would be, with the options of the environment.
#include "tools/cli/bus.hpp"
#include "tools/cli/doctor.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <poll.h>
#include <span>

namespace mycelium::cli {
namespace {

constexpr std::uint16_t text_message = 1001; // mycelium.examples.TextMessage, in the built-in schema
constexpr std::size_t burst = 1000;          // messages of each check
constexpr std::int64_t patience_ns = 2'000'000'000;

// A TextMessage without any field: its root stands at 8, its vtable (no fields) at 4. Valid, also to a strict runtime.
constexpr std::array<std::uint8_t, 12> empty_text{8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0};

const std::string report_bug = "run the tests of this build; if they pass, report it with the output of mycelium info";

finding ok(std::string subject, std::string text) { return {verdict::ok, std::move(subject), std::move(text), ""}; }
finding fail(std::string subject, std::string text, std::string advice = report_bug) {
  return {verdict::fail, std::move(subject), std::move(text), std::move(advice)};
}

// What a subscription has seen. Counts only what is right: the payload, its alignment, its place in the order.
class receipt {
public:
  void accept(const MyceliumMessage* message) {
    MyceliumEnvelope envelope{};
    envelope.struct_size = sizeof envelope;
    std::size_t size = 0;
    const std::uint8_t* payload = mycelium_message_payload(message, &size);
    const bool whole = payload != nullptr && std::ranges::equal(std::span(payload, size), empty_text);
    const bool aligned = reinterpret_cast<std::uintptr_t>(payload) % 16 == 0;
    const bool told = mycelium_message_envelope(message, &envelope) == MYCELIUM_SUCCESS;

    const std::lock_guard guard(mutex_);
    const bool in_order = last_sequence_ == 0 || envelope.sequence == last_sequence_ + 1;
    last_sequence_ = envelope.sequence;
    right_ += whole && aligned && told && in_order;
    ++seen_;
  }

  // Empty if exactly count messages came, all of them right.
  std::string complaint(std::size_t count) {
    const std::lock_guard guard(mutex_);
    if (seen_ == count && right_ == count)
      return "";
    return std::to_string(seen_) + " of " + std::to_string(count) + " messages came, " + std::to_string(right_) +
           " of them whole, aligned and in order";
  }

private:
  std::mutex mutex_;
  std::uint64_t last_sequence_ = 0;
  std::size_t seen_ = 0;
  std::size_t right_ = 0;
};

void on_payload(std::uint16_t, const std::uint8_t*, std::size_t, void* user_data) {
  static_cast<receipt*>(user_data)->accept(mycelium_message_current());
}
void on_message(const MyceliumMessage* message, void* user_data) { static_cast<receipt*>(user_data)->accept(message); }
void on_batch(const MyceliumMessage* const* messages, std::size_t count, void* user_data) {
  for (const MyceliumMessage* message : std::span(messages, count))
    static_cast<receipt*>(user_data)->accept(message);
}

struct way_to_subscribe {
  const char* name;
  void (*fill)(MyceliumSubscribeOptions& options);
};
constexpr std::array ways_to_subscribe{
    way_to_subscribe{"callback", [](MyceliumSubscribeOptions& options) { options.on_payload = on_payload; }},
    way_to_subscribe{"message callback", [](MyceliumSubscribeOptions& options) { options.on_message = on_message; }},
    way_to_subscribe{"batch callback", [](MyceliumSubscribeOptions& options) { options.on_batch = on_batch; }},
    way_to_subscribe{"dedicated thread",
                     [](MyceliumSubscribeOptions& options) {
                       options.on_message = on_message;
                       options.flags = MYCELIUM_SUBSCRIBE_DEDICATED;
                     }},
    way_to_subscribe{"inline callback",
                     [](MyceliumSubscribeOptions& options) {
                       options.on_message = on_message;
                       options.flags = MYCELIUM_SUBSCRIBE_INLINE;
                     }},
};

struct way_to_publish {
  const char* name;
  std::int32_t (*publish)(MyceliumRuntime* runtime);
};
std::int32_t publish_plain(MyceliumRuntime* runtime) {
  return mycelium_publish(runtime, text_message, empty_text.data(), empty_text.size());
}
std::int32_t publish_envelope(MyceliumRuntime* runtime) {
  MyceliumEnvelope envelope{};
  envelope.struct_size = sizeof envelope;
  envelope.type_id = text_message;
  return mycelium_publish_envelope(runtime, &envelope, empty_text.data(), empty_text.size());
}
std::int32_t publish_one_batch(MyceliumRuntime* runtime) {
  const MyceliumPayload payload{text_message, empty_text.data(), empty_text.size()};
  return mycelium_publish_batch(runtime, &payload, 1, nullptr);
}
std::int32_t publish_loan(MyceliumRuntime* runtime) {
  MyceliumLoan* loan = nullptr;
  std::uint8_t* data = nullptr;
  if (const std::int32_t lent = mycelium_loan(runtime, empty_text.size(), &loan, &data); lent < 0)
    return lent;
  std::ranges::copy(empty_text, data);
  const std::int32_t sent = mycelium_publish_loan(runtime, text_message, loan, 0, empty_text.size());
  if (sent < 0 && sent != MYCELIUM_ERROR_FULL && sent != MYCELIUM_ERROR_TIMEOUT)
    mycelium_loan_discard(loan); // nobody got it: it is still ours
  return sent;
}
constexpr std::array ways_to_publish{
    way_to_publish{"publish", publish_plain},
    way_to_publish{"publish with an envelope", publish_envelope},
    way_to_publish{"publish a batch", publish_one_batch},
    way_to_publish{"publish a loan", publish_loan},
};

// Subscribes in one way, publishes a burst in another: the complaint, or nothing.
std::string try_delivery(MyceliumRuntime* runtime, const way_to_publish& publish, const way_to_subscribe& subscribe) {
  receipt received;
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.policy = MYCELIUM_POLICY_BLOCK;
  options.user_data = &received;
  subscribe.fill(options);
  std::uint64_t id = 0;
  if (auto done = check(mycelium_subscribe_with_options(runtime, text_message, &options, &id), "subscribe"); !done)
    return done.error().text;
  std::string complaint;
  for (std::size_t i = 0; i < burst && complaint.empty(); ++i)
    if (auto sent = check(publish.publish(runtime), "publish"); !sent)
      complaint = sent.error().text;
  if (auto flushed = check(mycelium_flush(runtime, patience_ns), "flush"); !flushed && complaint.empty())
    complaint = flushed.error().text;
  if (complaint.empty())
    complaint = received.complaint(burst);
  if (auto ended = check(mycelium_unsubscribe(runtime, id), "unsubscribe"); !ended && complaint.empty())
    complaint = ended.error().text;
  return complaint;
}

void check_deliveries(MyceliumRuntime* runtime, findings& found) {
  for (const way_to_subscribe& subscribe : ways_to_subscribe) {
    const std::string complaint = try_delivery(runtime, ways_to_publish[0], subscribe);
    found.push_back(complaint.empty() ? ok(subscribe.name, "1000 messages, whole and in order")
                                      : fail(subscribe.name, complaint));
  }
  for (const way_to_publish& publish : std::span(ways_to_publish).subspan(1)) {
    const std::string complaint = try_delivery(runtime, publish, ways_to_subscribe[1]);
    found.push_back(complaint.empty() ? ok(publish.name, "1000 messages, whole and in order")
                                      : fail(publish.name, complaint));
  }
}

bool readable(int descriptor, int timeout_ms) {
  pollfd wanted{descriptor, POLLIN, 0};
  return poll(&wanted, 1, timeout_ms) == 1 && (wanted.revents & POLLIN) != 0;
}

// Publishes, polls, takes: the complaint, or nothing.
std::string try_queue(MyceliumRuntime* runtime, std::uint64_t queue) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.queue_id = queue;
  int descriptor = -1;
  if (auto done = check(mycelium_subscribe_with_options(runtime, text_message, &options, nullptr), "subscribe"); !done)
    return done.error().text;
  if (auto done = check(mycelium_queue_fd(runtime, queue, &descriptor), "queue_fd"); !done)
    return done.error().text;
  if (readable(descriptor, 0))
    return "the descriptor is readable though nothing was published";
  if (auto done = check(publish_plain(runtime), "publish"); !done)
    return done.error().text;
  if (!readable(descriptor, static_cast<int>(patience_ns / 1'000'000)))
    return "the descriptor did not become readable within 2 s of a publish";
  MyceliumDelivery delivery{};
  std::size_t count = 0;
  if (auto done = check(mycelium_queue_receive(runtime, queue, &delivery, 1, 0, &count), "receive"); !done)
    return done.error().text;
  receipt received;
  if (count == 1 && delivery.kind == MYCELIUM_DELIVERY_MESSAGE)
    received.accept(delivery.message);
  mycelium_message_release(delivery.message);
  if (mycelium_queue_receive(runtime, queue, &delivery, 1, 0, &count) != MYCELIUM_ERROR_TIMEOUT)
    return "a second receive found something though one message was published";
  if (readable(descriptor, 0))
    return "the descriptor stays readable though the queue is empty";
  return received.complaint(1);
}

finding check_queue(MyceliumRuntime* runtime) {
  std::uint64_t queue = 0;
  std::string complaint;
  if (auto opened = check(mycelium_queue_open(runtime, &queue), "queue_open"); !opened)
    return fail("queue, eventfd", opened.error().text);
  complaint = try_queue(runtime, queue);
  if (auto closed = check(mycelium_queue_close(runtime, queue), "queue_close"); !closed && complaint.empty())
    complaint = closed.error().text;
  return complaint.empty() ? ok("queue, eventfd", "a publish wakes a poll; the message is taken; the poll sleeps again")
                           : fail("queue, eventfd", complaint);
}

void answer(const MyceliumMessage* request, void* user_data) {
  std::size_t size = 0;
  const std::uint8_t* payload = mycelium_message_payload(request, &size);
  mycelium_reply(static_cast<MyceliumRuntime*>(user_data), request, text_message, payload, size);
}

finding check_request(MyceliumRuntime* runtime) {
  const char* subject = "request and reply";
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.on_message = answer;
  options.user_data = runtime;
  std::uint64_t id = 0;
  if (auto done = check(mycelium_subscribe_with_options(runtime, text_message, &options, &id), "subscribe"); !done)
    return fail(subject, done.error().text);
  MyceliumMessage* reply = nullptr;
  const auto asked = check(
      mycelium_request(runtime, text_message, empty_text.data(), empty_text.size(), patience_ns, &reply), "request");
  std::size_t size = 0;
  const std::uint8_t* payload = asked ? mycelium_message_payload(reply, &size) : nullptr;
  const bool right = payload != nullptr && std::ranges::equal(std::span(payload, size), empty_text);
  mycelium_message_release(reply);
  const auto ended = check(mycelium_unsubscribe(runtime, id), "unsubscribe");
  if (!asked || !ended)
    return fail(subject, !asked ? asked.error().text : ended.error().text);
  return right ? ok(subject, "answered") : fail(subject, "the reply is not what was sent");
}

finding check_verifier(MyceliumRuntime* runtime) {
  const char* subject = "hostile bytes";
  const auto good = mycelium_verify_payload(runtime, text_message, empty_text.data(), empty_text.size());
  const auto cut = mycelium_verify_payload(runtime, text_message, empty_text.data(), 8);
  if (good == MYCELIUM_SUCCESS && cut == MYCELIUM_ERROR_INVALID_PAYLOAD)
    return ok(subject, "a whole TextMessage passes, one cut short is refused");
  return fail(subject, std::string("a whole TextMessage gives ") + mycelium_status_name(good) + ", one cut short " +
                           mycelium_status_name(cut));
}

finding check_close(MyceliumRuntime* runtime) {
  const char* subject = "close";
  MyceliumRuntimeStats stats{};
  stats.struct_size = sizeof stats;
  if (auto closed = check(mycelium_runtime_close(runtime, patience_ns), "close"); !closed)
    return fail(subject, closed.error().text);
  if (auto asked = check(mycelium_runtime_stats(runtime, &stats), "statistics"); !asked)
    return fail(subject, asked.error().text);
  const std::string text = std::to_string(stats.published) + " published, " + std::to_string(stats.offered) +
                           " offered, " + std::to_string(stats.delivered) + " delivered";
  if (stats.delivered == stats.offered && stats.waiting == 0 && stats.callback_errors == 0)
    return ok(subject, text + ", nothing lost");
  return fail(subject, text + ", " + std::to_string(stats.waiting) + " waiting after close");
}

} // namespace

findings check_bus() {
  auto runtime = open_runtime("mycelium-doctor");
  if (!runtime)
    return {
        fail("runtime", runtime.error().text, "look at the options below; limits on threads or memory may be too low")};
  findings found{ok("runtime", "starts")};
  check_deliveries(runtime->get(), found);
  found.push_back(check_queue(runtime->get()));
  found.push_back(check_request(runtime->get()));
  found.push_back(check_verifier(runtime->get()));
  found.push_back(check_close(runtime->get()));
  return found;
}

} // namespace mycelium::cli
