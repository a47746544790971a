#pragma once

#include "schema/declarations.hpp"

namespace mycelium::schema {

struct message_table {
  message_type type;
  std::size_t object = 0; // in declarations.objects
};

// A set's digest and its tables with a type_id, ascending by it.
struct messages {
  digest set_digest{};
  std::vector<message_table> tables;
};

// invalid_argument if a type_id is no number of 1 .. 65535, used twice, on a struct, or if there is none at all.
result<messages> find_messages(const declarations& all);

} // namespace mycelium::schema
