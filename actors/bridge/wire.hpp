// The payloads of control frames (schema/bridge.fbs): verified before they are read.
#pragma once

#include "actors/bridge/frame.hpp"
#include "bridge_generated.h"

#include <optional>

namespace mycelium::bridge::wire {

// Nothing if the bytes are no such table.
template <class Table>
std::optional<typename Table::NativeTableType> read(bytes payload) {
  constexpr flatbuffers::uoffset_t max_depth = 8;
  constexpr flatbuffers::uoffset_t max_tables = 70'000; // one for each type that there can be
  flatbuffers::Verifier verifier(payload.data(), payload.size(), max_depth, max_tables);
  if (payload.size() < 8 || !verifier.VerifyBuffer<Table>(nullptr))
    return std::nullopt;
  typename Table::NativeTableType value;
  flatbuffers::GetRoot<Table>(payload.data())->UnPackTo(&value);
  return value;
}

template <class Native>
void append(byte_buffer& out, control kind, const Native& value) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(Native::TableType::Pack(builder, &value));
  append_control(out, kind, {builder.GetBufferPointer(), builder.GetSize()});
}

} // namespace mycelium::bridge::wire
