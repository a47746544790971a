// golden_generate FOLDER: writes the bytes of every vector in FOLDER/golden/vectors.json, as stock flatc has them. To
// add a vector, write its line with "bytes": "" and run this; then look at what it wrote.
#include "schema/golden/stock.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
  using namespace mycelium::schema::golden;
  if (argc != 2) {
    std::cerr << "usage: golden_generate FOLDER, the one that golden.fbs is in\n";
    return 2;
  }
  const std::string folder = argv[1];
  const auto path = folder + "/golden/vectors.json";
  std::string text;
  try {
    for (const auto& each : read_vectors(path)) {
      nlohmann::ordered_json line;
      line["name"] = each.name;
      line["type"] = each.type;
      line["value"] = nlohmann::ordered_json::parse(each.value);
      line["bytes"] = to_hex(stock_encoding(folder, each.type, each.value));
      text += (text.empty() ? "[\n" : ",\n") + line.dump();
    }
  } catch (const std::exception& error) {
    std::cerr << "golden_generate: " << error.what() << "\n";
    return 1;
  }
  std::ofstream(path) << text << "\n]\n";
}
