// Numbers and texts as MCAP writes them: little endian, texts and arrays with a length of 32 bits in front.
#pragma once

#include "tools/recording/mcap.hpp"

#include <algorithm>
#include <concepts>
#include <string_view>

namespace mycelium::mcap {

// Appends to a buffer of its own.
class record_writer {
public:
  template <std::unsigned_integral T>
  void put(T value) {
    std::array<std::uint8_t, sizeof(T)> raw;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      raw[i] = static_cast<std::uint8_t>(value >> (8 * i));
    buffer_.insert(buffer_.end(), raw.begin(), raw.end());
  }
  void put(bytes raw) { buffer_.insert(buffer_.end(), raw.begin(), raw.end()); }
  void put_text(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    buffer_.insert(buffer_.end(), text.begin(), text.end());
  }
  void put_map(const text_map& values) {
    const auto place = open<std::uint32_t>();
    for (const auto& [key, value] : values) {
      put_text(key);
      put_text(value);
    }
    close<std::uint32_t>(place);
  }

  // A length that is known only after what it counts: open before, close after.
  template <std::unsigned_integral Length>
  std::size_t open() {
    put(Length{0});
    return buffer_.size();
  }
  template <std::unsigned_integral Length>
  void close(std::size_t place) {
    const auto length = static_cast<Length>(buffer_.size() - place);
    for (std::size_t i = 0; i < sizeof(Length); ++i)
      buffer_[place - sizeof(Length) + i] = static_cast<std::uint8_t>(length >> (8 * i));
  }
  std::size_t open_record(opcode what) {
    put(static_cast<std::uint8_t>(what));
    return open<std::uint64_t>();
  }
  void close_record(std::size_t place) { close<std::uint64_t>(place); }

  bytes content() const noexcept { return buffer_; }
  std::size_t size() const noexcept { return buffer_.size(); }
  void clear() noexcept { buffer_.clear(); }
  void truncate(std::size_t size) { buffer_.resize(size); }
  void reserve(std::size_t size) { buffer_.reserve(size); }

private:
  std::vector<std::uint8_t> buffer_;
};

// Reads foreign bytes. What is not there reads as zero or empty, and good() is false from then on.
class record_reader {
public:
  explicit record_reader(bytes content) noexcept : rest_(content) {}

  template <std::unsigned_integral T>
  T number() noexcept {
    T value = 0;
    const auto raw = take(sizeof(T));
    for (std::size_t i = 0; i < raw.size(); ++i)
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(raw[i]) << (8 * i)));
    return value;
  }
  bytes take(std::uint64_t size) noexcept {
    if (size > rest_.size()) {
      good_ = false;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(static_cast<std::size_t>(size));
    return taken;
  }
  // The content of an array or map, or the bytes of a text.
  bytes sized() noexcept { return take(number<std::uint32_t>()); }
  std::string text() {
    const auto raw = sized();
    return {raw.begin(), raw.end()};
  }
  text_map map() {
    record_reader entries(sized());
    text_map values;
    while (entries.left() > 0 && entries.good()) {
      auto key = entries.text();
      values.insert_or_assign(std::move(key), entries.text());
    }
    good_ = good_ && entries.good();
    return values;
  }

  std::size_t left() const noexcept { return rest_.size(); }
  bool good() const noexcept { return good_; }

private:
  bytes rest_;
  bool good_ = true;
};

} // namespace mycelium::mcap
