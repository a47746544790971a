// Two doubles for every token of a stream: its score, NaN where it has none, and when its verdict was known.
#pragma once

#include "native.hpp"

#include <algorithm>
#include <cstdlib>

namespace mycelium::backfire {

class records {
public:
  records() = default;
  records(const records&) = delete;
  records& operator=(const records&) = delete;
  ~records() {
    std::free(scores_);
    std::free(times_);
  }

  std::size_t size() const { return size_; }

  // Room for so many more. False without an error set: memory is short. Needs no GIL.
  bool reserve(std::size_t more) {
    if (size_ + more <= room_)
      return true;
    const std::size_t room = std::max(size_ + more, 2 * room_ + 64);
    if (!grow(scores_, room) || !grow(times_, room))
      return false;
    room_ = room;
    return true;
  }
  // There is room.
  void add(double score, double time) {
    scores_[size_] = score;
    times_[size_++] = time;
  }
  PyObject* scores() const { return bytes_of(scores_); }
  PyObject* times() const { return bytes_of(times_); }

private:
  static bool grow(double*& numbers, std::size_t room) {
    auto* moved = static_cast<double*>(std::realloc(numbers, room * sizeof(double)));
    if (moved)
      numbers = moved;
    return moved != nullptr;
  }
  PyObject* bytes_of(const double* numbers) const {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(numbers),
                                     static_cast<Py_ssize_t>(size_ * sizeof(double)));
  }

  double* scores_ = nullptr;
  double* times_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

} // namespace mycelium::backfire
