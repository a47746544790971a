#include "tools/nats/gateway.hpp"

#include "tools/nats/intake.hpp"
#include "tools/nats/outlet.hpp"
#include "tools/nats/stream.hpp"
#include "tools/nats/stream_outlet.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sys/random.h>

namespace mycelium::nats {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto round_time = 100ms; // between two looks at what is wanted, and at the connection
constexpr auto confirm_patience = 1000ms;
// Before a stream that has vanished is made again: who deleted it may make another, and a server (2.9.10) that is still
// removing its files breaks the new one.
constexpr auto stream_pause = 2s;

result<void> check(const settings& how) {
  const auto wrong = [](const char* text) { return failure{status::invalid_argument, text}; };
  if (how.topics.empty() && how.durable.empty())
    return wrong("choose what is carried to NATS and back: --nats-topic, or --nats-durable");
  if (!how.durable.empty() && how.mesh.empty())
    return wrong(
        "durable types need --nats-mesh: a name for this mesh that no other mesh has, and that stays the same");
  const auto is_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_'; };
  if (how.stream.empty() || !std::ranges::all_of(how.stream, is_name))
    return wrong("a stream's name is made of letters, digits, - and _");
  if (how.mesh.size() > 200 || !std::ranges::all_of(how.mesh, is_name))
    return wrong("a mesh's name is made of letters, digits, - and _");
  if (how.tls_certificate.empty() != how.tls_key.empty())
    return wrong("a certificate for NATS needs its key, and a key its certificate");
  return {};
}

std::uint64_t random_node() {
  std::uint64_t id = 0;
  while (id == 0)
    if (getrandom(&id, sizeof id, 0) != ssize_t{sizeof id})
      throw std::runtime_error("the system gives no random numbers");
  return id;
}

// FNV-1a: every bridge gives the same message of a plain client the same name.
std::uint64_t node_of_stream(const std::string& name) {
  std::uint64_t sum = 14695981039346656037u;
  for (const char c : "stream " + name)
    sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return sum != 0 ? sum : 1;
}

} // namespace

struct gateway::parts {
  settings how;
  subject_map types;
  counters counts;
  context shared;
  std::atomic<bool> stream_is_missing{false};
  std::unique_ptr<connection> link;
  std::unique_ptr<asker> requests;
  std::unique_ptr<server> answers;
  std::unique_ptr<outlet> out;
  std::unique_ptr<stream_outlet> store;
  std::map<std::uint16_t, std::unique_ptr<intake>> in; // of the keeper's thread
  mutable std::mutex naming;
  std::vector<std::string> subscribed; // subjects of `in`
  bool warned = false;                 // of the stream; the keeper's, too
  worker keeper;

  explicit parts(const settings& given) : how(given) {}
  result<void> open(MyceliumRuntime* bus);
  void keep();
  bool keep_stream();
  void take_in_wanted(const std::vector<std::uint16_t>& wanted);
};

result<void> gateway::parts::open(MyceliumRuntime* bus) {
  auto chosen = subject_map::choose(how.types, how.topics, how.durable, how.prefix);
  if (!chosen)
    return chosen.error();
  types = std::move(*chosen);
  if (const auto done = mycelium_bridge_open_gateway(bus, &shared.gateway); done < 0)
    return failure{static_cast<status>(done), std::string("no gateway: ") + mycelium_last_error()};
  auto connected = connection::open(how, counts);
  if (!connected)
    return connected.error();
  link = std::move(*connected);
  shared.bus = bus;
  shared.outside = random_node();
  shared.stream_node = node_of_stream(how.stream);
  shared.how = &how;
  shared.types = &types;
  shared.counts = &counts;
  shared.link = link.get();
  shared.stream_is_missing = &stream_is_missing;
  auto asks = asker::start(shared);
  if (!asks)
    return asks.error();
  requests = std::move(*asks);
  auto serves = server::start(shared);
  if (!serves)
    return serves.error();
  answers = std::move(*serves);
  auto carries = outlet::start(shared, *requests);
  if (!carries)
    return carries.error();
  out = std::move(*carries);
  auto stores = stream_outlet::start(shared);
  if (!stores)
    return stores.error();
  store = std::move(*stores);
  keeper.start("myc.nats.keep", [this] { keep(); });
  return {};
}

// Looks after the stream and after what is subscribed at NATS: what somebody in the mesh wants.
void gateway::parts::keep() {
  std::vector<std::uint16_t> wanted(65536);
  std::uint64_t version = 0;
  std::uint64_t stream_epoch = 0; // of the connection over which the stream was looked at
  clock::time_point look_at_stream;
  while (!keeper.stopping()) {
    std::size_t count = 0;
    const auto news = mycelium_bridge_wanted_types(shared.bus, &version, std::chrono::nanoseconds(round_time).count(),
                                                   wanted.data(), wanted.size(), &count);
    if (news == MYCELIUM_SUCCESS)
      take_in_wanted({wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(count)});
    else if (news != MYCELIUM_ERROR_TIMEOUT)
      break; // the bus is closed
    if (stream_is_missing.exchange(false) && stream_epoch != 0) {
      stream_epoch = 0;
      look_at_stream = clock::now() + stream_pause;
    }
    const auto epoch = link->epoch();
    if (epoch != stream_epoch && clock::now() >= look_at_stream && link->is_up() && keep_stream())
      stream_epoch = epoch;
    link->confirm(confirm_patience);
    requests->forget_old();
  }
  for (auto& [type_id, each] : in)
    each->ask_to_stop();
  in.clear();
}

