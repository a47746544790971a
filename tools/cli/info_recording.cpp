#include "tools/cli/info_recording.hpp"

#include "tools/cli/verb.hpp"
#include "tools/recording/description.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>

namespace mycelium::cli {
namespace {

using recording::description;
using recording::recording_reader;
using ull = unsigned long long;

double seconds(std::uint64_t from, std::uint64_t to) { return static_cast<double>(to - from) / 1e9; }

// From the first message to the last one.
double rate(std::uint64_t messages, double duration) {
  return messages > 1 && duration > 0 ? static_cast<double>(messages - 1) / duration : 0;
}

std::string utc(std::uint64_t time_ns) {
  const auto whole = static_cast<time_t>(time_ns / 1'000'000'000);
  tm parts{};
  gmtime_r(&whole, &parts);
  char text[40];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03u UTC", static_cast<unsigned>(time_ns / 1'000'000 % 1000));
  return text;
}

// What the recorder said at the end: "reason" and "dropped".
mcap::text_map end_note(const recording_reader& file) {
  for (const auto& note : file.contents().notes)
    if (note.name == "mycelium.end")
      return note.values;
  return {};
}

void print_json(const recording_reader& file, const description& all) {
  const auto& contents = file.contents();
  const auto duration = seconds(all.first_time, all.last_time);
  nlohmann::ordered_json page{{"file", file.name()},
                              {"bytes", contents.size},
                              {"readable_bytes", contents.readable},
                              {"profile", contents.header.profile},
                              {"library", contents.header.library},
                              {"ended", contents.ended},
                              {"why_not_ended", contents.why_not_ended},
                              {"end", end_note(file)},
                              {"first_time_ns", all.first_time},
                              {"last_time_ns", all.last_time},
                              {"duration_s", duration},
                              {"messages", all.messages},
                              {"payload_bytes", all.bytes},
                              {"chunks", all.chunks},
                              {"messages_per_s", rate(all.messages, duration)},
                              {"damaged", all.damaged},
                              {"damage", all.damage},
                              {"miscounted", all.miscounted},
                              {"without_envelope", all.without_envelope},
                              {"unlisted_publishers", all.unlisted}};
  auto types = nlohmann::ordered_json::array();
  for (const auto& type : all.types) {
    const auto own = seconds(type.first_time, type.last_time);
    nlohmann::ordered_json row{{"type_id", type.channel.type_id},       {"name", type.channel.name},
                               {"topic", type.channel.topic},           {"digest", nullptr},
                               {"schema", type.channel.schema_id != 0}, {"messages", type.messages},
                               {"payload_bytes", type.bytes},           {"messages_per_s", rate(type.messages, own)}};
    if (type.channel.digest)
      row["digest"] = recording::to_hex(*type.channel.digest);
    types.push_back(std::move(row));
  }
  page["types"] = std::move(types);
  auto publishers = nlohmann::ordered_json::array();
  for (const auto& each : all.publishers)
    publishers.push_back({{"publisher_id", each.publisher_id},
                          {"messages", each.messages},
                          {"first_sequence", each.first_sequence},
                          {"last_sequence", each.last_sequence},
                          {"gaps", each.gaps},
                          {"missing", each.missing},
                          {"out_of_order", each.out_of_order}});
  page["publishers"] = std::move(publishers);
  std::printf("%s\n", page.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

void print_end(const recording_reader& file, const description& all) {
  const auto& contents = file.contents();
  const auto note = end_note(file);
  if (contents.ended) {
    std::printf("ended        properly");
    if (const auto reason = note.find("reason"); reason != note.end())
      std::printf(" (%s)", reason->second.c_str());
    if (const auto dropped = note.find("dropped"); dropped != note.end() && dropped->second != "0")
      std::printf("; the recorder dropped %s messages", dropped->second.c_str());
    std::printf("\n");
  } else {
    std::printf("ended        no: %s\nreadable     %llu of %llu bytes\n", contents.why_not_ended.c_str(),
                static_cast<ull>(contents.readable), static_cast<ull>(contents.size));
  }
  for (const auto& each : all.damage)
    std::printf("damaged      %s\n", each.c_str());
  if (all.damaged > all.damage.size())
    std::printf("damaged      and %llu more places\n", static_cast<ull>(all.damaged - all.damage.size()));
  if (all.miscounted)
    std::printf("damaged      the summary tells another number of messages than there are\n");
}

void print_publishers(const description& all) {
  if (all.publishers.empty())
    return;
  std::printf("\n%20s  %10s  %12s  %12s  %6s  %10s  %12s\n", "publisher", "messages", "first", "last", "gaps",
              "missing", "out of order");
  for (const auto& each : all.publishers)
    std::printf("%20llu  %10llu  %12llu  %12llu  %6llu  %10llu  %12llu\n", static_cast<ull>(each.publisher_id),
                static_cast<ull>(each.messages), static_cast<ull>(each.first_sequence),
                static_cast<ull>(each.last_sequence), static_cast<ull>(each.gaps), static_cast<ull>(each.missing),
                static_cast<ull>(each.out_of_order));
  if (all.unlisted > 0)
    std::printf("and %llu messages of more publishers\n", static_cast<ull>(all.unlisted));
}

void print(const recording_reader& file, const description& all) {
  const auto duration = seconds(all.first_time, all.last_time);
  std::printf("recording    %s, %llu bytes, %llu chunks\nwritten by   %s\n", file.name().c_str(),
              static_cast<ull>(file.contents().size), static_cast<ull>(all.chunks),
              file.contents().header.library.c_str());
  if (all.messages > 0)
    std::printf("from         %s\nto           %s, %.3f s\n", utc(all.first_time).c_str(), utc(all.last_time).c_str(),
                duration);
  std::printf("messages     %llu, %.0f/s, %llu bytes\n", static_cast<ull>(all.messages), rate(all.messages, duration),
              static_cast<ull>(all.bytes));
  print_end(file, all);
  if (all.without_envelope > 0)
    std::printf("envelopes    %llu messages have none\n", static_cast<ull>(all.without_envelope));
  std::size_t width = 5;
  for (const auto& type : all.types)
    width = std::max(width, type.channel.topic.size());
  if (!all.types.empty())
    std::printf("\n%7s  %-*s  %10s  %10s  %12s  %s\n", "type_id", static_cast<int>(width), "topic", "messages", "per s",
                "bytes", "name");
  for (const auto& type : all.types)
    std::printf("%7u  %-*s  %10llu  %10.1f  %12llu  %s\n", type.channel.type_id, static_cast<int>(width),
                type.channel.topic.c_str(), static_cast<ull>(type.messages),
                rate(type.messages, seconds(type.first_time, type.last_time)), static_cast<ull>(type.bytes),
                type.channel.name.c_str());
  print_publishers(all);
}

} // namespace

bool is_recording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, mcap::magic.size()> first{};
  file.read(first.data(), first.size());
  // Without the version: that of the reader's error says more than "no schema".
  return path.ends_with(".mcap") || (file && std::equal(first.begin(), first.begin() + 5, mcap::magic.begin(),
                                                        [](char a, std::uint8_t b) { return std::uint8_t(a) == b; }));
}

int describe_recording(const std::string& path, bool json) {
  auto file = recording_reader::open(path);
  if (!file) {
    std::fprintf(stderr, "mycelium info: %s\n", file.error().text.c_str());
    return exit_failed;
  }
  const auto all = recording::describe(*file);
  (json ? print_json : print)(*file, all);
  return all.damaged > 0 || all.miscounted ? exit_failed : exit_ok;
}

} // namespace mycelium::cli
