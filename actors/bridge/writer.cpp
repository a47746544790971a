#include "actors/bridge/writer.hpp"

#include <utility>

namespace mycelium::bridge {
namespace {

constexpr std::size_t enough = 256 << 10;

} // namespace

void writer::add_all(byte_buffer& frames) {
  std::lock_guard lock(mutex_);
  if (state_ == state::ended) {
    frames.clear();
  } else if (out_.empty()) {
    std::swap(out_, frames); // memory goes round
  } else {
    out_.insert(out_.end(), frames.begin(), frames.end());
    frames.clear();
  }
}

writer::progress writer::flush() {
  std::lock_guard lock(mutex_);
  if (state_ != state::idle)
    return progress::busy;
  if (out_.empty())
    return progress::done;
  being_written_.clear();
  std::swap(out_, being_written_);
  // At once what the connection takes; asking the kernel to tell when it can would cost more than that.
  written_ = to_.write_now(being_written_, error_);
  bytes_out_ += written_;
  if (error_) {
    state_ = state::failed;
    return progress::failed;
  }
  if (written_ == being_written_.size())
    return progress::done;
  state_ = state::blocked;
  return progress::rest;
}

bool writer::is_empty() const {
  std::lock_guard lock(mutex_);
  return out_.empty() && state_ != state::blocked && state_ != state::writing;
}

std::size_t writer::waiting() const {
  std::lock_guard lock(mutex_);
  return out_.size();
}

bool writer::has_room() const {
  std::lock_guard lock(mutex_);
  return out_.size() < enough;
}

std::uint64_t writer::bytes_out() const {
  std::lock_guard lock(mutex_);
  return bytes_out_;
}

void writer::begin() {
  std::lock_guard lock(mutex_);
  if (state_ == state::before)
    state_ = state::idle;
}

bool writer::has_begun() const {
  std::lock_guard lock(mutex_);
  return state_ != state::before;
}

void writer::write_rest(stream::user_ptr by) {
  std::lock_guard lock(mutex_);
  if (state_ != state::blocked)
    return;
  state_ = state::writing;
  to_.write(bytes(being_written_).subspan(written_), std::move(by));
}

void writer::on_written(std::size_t count) {
  std::lock_guard lock(mutex_);
  bytes_out_ += count;
  if (state_ == state::writing)
    state_ = state::idle;
}

std::error_code writer::error() const {
  std::lock_guard lock(mutex_);
  return error_;
}

void writer::end() {
  std::lock_guard lock(mutex_);
  state_ = state::ended;
  out_.clear();
  to_.close();
}

} // namespace mycelium::bridge
