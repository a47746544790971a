// Writes Rust: one file per schema, a module without unsafe code. docs/rust.md tells what it offers.
#pragma once

#include "tools/schema_compiler/model.hpp"

#include <string>

namespace mycelium::schema_compiler {

enum class rust_codec {
  from_crate, // uses the crate mycelium, whose traits its messages implement
  carried,    // carries a copy of what that crate has for encoding, and needs no crate at all
};

// bfbs is the schema that the model was loaded from; the module carries it, so that a runtime can be told of its types.
// unsupported if two declarations would need one Rust name.
result<std::string> emit_rust(const model& model, schema::bytes bfbs, rust_codec codec);

} // namespace mycelium::schema_compiler
