// The other half of the demo's plug-in in C++: says the words of the publisher's file as InferenceTokens, as a model
// would, to the oversight actor that the host has attached to the session.
#pragma once

#include "text_publisher.hpp"

extern "C" {

struct TextPublisherSaid {
  std::uint64_t tokens;  // that were published, the planted one included
  std::uint64_t words;   // of the file
  std::uint32_t stopped; // 1: an InferenceCancel came before the last of them
};

// Says the first count words of the file in session session_id, addressed to subscription `to`, then its InferenceDone.
// planted (may be NULL) is said before word planted_before. Stops when the session is cancelled. Blocks. 0, or the
// status of the call that failed.
MYCELIUM_API std::int32_t text_publisher_say(TextPublisher* publisher, std::uint64_t session_id, std::uint64_t to,
                                             std::uint64_t count, const char* planted, std::uint64_t planted_before,
                                             TextPublisherSaid* out);
}
