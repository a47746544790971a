// Counters, as numbers and as OpenMetrics text.
#include "actors/runtime/bus.hpp"
#include "actors/runtime/engine.hpp"
#include "actors/runtime/subscription.hpp"

#include <algorithm>

namespace mycelium::runtime {
namespace {

constexpr const char* reason_labels[drop_reasons] = {"oldest", "newest", "timeout", "full", "unsubscribed", "closed"};

// Writes families in the order of the OpenMetrics text format 1.0.
class metrics_writer {
public:
  explicit metrics_writer(const std::string& runtime) : runtime_("runtime=\"" + escaped_label(runtime) + "\"") {}

  void family(const char* name, const char* type, const char* help) {
    name_ = name;
    suffix_ = std::string_view(type) == "counter" ? "_total" : "";
    text_ += std::string("# TYPE ") + name + " " + type + "\n# HELP " + name + " " + help + "\n";
  }
  void sample(std::uint64_t value, const std::string& labels = {}) {
    text_ +=
        name_ + suffix_ + "{" + runtime_ + (labels.empty() ? "" : ",") + labels + "} " + std::to_string(value) + "\n";
  }
  void single(const char* name, const char* type, const char* help, std::uint64_t value) {
    family(name, type, help);
    sample(value);
  }
  std::string finish() { return std::move(text_) + "# EOF\n"; }

private:
  std::string runtime_, name_, suffix_, text_;
};

// A family's samples have to stand together.
void write_grouped(metrics_writer& out, std::vector<metric> all) {
  while (!all.empty()) {
    const std::string name = all.front().name;
    out.family(all.front().name, all.front().type, all.front().help);
    std::erase_if(all, [&](const metric& each) {
      if (each.name != name)
        return false;
      out.sample(each.value, each.labels);
      return true;
    });
  }
}

} // namespace

std::string escaped_label(const std::string& label) {
  std::string text;
  for (const char c : label) {
    if (c == '\\' || c == '"')
      text += '\\';
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

void add_to(lane_stats& sum, const lane_stats& more) noexcept {
  sum.offered += more.offered;
  sum.delivered += more.delivered;
  sum.waiting += more.waiting;
  sum.high_water = std::max(sum.high_water, more.high_water);
  sum.callback_errors += more.callback_errors;
  for (std::size_t i = 0; i < drop_reasons; ++i)
    sum.dropped[i] += more.dropped[i];
}

bus_stats bus::stats() const {
  bus_stats s;
  s.published = publishers_.sum();
  s.restarts = restarts_.load(std::memory_order_relaxed);
  s.requests_pending = requests_->size();
  s.threads = options_.threads;
  std::lock_guard lock(control_);
  s.lanes = ended_;
  for (const auto& l : ending_)
    add_to(s.lanes, l->stats());
  for (const auto& [id, entry] : subscriptions_)
    add_to(s.lanes, entry->data->stats());
  s.lanes.callback_errors += handler_errors_.load(std::memory_order_relaxed);
  s.subscriptions = subscriptions_.size();
  s.queues = queues_.size();
  return s;
}

std::optional<lane_stats> bus::subscription_stats(std::uint64_t subscription_id, std::uint64_t& capacity) const {
  std::lock_guard lock(control_);
  const auto found = subscriptions_.find(subscription_id);
  if (found == subscriptions_.end())
    return std::nullopt;
  capacity = found->second->data->options().capacity;
  return found->second->data->stats();
}

std::vector<subscription_row> bus::subscription_rows(std::size_t most) const {
  std::vector<subscription_row> rows;
  for (const auto& l : living_lanes()) {
    const auto& options = l->options();
    if (!options.unlisted && rows.size() < most)
      rows.push_back({.id = l->id(),
                      .name = options.name,
                      .type_id = options.type_id,
                      .leads_away = options.leads_away,
                      .capacity = options.capacity,
                      .stats = l->stats()});
  }
  return rows;
}

std::string bus::metrics_text() const {
  constexpr std::size_t most_subscriptions = 1000; // more would make a scrape a burden; the totals hold all
  const auto s = stats();
  metrics_writer out(options_.name);
  out.single("mycelium_published", "counter", "Messages accepted from publishers.", s.published.published);
  out.single("mycelium_published_bytes", "counter", "Payload bytes accepted from publishers.",
             s.published.published_bytes);
  out.single("mycelium_refused", "counter", "Publish calls that returned an error before anybody got the message.",
             s.published.refused);
  out.single("mycelium_delivered", "counter", "Messages delivered to subscriptions.", s.lanes.delivered);
  out.family("mycelium_dropped", "counter", "Messages dropped, by reason.");
  for (std::size_t i = 0; i < drop_reasons; ++i)
    out.sample(s.lanes.dropped[i], std::string("reason=\"") + reason_labels[i] + "\"");
  out.single("mycelium_callback_errors", "counter", "Exceptions that left a callback.", s.lanes.callback_errors);
  out.single("mycelium_restarts", "counter", "Actors restarted by supervision.", s.restarts);
  out.single("mycelium_waiting", "gauge", "Messages in mailboxes.", s.lanes.waiting);
  out.single("mycelium_subscriptions", "gauge", "Living subscriptions.", s.subscriptions);
  out.single("mycelium_queues", "gauge", "Open queues.", s.queues);
  out.single("mycelium_requests_pending", "gauge", "Requests that wait for a reply.", s.requests_pending);
  out.single("mycelium_threads", "gauge", "Worker threads.", s.threads);

  std::vector<metric> more;
  if (const auto bridge = attached())
    bridge->add_metrics(more);
  {
    std::lock_guard lock(control_);
    for (const auto& [id, each] : extensions_)
      each->add_metrics(more);
  }
  write_grouped(out, more);

  const auto rows = subscription_rows(most_subscriptions);
  const auto each = [&](const char* name, const char* type, const char* help, auto value) {
    out.family(name, type, help);
    for (const auto& row : rows)
      out.sample(value(row.stats), "subscription=\"" + escaped_label(row.name) + "\",id=\"" + std::to_string(row.id) +
                                       "\",type_id=\"" + std::to_string(row.type_id) + "\"");
  };
  each("mycelium_subscription_delivered", "counter", "Messages delivered to one subscription.",
       [](const lane_stats& l) { return l.delivered; });
  each("mycelium_subscription_dropped", "counter", "Messages dropped by one subscription.",
       [](const lane_stats& l) { return l.all_dropped(); });
  each("mycelium_subscription_waiting", "gauge", "Messages in the mailbox of one subscription.",
       [](const lane_stats& l) { return l.waiting; });
  return out.finish();
}

} // namespace mycelium::runtime
