#pragma once

#include "schema/declarations.hpp"
#include "schema/payload_check.hpp"

namespace mycelium::schema {

// plan.tables[i] is for all.objects[i] (empty for a struct), plan.unions[i] for all.enums[i] (empty for an enum).
// Deprecated fields are checked too: a reader that was built from an older schema still reads them.
payload_plan plan_payloads(const declarations& all);

} // namespace mycelium::schema
