#include "schema/from_text.hpp"

#include <flatbuffers/idl.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace mycelium::schema::testing {

std::vector<std::uint8_t> bfbs_from_text(const std::string& text) {
  flatbuffers::IDLOptions options;
  options.binary_schema_comments = true;
  options.lang_to_generate = flatbuffers::IDLOptions::kCpp; // the language with the most features
  flatbuffers::Parser parser(options);
  if (!parser.Parse(("attribute \"type_id\"; attribute \"topic\";" + text).c_str()))
    throw std::invalid_argument(parser.error_);
  parser.Serialize();
  const auto* data = parser.builder_.GetBufferPointer();
  return {data, data + parser.builder_.GetSize()};
}

declarations from_text(const std::string& text) {
  auto read = read_declarations(bfbs_from_text(text));
  if (!read)
    throw std::invalid_argument(read.error().text);
  return std::move(*read);
}

std::vector<std::uint8_t> file_content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    throw std::invalid_argument(path + " cannot be read");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

} // namespace mycelium::schema::testing
