// The state of a bus for Prometheus.
#pragma once

#include "tools/cli/mesh.hpp"

#include <string>

namespace mycelium::cli {

enum class metrics_format {
  prometheus,   // text/plain; version=0.0.4
  open_metrics, // application/openmetrics-text; version=1.0.0
};

std::string write_metrics(const mesh_view& view, metrics_format format);

} // namespace mycelium::cli
