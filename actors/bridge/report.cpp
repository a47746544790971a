#include "actors/bridge/report.hpp"

#include "actors/bridge/bridge.hpp"
#include "report_generated.h"
#include "schema/report_type.hpp"

#include <array>
#include <unistd.h>

namespace mycelium::bridge {
namespace {

using namespace std::chrono_literals;

constexpr auto interval = 1s;
constexpr std::size_t most_subscriptions = 1000;
constexpr std::size_t most_types = 1000;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

using traffic = std::map<std::uint16_t, runtime::type_traffic>;

runtime::type_traffic sum_of(const traffic& types) {
  runtime::type_traffic sum;
  for (const auto& [type_id, each] : types) {
    sum.published += each.published;
    sum.published_bytes += each.published_bytes;
    sum.arrived += each.arrived;
    sum.arrived_bytes += each.arrived_bytes;
  }
  return sum;
}

auto write_types(flatbuffers::FlatBufferBuilder& out, const traffic& types) {
  std::vector<flatbuffers::Offset<report::NodeTraffic>> all;
  for (const auto& [type_id, each] : types)
    if (all.size() < most_types)
      all.push_back(report::CreateNodeTraffic(out, type_id, each.published, each.published_bytes, each.arrived,
                                              each.arrived_bytes));
  return out.CreateVector(all);
}

auto write_subscriptions(flatbuffers::FlatBufferBuilder& out, const std::vector<runtime::subscription_row>& rows) {
  std::vector<flatbuffers::Offset<report::NodeSubscription>> all;
  for (const auto& each : rows)
    all.push_back(report::CreateNodeSubscription(
        out, each.id, out.CreateString(each.name), each.type_id, each.leads_away, each.stats.waiting, each.capacity,
        each.stats.delivered, each.stats.all_dropped(), each.stats.callback_errors));
  return out.CreateVector(all);
}

auto write_links(flatbuffers::FlatBufferBuilder& out, const std::vector<neighbour_stats>& neighbours) {
  std::vector<flatbuffers::Offset<report::NodeLink>> all;
  for (const auto& each : neighbours) {
    const auto name = out.CreateString(each.name);
    const auto where = out.CreateString(each.where);
    report::NodeLinkBuilder link(out);
    link.add_node(each.node);
    link.add_name(name);
    link.add_address(where);
    link.add_received(each.in.messages_in);
    link.add_received_bytes(each.in.bytes_in);
    link.add_sent(each.out.sent);
    link.add_sent_bytes(each.in.bytes_out);
    link.add_sent_again(each.out.sent_again);
    link.add_acknowledged(each.out.acknowledged);
    link.add_waiting(each.out.waiting);
    link.add_unacknowledged_bytes(each.out.bytes_on_their_way);
    link.add_credit(each.credit);
    link.add_dropped(each.out.dropped);
    link.add_lost(each.out.lost);
    all.push_back(link.Finish());
  }
  return out.CreateVector(all);
}

} // namespace

std::vector<std::uint8_t> write_report(const runtime::bus& bus, const bridge_stats& links, const std::string& name,
                                       std::chrono::nanoseconds uptime) {
  const auto counts = bus.stats();
  auto traffic_of_types = bus.traffic();
  traffic_of_types.erase(schema::report_type_id); // who looks on is not looked at
  const auto sum = sum_of(traffic_of_types);
  const auto rows = bus.subscription_rows(most_subscriptions);
  flatbuffers::FlatBufferBuilder out;
  const auto written_name = out.CreateString(name);
  const auto host = out.CreateString(host_name());
  const auto version = out.CreateString(MYCELIUM_VERSION);
  const auto types = write_types(out, traffic_of_types);
  const auto subscriptions = write_subscriptions(out, rows);
  const auto neighbours = write_links(out, links.neighbours);
  report::NodeReportBuilder node(out);
  node.add_node(links.node);
  node.add_name(written_name);
  node.add_host(host);
  node.add_process(static_cast<std::uint32_t>(::getpid()));
  node.add_version(version);
  node.add_uptime_ns(static_cast<std::uint64_t>(uptime.count()));
  node.add_published(sum.published);
  node.add_published_bytes(sum.published_bytes);
  node.add_arrived(sum.arrived);
  node.add_arrived_bytes(sum.arrived_bytes);
  node.add_refused(counts.published.refused);
  node.add_delivered(counts.lanes.delivered);
  node.add_dropped(counts.lanes.all_dropped());
  node.add_handler_errors(counts.lanes.callback_errors);
  node.add_restarts(counts.restarts);
  node.add_threads(static_cast<std::uint32_t>(counts.threads));
  node.add_links_made(links.links_made);
  node.add_links_cut(links.links_cut);
  node.add_links_refused(links.refused);
  node.add_repeated(links.repeated);
  node.add_invalid(links.invalid);
  node.add_missing(links.missing);
  node.add_lost(links.gone.lost);
  node.add_types(types);
  node.add_subscriptions(subscriptions);
  node.add_more_subscriptions(counts.subscriptions - std::min<std::uint64_t>(counts.subscriptions, rows.size()));
  node.add_links(neighbours);
  out.Finish(node.Finish());
  return {out.GetBufferPointer(), out.GetBufferPointer() + out.GetSize()};
}

reporter::reporter(runtime::bus& bus, asio::io_context& io, std::string name, std::function<bridge_stats()> links)
    : bus_(bus), timer_(io), name_(std::move(name)), links_(std::move(links)) {}

void reporter::look() {
  if (!reports_ && !stopped_ && bus_.is_wanted(schema::report_type_id))
    report();
}

void reporter::stop() {
  stopped_ = true;
  timer_.cancel();
}

// A subscriber here that takes no report in time gets the next one later, as with any publisher that must not wait.
void reporter::report() {
  reports_ = !stopped_ && bus_.is_wanted(schema::report_type_id);
  if (!reports_)
    return;
  if (rest_.empty() || bus_.offer_again(rest_)) {
    const auto payload = write_report(bus_, links_(), name_, std::chrono::steady_clock::now() - begun_);
    if (bus_.publish_at_once({.type_id = schema::report_type_id}, payload, rest_) == status::closed)
      return stop();
  }
  timer_.expires_after(interval);
  timer_.async_wait([this](const std::error_code& error) {
    if (!error)
      report();
  });
}

} // namespace mycelium::bridge
