#include "tools/recording/compression.hpp"

#include <lz4frame.h>
#include <zstd.h>

#include <memory>

namespace mycelium::mcap {
namespace {

// Fast enough to keep up with a disk; higher levels gain little on binary messages.
constexpr int zstd_level = 1;

failure undone(std::string_view method, std::string_view why) {
  return {status::invalid_payload, "a chunk cannot be decompressed (" + std::string(method) + "): " + std::string(why)};
}

struct zstd_free {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

std::optional<std::vector<std::uint8_t>> to_zstd(bytes input) {
  thread_local const std::unique_ptr<ZSTD_CCtx, zstd_free> context(ZSTD_createCCtx()); // costs as much as a small chunk
  std::vector<std::uint8_t> output(input.size());
  const auto size =
      ZSTD_compressCCtx(context.get(), output.data(), output.size(), input.data(), input.size(), zstd_level);
  if (ZSTD_isError(size) != 0) // also when the output does not fit
    return std::nullopt;
  output.resize(size);
  return output;
}

std::optional<std::vector<std::uint8_t>> to_lz4(bytes input) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.contentSize = input.size();
  std::vector<std::uint8_t> output(LZ4F_compressFrameBound(input.size(), &preferences));
  const auto size = LZ4F_compressFrame(output.data(), output.size(), input.data(), input.size(), &preferences);
  if (LZ4F_isError(size) != 0 || size > input.size())
    return std::nullopt;
  output.resize(size);
  return output;
}

result<std::vector<std::uint8_t>> from_zstd(bytes input, std::size_t size) {
  std::vector<std::uint8_t> output(size);
  const auto got = ZSTD_decompress(output.data(), output.size(), input.data(), input.size());
  if (ZSTD_isError(got) != 0)
    return undone("zstd", ZSTD_getErrorName(got));
  if (got != size)
    return undone("zstd", "it is shorter than its header says");
  return output;
}

struct lz4_free {
  void operator()(LZ4F_dctx* context) const noexcept { LZ4F_freeDecompressionContext(context); }
};

result<std::vector<std::uint8_t>> from_lz4(bytes input, std::size_t size) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION)) != 0)
    return undone("lz4", "there is no memory for it");
  const std::unique_ptr<LZ4F_dctx, lz4_free> context(raw);
  std::vector<std::uint8_t> output(size);
  std::size_t written = 0, hint = 1;
  // One frame; it ends with hint 0.
  while (hint != 0) {
    std::size_t to_write = output.size() - written, to_read = input.size();
    hint = LZ4F_decompress(raw, output.data() + written, &to_write, input.data(), &to_read, nullptr);
    if (LZ4F_isError(hint) != 0)
      return undone("lz4", LZ4F_getErrorName(hint));
    written += to_write;
    input = input.subspan(to_read);
    if (hint != 0 && to_write == 0 && to_read == 0)
      return undone("lz4", input.empty() ? "it is cut short" : "it is longer than its header says");
  }
  if (written != size)
    return undone("lz4", "it is shorter than its header says");
  return output;
}

} // namespace

std::string_view name_of(compression method) noexcept {
  switch (method) {
  case compression::lz4:
    return "lz4";
  case compression::zstd:
    return "zstd";
  case compression::none:
    break;
  }
  return "";
}

std::optional<compression> compression_named(std::string_view name) noexcept {
  for (const auto method : {compression::none, compression::lz4, compression::zstd})
    if (name == name_of(method))
      return method;
  return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> compress(compression method, bytes input) {
  return method == compression::zstd ? to_zstd(input) : to_lz4(input);
}

result<std::vector<std::uint8_t>> decompress(compression method, bytes input, std::size_t size) {
  switch (method) {
  case compression::zstd:
    return from_zstd(input, size);
  case compression::lz4:
    return from_lz4(input, size);
  case compression::none:
    break;
  }
  if (input.size() != size)
    return undone("none", "its records are not as long as its header says");
  return std::vector<std::uint8_t>(input.begin(), input.end());
}

} // namespace mycelium::mcap
