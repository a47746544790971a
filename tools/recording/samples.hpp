// For tests: places to write to, and messages to record.
#pragma once

#include "tools/recording/recording_reader.hpp"
#include "tools/recording/recording_writer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace mycelium::recording::testing {

using payload = std::vector<std::uint8_t>;

// A folder of the test that runs, empty, removed at the end.
class folder {
public:
  folder();
  ~folder();
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

payload content_of(const std::string& path);
void write_file(const std::string& path, mcap::bytes content);
payload to_payload(std::string_view text);

// An entry together with its payload.
struct message {
  entry envelope;
  payload content;
  entry with_payload() const {
    auto copy = envelope;
    copy.payload = content;
    return copy;
  }
};

// One message of every type of schema/golden, with every field of the envelope different from zero and from the
// others'.
std::vector<message> every_golden_message();
// A small message of the type, number i of publisher 1, published at i seconds.
message small(std::uint16_t type_id, std::uint64_t i);
const type_catalogue& golden_catalogue();

// Equal in every field that a recording keeps.
::testing::AssertionResult same(const entry& expected, const entry& actual);

// A writer with every type of the catalogue described. Throws if the file cannot be created.
recording_writer new_writer(const std::string& path, const recording_options& options = {},
                            const type_catalogue& catalogue = golden_catalogue());
// Records them and ends the file.
void record(const std::string& path, const std::vector<message>& messages, const recording_options& options = {});

// All that can be read, with what could not in words.
struct everything {
  std::vector<message> messages;
  std::vector<std::string> damage;
  std::uint64_t without_envelope = 0;
};
everything read_all(recording_reader& recording);
everything read_all(const std::string& path);

} // namespace mycelium::recording::testing
