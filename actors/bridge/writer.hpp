// Gathers the frames of one link and writes them. Whoever adds some may write them at once, on any thread, as far as
// the connection takes them without waiting; what it does not take the bridge's thread writes.
#pragma once

#include "actors/bridge/frame.hpp"
#include "actors/bridge/stream.hpp"

#include <cstdint>
#include <mutex>
#include <system_error>

namespace mycelium::bridge {

class writer {
public:
  explicit writer(stream& to) : to_(to) {}

  // ---- any thread ----
  // Calls append(buffer) to have frames added behind those that wait. Nothing is added after the end.
  template <class Append>
  void add(Append append) {
    std::lock_guard lock(mutex_);
    if (state_ != state::ended)
      append(out_);
  }
  // The same for many that are ready; leaves `frames` empty.
  void add_all(byte_buffer& frames);
  enum class progress {
    done,  // all is out
    busy,  // it will be, by the bridge's thread
    rest,  // the bridge's thread has to write_rest()
    failed // see error()
  };
  progress flush();
  bool is_empty() const;
  std::size_t waiting() const; // bytes that were added and are not being written yet
  // Is there no more waiting than is worth gathering?
  bool has_room() const;
  std::uint64_t bytes_out() const;

  // ---- the bridge's thread ----
  void begin(); // before, nothing is written
  bool has_begun() const;
  void write_rest(stream::user_ptr by);
  void on_written(std::size_t count);
  std::error_code error() const;
  void end(); // closes the stream

private:
  enum class state { before, idle, blocked, writing, failed, ended };

  mutable std::mutex mutex_; // all below, and what other threads may do to the stream
  stream& to_;
  state state_ = state::before;
  byte_buffer out_;
  byte_buffer being_written_;
  std::size_t written_ = 0; // of being_written_
  std::uint64_t bytes_out_ = 0;
  std::error_code error_;
};

} // namespace mycelium::bridge
