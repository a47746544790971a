// Any bytes as a recording: it is refused, or read to its end, twice with the same outcome. The first byte chooses
// whether the rest is a file, or the records of a chunk of one.
#include "tools/recording/description.hpp"

#include <cstdlib>

namespace {

using namespace mycelium;

// Small, so that what an input claims is refused before it takes time.
constexpr mcap::read_limits limits{.decompressed = 1U << 22U, .summary = 1U << 20U, .definitions = 1U << 20U};

// Reading ends, although failures are read past.
void read_all(const std::shared_ptr<const mcap::byte_source>& source) {
  auto opened = recording::recording_reader::open(source, limits);
  if (!opened)
    return;
  const auto& contents = opened->contents();
  if (contents.readable > contents.size)
    std::abort();
  const auto first = recording::describe(*opened);
  const auto second = recording::describe(*opened);
  if (first.messages != second.messages || first.bytes != second.bytes || first.damaged != second.damaged)
    std::abort(); // a rewound recording is the same
  opened->rewind(contents.size, contents.size * 2);
  for (auto found = opened->next(); !found || *found; found = opened->next())
    if (found && ((*found)->content.log_time < contents.size || (*found)->content.log_time > contents.size * 2))
      std::abort();
}

std::vector<std::uint8_t> file_around(mcap::bytes records) {
  mcap::record_writer out;
  out.put(mcap::bytes(mcap::magic));
  mcap::write(out, mcap::header{.profile = "mycelium", .library = "fuzz"});
  mcap::write(out, mcap::chunk_header{.start_time = 0,
                                      .end_time = UINT64_MAX,
                                      .uncompressed_size = records.size(),
                                      .uncompressed_crc = 0,
                                      .compression = {},
                                      .compressed_size = records.size()});
  out.put(records);
  return {out.content().begin(), out.content().end()};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const mcap::bytes rest(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    read_all(mcap::view_bytes(rest, "fuzz"));
  } else {
    const auto file = file_around(rest);
    read_all(mcap::view_bytes(file, "fuzz"));
  }
  return 0;
}
