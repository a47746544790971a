// Any bytes as a payload: two bytes of type_id, then what claims to be one. The payload check and the generated C++
// have to agree, and what was read has to be written and read again as itself.
#include "golden.hpp" // written by mycelium schema compile when this is built
#include "mycelium.hpp"

#include "schema/registry.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace {

using namespace mycelium;
using payload = std::vector<std::uint8_t>;

const schema::schema_set& golden_set() {
  static const auto set = [] {
    std::ifstream in(MYCELIUM_GOLDEN_BFBS, std::ios::binary);
    const payload content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    return *schema::schema_set::load(content);
  }();
  return *set;
}

// Deprecated fields are checked though nobody reads them.
template <class T>
constexpr bool has_deprecated_fields = T::type_id == golden::Evolved::type_id;

template <class T>
bool try_type(std::uint16_t type_id, schema::bytes input) {
  if (type_id != T::type_id)
    return false;
  const auto& set = type_id < 50000 ? *schema::schema_set::built_in() : golden_set();
  const bool sound = static_cast<bool>(set.verify(type_id, input, schema::verify_level::full));
  const auto value = T::decode(input);
  if (has_deprecated_fields<T> ? sound && !value : sound != value.has_value())
    std::abort();
  if (!value)
    return true;
  const auto bytes = value->encode();
  const auto again = T::decode(bytes);
  if (!again || again->encode() != bytes || !set.verify(type_id, bytes, schema::verify_level::full))
    std::abort();
  return true;
}

template <class... T>
void try_types(std::uint16_t type_id, schema::bytes input) {
  static_cast<void>((try_type<T>(type_id, input) || ...));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mycelium::examples;
  using namespace mycelium::golden;
  if (size < 2)
    return 0;
  const auto type_id = static_cast<std::uint16_t>(data[0] | data[1] << 8);
  // A copy of its own, so that a byte too far is seen.
  const payload input(data + 2, data + size);
  try_types<TextMessage, CounterUpdate, BatchOperation, WordCountRequest, WordCountReply, Scalars, Defaults, Optionals,
            Strings, Vectors, Structs, Node, Drawing, Evolved, Mixed, Empty>(type_id, input);
  return 0;
}
