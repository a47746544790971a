#include "tools/nats/stream.hpp"

#include <algorithm>

namespace mycelium::nats {
namespace {

constexpr std::int64_t api_patience_ms = 3000;
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t duplicates_ns = 120 * second_ns; // how long a stream remembers ids
constexpr std::int64_t acknowledge_wait_ns = 30 * second_ns;
constexpr std::int64_t most_unacknowledged = 4096;

struct stream_info_deleter {
  void operator()(jsStreamInfo* info) const noexcept { jsStreamInfo_Destroy(info); }
};
struct consumer_info_deleter {
  void operator()(jsConsumerInfo* info) const noexcept { jsConsumerInfo_Destroy(info); }
};

failure stream_failure(natsStatus code, const settings& how, const char* what) {
  auto why = failure_of(code, "the stream " + how.stream + " " + what);
  if (code == NATS_NO_RESPONDERS)
    why.text += "; JetStream has to be enabled at the server (nats-server --jetstream)";
  return why;
}

result<void> add_stream(jsCtx* js, const settings& how, std::vector<const char*>& subjects) {
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = how.stream.c_str();
  config.Subjects = subjects.data();
  config.SubjectsLen = static_cast<int>(subjects.size());
  config.Storage = js_FileStorage;
  config.Replicas = how.replicas;
  config.MaxAge = std::chrono::nanoseconds(how.max_age).count();
  if (how.max_bytes > 0)
    config.MaxBytes = how.max_bytes;
  config.Duplicates = config.MaxAge > 0 ? std::min(duplicates_ns, config.MaxAge) : duplicates_ns;
  const auto done = js_AddStream(nullptr, js, &config, nullptr, nullptr);
  return done == NATS_OK ? result<void>() : stream_failure(done, how, "cannot be made");
}

// As long as nothing was acknowledged a consumer's floor is 0, wherever it begins.
std::uint64_t first_not_acknowledged(const jsConsumerInfo& of) {
  const bool begins_later = of.Config->DeliverPolicy == js_DeliverByStartSequence;
  return std::max(of.AckFloor.Stream + 1, begins_later ? of.Config->OptStartSeq : 0);
}

// Of a server that was killed, 2.9.10 reads back at times that it has handed out nothing, and that far more of it was
// acknowledged: then it hands out the same again and again, and takes no acknowledgement.
bool has_lost_its_place(const jsConsumerInfo& info) { return info.AckFloor.Stream > info.Delivered.Stream; }

} // namespace

result<jetstream> open_jetstream(const connection& link) {
  jsOptions options;
  jsOptions_Init(&options);
  options.Wait = api_patience_ms;
  jsCtx* raw = nullptr;
  const auto done = natsConnection_JetStream(&raw, link.get(), &options);
  if (done != NATS_OK)
    return failure_of(done, "no JetStream");
  return jetstream(raw);
}

std::vector<std::string> durable_subjects(const subject_map& types) {
  std::vector<std::string> subjects;
  for (const auto& [type_id, type] : types.all())
    if (type.durable)
      subjects.push_back(type.subject);
  return subjects;
}

result<void> ensure_stream(jsCtx* js, const settings& how, const std::vector<std::string>& wanted) {
  jsStreamInfo* raw = nullptr;
  jsErrCode why{};
  auto done = js_GetStreamInfo(&raw, js, how.stream.c_str(), nullptr, &why);
  const std::unique_ptr<jsStreamInfo, stream_info_deleter> info(raw);
  std::vector<const char*> subjects;
  for (const auto& each : wanted)
    subjects.push_back(each.c_str());
  if (done == NATS_NOT_FOUND || why == JSStreamNotFoundErr)
    return add_stream(js, how, subjects);
  if (done != NATS_OK)
    return stream_failure(done, how, "cannot be looked at");
  auto config = *info->Config; // its limits stay
  const std::span<const char*> has(config.Subjects, static_cast<std::size_t>(config.SubjectsLen));
  std::erase_if(subjects, [&](const char* subject) {
    return std::ranges::any_of(has, [&](const char* pattern) { return matches(pattern, subject); });
  });
  if (subjects.empty())
    return {};
  subjects.insert(subjects.begin(), has.begin(), has.end());
  config.Subjects = subjects.data();
  config.SubjectsLen = static_cast<int>(subjects.size());
  done = js_UpdateStream(nullptr, js, &config, nullptr, nullptr);
  return done == NATS_OK ? result<void>() : stream_failure(done, how, "cannot take more subjects");
}

place place_of(natsMsg* m) {
  jsMsgMetaData* about = nullptr;
  if (natsMsg_GetMetaData(&about, m) != NATS_OK)
    return {};
  const place at{about->Sequence.Stream, about->Timestamp};
  jsMsgMetaData_Destroy(about);
  return at;
}

std::string consumer_name(const settings& how, std::uint16_t type_id) {
  auto name = how.mesh + '_' + how.name + '_' + std::to_string(type_id);
  for (auto& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_')
      c = '_';
  return name;
}

result<void> ensure_consumer(jsCtx* js, const settings& how, const chosen_type& type) {
  const auto name = consumer_name(how, type.type_id);
  const auto* stream = how.stream.c_str();
  const auto fail = [&](natsStatus code) { return failure_of(code, "the consumer " + name); };
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  config.Durable = name.c_str();
  config.FilterSubject = type.subject.c_str();
  config.AckPolicy = js_AckAll;
  config.AckWait = acknowledge_wait_ns;
  config.MaxAckPending = most_unacknowledged;
  config.DeliverPolicy = js_DeliverAll;
  jsConsumerInfo* raw = nullptr;
  jsErrCode why{};
  const auto found = js_GetConsumerInfo(&raw, js, stream, name.c_str(), nullptr, &why);
  const std::unique_ptr<jsConsumerInfo, consumer_info_deleter> info(raw);
  if (found == NATS_OK) {
    const auto* subject = info->Config->FilterSubject;
    const bool is_same = subject != nullptr && type.subject == subject; // else its topic or the prefix has changed
    if (is_same && info->NumAckPending == 0 && !has_lost_its_place(*info))
      return {};
    if (is_same) {
      config.DeliverPolicy = js_DeliverByStartSequence;
      config.OptStartSeq = first_not_acknowledged(*info);
    }
    if (const auto deleted = js_DeleteConsumer(js, stream, name.c_str(), nullptr, nullptr); deleted != NATS_OK)
      return fail(deleted);
  } else if (found != NATS_NOT_FOUND && why != JSConsumerNotFoundErr) {
    return fail(found);
  }
  const auto added = js_AddConsumer(nullptr, js, stream, &config, nullptr, nullptr);
  return added == NATS_OK ? result<void>() : fail(added);
}

result<void> find_consumer(jsCtx* js, const settings& how, const chosen_type& type) {
  const auto name = consumer_name(how, type.type_id);
  jsConsumerInfo* raw = nullptr;
  jsErrCode why{};
  const auto found = js_GetConsumerInfo(&raw, js, how.stream.c_str(), name.c_str(), nullptr, &why);
  const std::unique_ptr<jsConsumerInfo, consumer_info_deleter> info(raw);
  const bool is_gone = found == NATS_NOT_FOUND || why == JSConsumerNotFoundErr || why == JSStreamNotFoundErr;
  if (is_gone)
    return failure_of(found, "the consumer " + name);
  if (info && has_lost_its_place(*info))
    return failure{status::runtime, "the consumer " + name + " has lost its place in the stream"};
  return {};
}

} // namespace mycelium::nats
