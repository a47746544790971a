#include "schema/golden/stock.hpp"

// flatc --cpp --gen-object-api, written when this is built
#include "examples_generated.h"
#include "golden_generated.h"

#include <flatbuffers/idl.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>

namespace mycelium::schema::golden {
namespace {

using bytes = std::vector<std::uint8_t>;

template <class Table>
bytes repack(const bytes& in) {
  flatbuffers::Verifier::Options limits;
  limits.max_depth = 200; // Whether a payload is too deep for the bus is not flatc's business.
  flatbuffers::Verifier verifier(in.data(), in.size(), limits);
  if (!verifier.VerifyBuffer<Table>())
    throw std::invalid_argument("flatc refuses the bytes");
  const std::unique_ptr<typename Table::NativeTableType> object(flatbuffers::GetRoot<Table>(in.data())->UnPack());
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(Table::Pack(builder, object.get()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

struct message {
  const char* file;
  std::function<bytes(const bytes&)> repack;
};

const message& find_message(const std::string& type) {
  using namespace mycelium::examples;
  using namespace mycelium::golden;
  static const std::map<std::string, message> messages = {
      {"mycelium.examples.TextMessage", {"examples.fbs", repack<TextMessage>}},
      {"mycelium.examples.CounterUpdate", {"examples.fbs", repack<CounterUpdate>}},
      {"mycelium.examples.BatchOperation", {"examples.fbs", repack<BatchOperation>}},
      {"mycelium.examples.WordCountRequest", {"examples.fbs", repack<WordCountRequest>}},
      {"mycelium.examples.WordCountReply", {"examples.fbs", repack<WordCountReply>}},
      {"mycelium.golden.Scalars", {"golden.fbs", repack<Scalars>}},
      {"mycelium.golden.Defaults", {"golden.fbs", repack<Defaults>}},
      {"mycelium.golden.Optionals", {"golden.fbs", repack<Optionals>}},
      {"mycelium.golden.Strings", {"golden.fbs", repack<Strings>}},
      {"mycelium.golden.Vectors", {"golden.fbs", repack<Vectors>}},
      {"mycelium.golden.Structs", {"golden.fbs", repack<Structs>}},
      {"mycelium.golden.Node", {"golden.fbs", repack<Node>}},
      {"mycelium.golden.Drawing", {"golden.fbs", repack<Drawing>}},
      {"mycelium.golden.Evolved", {"golden.fbs", repack<Evolved>}},
      {"mycelium.golden.Mixed", {"golden.fbs", repack<Mixed>}},
      {"mycelium.golden.Empty", {"golden.fbs", repack<Empty>}},
  };
  return messages.at(type);
}

flatbuffers::Parser& parser_of(const std::string& folder, const std::string& file) {
  static std::map<std::string, flatbuffers::Parser> parsers;
  const auto path = folder + "/" + file;
  const auto [at, fresh] = parsers.try_emplace(path);
  if (fresh) {
    std::string text;
    if (!flatbuffers::LoadFile(path.c_str(), false, &text) || !at->second.Parse(text.c_str()))
      throw std::invalid_argument(path + ": " + at->second.error_);
  }
  return at->second;
}

} // namespace

std::vector<vector> read_vectors(const std::string& path) {
  std::ifstream in(path);
  std::vector<vector> out;
  for (const auto& each : nlohmann::ordered_json::parse(in))
    out.push_back({each.at("name"), each.at("type"), each.at("value").dump(), each.at("bytes")});
  return out;
}

bytes stock_encoding(const std::string& folder, const std::string& type, const std::string& value) {
  auto& parser = parser_of(folder, find_message(type).file);
  if (!parser.SetRootType(type.c_str()) || !parser.ParseJson(value.c_str()))
    throw std::invalid_argument(type + ": " + parser.error_);
  const auto* data = parser.builder_.GetBufferPointer();
  return find_message(type).repack({data, data + parser.builder_.GetSize()});
}

bytes stock_round_trip(const std::string& type, const bytes& in) { return find_message(type).repack(in); }

std::string to_hex(const bytes& in) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const auto byte : in) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

bytes from_hex(const std::string& text) {
  bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return out;
}

} // namespace mycelium::schema::golden
