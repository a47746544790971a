// What the C++ that the schema compiler writes needs beside the reader: fields read into values, and values written
// with FlatBuffers' builder. A copy of this file stands in every generated header, after one of schema/flat_reader.hpp.
// Generated code adds, found by argument: flat_read(reader, start, table), flat_write(builder, table),
// flat_load(bytes, struct), flat_store(struct, bytes).
#ifndef MYCELIUM_FLAT_VALUES_1
#define MYCELIUM_FLAT_VALUES_1

#include "schema/flat_reader.hpp"

#include <flatbuffers/flatbuffers.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mycelium::flat1 {

// An optional value of a type that may hold its own kind: like std::optional, on the heap.
template <class T>
class box {
public:
  box() = default;
  box(T value) : held_(std::make_unique<T>(std::move(value))) {}
  box(const box& other) : held_(other.held_ ? std::make_unique<T>(*other.held_) : nullptr) {}
  box(box&&) noexcept = default;
  box& operator=(const box& other) {
    held_ = other.held_ ? std::make_unique<T>(*other.held_) : nullptr;
    return *this;
  }
  box& operator=(box&&) noexcept = default;
  ~box() = default;

  explicit operator bool() const noexcept { return held_ != nullptr; }
  bool has_value() const noexcept { return held_ != nullptr; }
  T& operator*() { return *held_; }
  const T& operator*() const { return *held_; }
  T* operator->() { return held_.get(); }
  const T* operator->() const { return held_.get(); }
  T& emplace() { return *(held_ = std::make_unique<T>()); }
  void reset() { held_.reset(); }

  friend bool operator==(const box& a, const box& b) { return a.held_ && b.held_ ? *a == *b : !a.held_ && !b.held_; }

private:
  std::unique_ptr<T> held_;
};

// How a scalar or an enum stands in the payload.
template <class T>
struct stored {
  using type = T;
};
template <>
struct stored<bool> {
  using type = std::uint8_t;
};
template <class T>
requires std::is_enum_v<T>
struct stored<T> {
  using type = std::underlying_type_t<T>;
};
template <class T>
using stored_t = typename stored<T>::type;

template <class T>
T load_number(const std::uint8_t* from) {
  stored_t<T> value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (std::is_same_v<T, bool>)
    return value != 0;
  else
    return static_cast<T>(value);
}

template <class T>
void store_number(T value, std::uint8_t* to) {
  const auto raw = static_cast<stored_t<T>>(value);
  std::memcpy(to, &raw, sizeof raw);
}

// An absent number keeps its default.
template <class T>
bool read_number(reader& in, const table_view& table, std::uint16_t slot, T& out) {
  std::size_t where = 0;
  if (!in.locate(table, slot, sizeof(stored_t<T>), sizeof(stored_t<T>), where))
    return false;
  if (where != 0)
    out = load_number<T>(in.at(where));
  return true;
}

template <class T>
bool read_number(reader& in, const table_view& table, std::uint16_t slot, std::optional<T>& out) {
  std::size_t where = 0;
  if (!in.locate(table, slot, sizeof(stored_t<T>), sizeof(stored_t<T>), where))
    return false;
  if (where != 0)
    out = load_number<T>(in.at(where));
  return true;
}

template <class T, class Out>
bool read_struct(reader& in, const table_view& table, std::uint16_t slot, bool required, Out& out) {
  std::size_t where = 0;
  if (!in.locate(table, slot, T::wire_size, T::wire_alignment, where))
    return false;
  if (where == 0)
    return !required || in.fail("required field is missing", table.start);
  T value;
  flat_load(in.at(where), value);
  out = value;
  return true;
}

// Inlined, so that the reader stays in registers from one string to the next.
[[gnu::always_inline]] inline bool read_string(reader& in, std::size_t start, std::string& out) {
  vector_view text;
  if (!in.string(start, text))
    return false;
  out = std::string(reinterpret_cast<const char*>(in.at(text.first)), text.count); // quicker than assign
  return true;
}

[[gnu::always_inline]] inline bool read_string(reader& in, const table_view& table, std::uint16_t slot, bool required,
                                               std::string& out) {
  std::size_t target = 0;
  return in.locate_target(table, slot, required, target) && (target == 0 || read_string(in, target, out));
}

template <class T>
bool read_table(reader& in, const table_view& table, std::uint16_t slot, bool required, T& out) {
  std::size_t target = 0;
  return in.locate_target(table, slot, required, target) && (target == 0 || flat_read(in, target, out.emplace()));
}

// A required table stands in its holder itself.
template <class T>
bool read_required_table(reader& in, const table_view& table, std::uint16_t slot, T& out) {
  std::size_t target = 0;
  return in.locate_target(table, slot, true, target) && flat_read(in, target, out);
}

template <class T>
bool read_numbers(reader& in, const table_view& table, std::uint16_t slot, bool required, std::vector<T>& out) {
  std::size_t target = 0;
  vector_view vector;
  constexpr auto size = sizeof(stored_t<T>);
  if (!in.locate_target(table, slot, required, target))
    return false;
  if (target == 0)
    return true;
  if (!in.elements(target, size, size, vector))
    return false;
  out.resize(vector.count);
  if constexpr (std::is_same_v<T, bool>) {
    for (std::size_t i = 0; i < vector.count; ++i)
      out[i] = *in.at(vector.first + i) != 0;
  } else if (vector.count != 0) {
    std::memcpy(out.data(), in.at(vector.first), vector.count * size);
  }
  return true;
}

