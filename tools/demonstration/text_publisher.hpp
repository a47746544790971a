// A plug-in in C++ for the demo: publishes the lines of a text file as TextMessage on a runtime that its host made, and
// asks whoever serves WordCountRequest to count words. The functions are C, so that any host can load them.
#pragma once

#include "mycelium.h"

#include <cstdint>

extern "C" {

struct TextPublisher;

struct TextPublisherFile {
  std::uint64_t lines;
  std::uint64_t bytes;
};

struct TextPublisherWords {
  std::uint64_t requests;
  std::uint64_t words;    // as the server counted
  std::uint64_t expected; // as counted here
  std::uint64_t p50_ns;   // of request and reply, both ways
  std::uint64_t p99_ns;
};

// Reads the file at path. NULL on failure; text_publisher_error() says why. Owned by the caller until
// text_publisher_close.
MYCELIUM_API TextPublisher* text_publisher_open(MyceliumRuntime* rt, const char* path, TextPublisherFile* out);
// Publishes the next count lines, from the first again after the last; at most lines_per_second (0: as fast as the
// subscribers take them). Blocks until the last one is published. 0, or the status of the publish that failed.
MYCELIUM_API std::int32_t text_publisher_stream(TextPublisher* publisher, std::uint64_t count,
                                                std::uint32_t lines_per_second);
// Asks for the words of each run of lines_per_request lines. Blocks. 0, or the status of the request that failed.
MYCELIUM_API std::int32_t text_publisher_count_words(TextPublisher* publisher, std::uint32_t lines_per_request,
                                                     TextPublisherWords* out);
// What went wrong last on this thread.
MYCELIUM_API const char* text_publisher_error(void);
MYCELIUM_API void text_publisher_close(TextPublisher* publisher);
}
