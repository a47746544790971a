#include "tools/oversight/token_source.hpp"

namespace mycelium::tools {
namespace {

bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

} // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    auto end = begin;
    while (end < text.size() && is_space(text[end]))
      ++end;
    while (end < text.size() && !is_space(text[end]))
      ++end;
    words.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

token_source::token_source(MyceliumRuntime* rt, const std::vector<std::string>& words) : rt_(rt), words_(words) {
  MyceliumSubscribeOptions options;
  mycelium_subscribe_options_init(&options);
  options.name = "token source";
  options.on_message = on_cancel;
  options.user_data = this;
  options.flags = MYCELIUM_SUBSCRIBE_INLINE; // heard before the publish of the cancel returns
  (void)mycelium_subscribe_with_options(rt, schema::inference_cancel::type_id, &options, &subscription_);
}

token_source::~token_source() { (void)mycelium_unsubscribe(rt_, subscription_); }

void token_source::on_cancel(const MyceliumMessage* message, void* self) {
  auto& me = *static_cast<token_source*>(self);
  std::size_t size = 0;
  const auto* data = mycelium_message_payload(message, &size);
  schema::inference_cancel cancel;
  if (!schema::read({data, size}, cancel))
    return;
  std::lock_guard lock(me.mutex_);
  const auto found = me.sessions_.find(cancel.session_id);
  if (found == me.sessions_.end() || found->second.cancelled || found->second.ended)
    return;
  found->second.cancelled = true;
  found->second.reason = cancel.reason;
  found->second.detail = cancel.detail;
}

void token_source::begin(std::uint64_t session_id, std::uint64_t to) {
  std::lock_guard lock(mutex_);
  sessions_[session_id] = {};
  sessions_[session_id].to = to;
}

token_source::session token_source::state(std::uint64_t session_id) const {
  std::lock_guard lock(mutex_);
  return sessions_.at(session_id);
}

token_source::step token_source::publish(std::uint16_t type_id, std::uint64_t to, schema::bytes payload) {
  MyceliumEnvelope envelope{};
  envelope.struct_size = sizeof envelope;
  envelope.type_id = type_id;
  envelope.destination = to != 0 ? MYCELIUM_TO_SUBSCRIPTION : MYCELIUM_TO_ALL;
  envelope.destination_key = to;
  const auto published = mycelium_publish_envelope(rt_, &envelope, payload.data(), payload.size());
  return published == MYCELIUM_SUCCESS ? step::published : step::failed;
}

token_source::step token_source::say_next(std::uint64_t session_id) {
  static thread_local schema::message_writer writer;
  std::unique_lock lock(mutex_);
  auto& now = sessions_.at(session_id); // stays where it is while others come
  if (now.ended)
    return step::ended;
  if (now.cancelled || now.said == words_.size()) {
    const auto end = now;
    lock.unlock();
    const auto done =
        publish(schema::inference_done::type_id, end.to,
                writer.write(schema::inference_done{
                    .session_id = session_id, .reason = end.reason, .tokens = end.said, .detail = end.detail}));
    lock.lock();
    now.ended = true;
    return done == step::failed ? done : step::ended;
  }
  schema::inference_token token{.session_id = session_id, .index = now.said, .token_id = std::int32_t(now.said)};
  const auto to = now.to;
  lock.unlock();
  token.text = words_[token.index];
  if (token.index < entropies_.size())
    token.entropy = entropies_[token.index];
  const auto said = publish(schema::inference_token::type_id, to, writer.write(token));
  lock.lock();
  if (said == step::published)
    ++now.said;
  return said;
}

token_source::step token_source::say_all(std::uint64_t session_id) {
  auto last = step::published;
  while (last == step::published)
    last = say_next(session_id);
  return last;
}

} // namespace mycelium::tools
