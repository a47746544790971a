// What the two halves of the demo's plug-in in C++ share.
#pragma once

#include "mycelium.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct TextPublisher {
  MyceliumRuntime* rt = nullptr;
  std::string name; // of the file
  std::vector<std::string> lines;
  std::size_t next = 0; // to be published
};

// Keeps the text for text_publisher_error() and returns the status.
std::int32_t fail_publisher(std::int32_t status, std::string_view what);
