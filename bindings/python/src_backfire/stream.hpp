// Stream: one stream under oversight, with all that its session will need.
#pragma once

#include "native.hpp"
#include "records.hpp"

namespace mycelium::backfire {

struct stream {
  PyObject_HEAD BackfireStream* handle;
  PyObject* tokens;     // list of str
  PyObject* interlock;  // Interlock
  records* kept;        // a record for each of tokens
  BackfireVerdict last; // of the last token
  std::int64_t begun_ns;
  std::int64_t ended_ns;  // 0 until it ends
  std::uint64_t released; // of the verdict before last
  double deadline_ms;
  std::uint32_t evidence_size;
  bool reads_text; // what a token says matters: for where sentences end
  bool ended;      // by _end()
  bool busy;       // a call is inside
};

inline stream* stream_of(PyObject* object) { return reinterpret_cast<stream*>(object); }

// Marks a stream as busy, so that its own scorer cannot push into it.
class turn {
public:
  explicit turn(stream* self) : self_(self) {}
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() {
    if (mine_)
      self_->busy = false;
  }
  // False with an error; also where the stream has ended, unless that is all right.
  bool take(bool also_ended = false);

private:
  stream* self_;
  bool mine_ = false;
};

inline bool is_halted(const stream* self) { return self->last.action == BACKFIRE_HALT; }

// Pushes a token into the library, whatever it says, and records it with its time; there is room in the records. Needs
// no GIL. counts: the token was to be scored, or is.
void push_observed(stream* self, const char* text, std::size_t length, const BackfireObservation& seen, bool counts,
                   std::int64_t now);
// The same for a token of Python, which is kept. False with an error, and nothing has happened.
bool push_token(stream* self, PyObject* token, const BackfireObservation& seen, std::int64_t now);

// _feed(tokens, scorer, accumulate, entropy): pushes tokens until they end or the stream halts.
PyObject* feed(PyObject* object, PyObject* args);

} // namespace mycelium::backfire