template <class T>
bool read_structs(reader& in, const table_view& table, std::uint16_t slot, bool required, std::vector<T>& out) {
  std::size_t target = 0;
  vector_view vector;
  if (!in.locate_target(table, slot, required, target))
    return false;
  if (target == 0)
    return true;
  if (!in.elements(target, T::wire_size, T::wire_alignment, vector))
    return false;
  out.resize(vector.count);
  if constexpr (T::wire_dense) {
    if (vector.count != 0)
      std::memcpy(out.data(), in.at(vector.first), vector.count * T::wire_size);
  } else {
    for (std::size_t i = 0; i < vector.count; ++i)
      flat_load(in.at(vector.first + i * T::wire_size), out[i]);
  }
  return true;
}

inline bool read_strings(reader& in, const table_view& table, std::uint16_t slot, bool required,
                         std::vector<std::string>& out) {
  std::size_t target = 0;
  if (!in.locate_target(table, slot, required, target))
    return false;
  return target == 0 || in.targets(target, [&](std::size_t text) { return read_string(in, text, out.emplace_back()); });
}

template <class T>
bool read_tables(reader& in, const table_view& table, std::uint16_t slot, bool required, std::vector<T>& out) {
  std::size_t target = 0;
  if (!in.locate_target(table, slot, required, target))
    return false;
  return target == 0 || in.targets(target, [&](std::size_t each) { return flat_read(in, each, out.emplace_back()); });
}

using builder = flatbuffers::FlatBufferBuilder;
using written = flatbuffers::Offset<void>;

template <class T>
void add_number(builder& out, std::uint16_t slot, T value, std::type_identity_t<T> standard) {
  out.AddElement(slot, static_cast<stored_t<T>>(value), static_cast<stored_t<T>>(standard));
}

template <class T>
void add_number(builder& out, std::uint16_t slot, const std::optional<T>& value) {
  if (value)
    out.AddElement(slot, static_cast<stored_t<T>>(*value));
}

template <class T>
void push_struct(builder& out, const T& value) {
  std::uint8_t raw[T::wire_size] = {};
  flat_store(value, raw);
  out.PushBytes(raw, sizeof raw);
}

template <class T>
void add_struct(builder& out, std::uint16_t slot, const T& value) {
  out.Align(T::wire_alignment);
  push_struct(out, value);
  out.TrackField(slot, out.GetSize());
}

template <class T>
void add_struct(builder& out, std::uint16_t slot, const std::optional<T>& value) {
  if (value)
    add_struct(out, slot, *value);
}

// No reader would take it otherwise.
inline const std::string& checked_text(const std::string& text) {
  if (!is_utf8(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()))
    throw std::invalid_argument("a string is not UTF-8; make the field [ubyte] if it holds other bytes");
  return text;
}

inline written write_string(builder& out, const std::string& text, bool required) {
  return text.empty() && !required ? written() : written(out.CreateString(checked_text(text)).o);
}

template <class T>
written write_numbers(builder& out, const std::vector<T>& values, bool required) {
  if (values.empty() && !required)
    return {};
  if constexpr (std::is_same_v<T, bool>)
    return out.CreateVector(values).o;
  else
    return out.CreateVector(reinterpret_cast<const stored_t<T>*>(values.data()), values.size()).o;
}

template <class T>
written write_structs(builder& out, const std::vector<T>& values, bool required) {
  if (values.empty() && !required)
    return {};
  out.StartVector(values.size() * T::wire_size / T::wire_alignment, T::wire_alignment);
  if constexpr (T::wire_dense) {
    if (!values.empty())
      out.PushBytes(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * T::wire_size);
  } else {
    for (auto each = values.rbegin(); each != values.rend(); ++each)
      push_struct(out, *each);
  }
  return out.EndVector(values.size());
}

inline written write_strings(builder& out, const std::vector<std::string>& values, bool required) {
  for (const auto& each : values)
    checked_text(each);
  return values.empty() && !required ? written() : written(out.CreateVectorOfStrings(values).o);
}

template <class T>
written write_tables(builder& out, const std::vector<T>& values, bool required) {
  if (values.empty() && !required)
    return {};
  std::vector<written> tables;
  tables.reserve(values.size());
  for (const auto& each : values)
    tables.push_back(flat_write(out, each));
  return out.CreateVector(tables).o;
}

// What has to be there and is not: no reader would take the payload.
inline void require(bool present, const char* field) {
  if (!present)
    throw std::invalid_argument(std::string(field) + " is required; set it before you encode");
}

template <class T>
std::optional<T> decode(std::span<const std::uint8_t> payload, flaw* why) {
  reader in(payload);
  std::optional<T> out(std::in_place);
  std::size_t start = 0;
  if (in.root(start) && flat_read(in, start, *out))
    return out;
  if (why)
    *why = in.found();
  return std::nullopt;
}

template <class T>
std::span<const std::uint8_t> encode(builder& out, const T& value) {
  out.Clear();
  out.Finish(flat_write(out, value));
  return {out.GetBufferPointer(), out.GetSize()};
}

template <class T>
std::vector<std::uint8_t> encode(const T& value) {
  builder out;
  const auto bytes = encode(out, value);
  return {bytes.begin(), bytes.end()};
}

} // namespace mycelium::flat1

#endif