bool gateway::parts::keep_stream() {
  const auto subjects = durable_subjects(types);
  if (subjects.empty())
    return true;
  const auto js = open_jetstream(*link);
  const auto done = js ? ensure_stream(js->get(), how, subjects) : result<void>(js.error());
  if (!done && !std::exchange(warned, true))
    link->log(done.error().text + "; trying again");
  warned = warned && !done;
  return bool(done);
}

void gateway::parts::take_in_wanted(const std::vector<std::uint16_t>& wanted) {
  const auto is_wanted = [&](std::uint16_t type_id) { return std::ranges::binary_search(wanted, type_id); };
  for (auto& [type_id, each] : in)
    if (!is_wanted(type_id))
      each->ask_to_stop();
  std::erase_if(in, [&](const auto& entry) { return !is_wanted(entry.first); });
  for (const auto& [type_id, type] : types.all()) {
    if (!is_wanted(type_id) || in.contains(type_id))
      continue;
    if (type.durable) {
      in[type_id] = take_in_durably(shared, type);
      continue;
    }
    if (auto taken = take_in(shared, type, *answers))
      in[type_id] = std::move(*taken);
    else
      link->log(taken.error().text);
  }
  std::lock_guard lock(naming);
  subscribed.clear();
  for (const auto& [type_id, each] : in)
    subscribed.push_back(types.find(type_id)->subject);
}

result<std::unique_ptr<gateway>> gateway::start(MyceliumRuntime* bus, const settings& how) {
  if (const auto right = check(how); !right)
    return right.error();
  std::unique_ptr<gateway> made(new gateway(std::make_unique<parts>(how)));
  if (const auto opened = made->parts_->open(bus); !opened)
    return opened.error();
  return made;
}

gateway::gateway(std::unique_ptr<parts> with) : parts_(std::move(with)) {}

gateway::~gateway() {
  finish(0ms);
  parts_->store.reset();
  parts_->out.reset();
  parts_->answers.reset();
  parts_->requests.reset();
  parts_->link.reset();
}

void gateway::finish(std::chrono::milliseconds patience) {
  if (!parts_->link || parts_->keeper.stopping())
    return;
  const auto until = clock::now() + patience;
  parts_->keeper.stop(); // nothing comes in any more
  if (parts_->out)
    parts_->out->finish(until);
  if (parts_->store)
    parts_->store->finish(until);
  parts_->link->confirm(std::max(confirm_patience, patience));
  parts_->link->interrupt();
}

bool gateway::is_over() const { return parts_->link->is_over(); }

std::string gateway::json() const {
  const auto& c = parts_->counts;
  nlohmann::ordered_json refused = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < refusal_names.size(); ++i)
    refused[refusal_names[i]] = c.refused[i].load();
  const auto mailboxes = parts_->out->dropped() + parts_->store->dropped();
  const auto subscribed = [&] {
    std::lock_guard lock(parts_->naming);
    return parts_->subscribed;
  }();
  const nlohmann::ordered_json page{{"connected", parts_->link->is_up()},
                                    {"server", parts_->link->server()},
                                    {"subscribed", subscribed},
                                    {"disconnects", c.disconnects.load()},
                                    {"forbidden", c.forbidden.load()},
                                    {"published", c.published.load()},
                                    {"confirmed", c.confirmed.load()},
                                    {"unconfirmed", c.unconfirmed.load()},
                                    {"stored", c.stored.load()},
                                    {"acknowledged", c.acknowledged.load()},
                                    {"on_their_way", parts_->store->on_their_way()},
                                    {"again", c.again.load()},
                                    {"duplicates", c.duplicates.load()},
                                    {"lost", c.lost.load()},
                                    {"dropped", c.dropped.load() + mailboxes},
                                    {"received", c.received.load()},
                                    {"accepted", c.accepted.load()},
                                    {"repeated", c.repeated.load()},
                                    {"echoes", c.echoes.load()},
                                    {"slow", c.slow.load()},
                                    {"asked", c.asked.load()},
                                    {"answered", c.answered.load()},
                                    {"served", c.served.load()},
                                    {"refused", std::move(refused)}};
  return page.dump();
}

std::string gateway::summary() const {
  const auto page = nlohmann::ordered_json::parse(json());
  std::string text;
  for (const auto& [name, value] : page.items())
    if (value.is_number() && value != 0)
      text += (text.empty() ? "" : ", ") + value.dump() + ' ' + name;
  for (const auto& [name, value] : page["refused"].items())
    if (value != 0)
      text += (text.empty() ? "" : ", ") + value.dump() + " refused for their " + name;
  return text.empty() ? "nothing was carried" : text;
}

} // namespace mycelium::nats
