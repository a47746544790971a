// Any bytes as a binary schema: an error, or a set that can be asked, modelled and written as C++.
#include "schema/registry.hpp"
#include "tools/schema_compiler/cpp.hpp"
#include "tools/schema_compiler/evolution.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mycelium;
  const schema::bytes input(data, size);
  const auto declarations = schema::read_declarations(input);
  const auto set = schema::schema_set::load(input);
  if (set && !declarations)
    std::abort(); // a set is made of declarations
  if (declarations && !schema_compiler::compare(*declarations, *declarations).empty())
    std::abort(); // nothing changed
  if (!set)
    return 0;
  for (const auto& type : (*set)->types())
    static_cast<void>((*set)->verify(type.type_id, input, schema::verify_level::full));
  if (const auto model = schema_compiler::load_model(input, "fuzz"))
    static_cast<void>(schema_compiler::emit_cpp(*model));
  return 0;
}
