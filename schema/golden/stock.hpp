// The oracle of the golden vectors: what stock flatc's object API writes, and nothing of ours.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mycelium::schema::golden {

// A vector of vectors.json: JSON as flatc reads it, numbers for enums, and the bytes in hexadecimal.
struct vector {
  std::string name;
  std::string type; // fully qualified
  std::string value;
  std::string bytes;
};

// The vectors of a file, in its order. Throws if it is none.
std::vector<vector> read_vectors(const std::string& path);

// Parses the value with FlatBuffers' parser, unpacks it into flatc's object and packs that with a fresh builder. Throws
// std::invalid_argument if the parser refuses the value. folder holds the .fbs files.
std::vector<std::uint8_t> stock_encoding(const std::string& folder, const std::string& type, const std::string& value);
// Reads bytes with flatc's code and packs what they say again. Throws if flatc's verifier refuses them.
std::vector<std::uint8_t> stock_round_trip(const std::string& type, const std::vector<std::uint8_t>& bytes);

std::string to_hex(const std::vector<std::uint8_t>& bytes);
std::vector<std::uint8_t> from_hex(const std::string& text);

} // namespace mycelium::schema::golden
