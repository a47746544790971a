// Pushing a whole iterable: one token at a time, each scored by a callable of Python, a native function or a table.
#include "native_scorer.hpp"
#include "stream.hpp"

#include <array>
#include <limits>
#include <string>
#include <string_view>

namespace mycelium::backfire {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Numbers of a buffer, by the index of the token.
class table {
public:
  bool open(PyObject* object) {
    if (!memory_.acquire(object, PyBUF_FORMAT | PyBUF_ND | PyBUF_C_CONTIGUOUS))
      return false;
    const char* format = memory_.view().format;
    if (format && *format == '<')
      ++format;
    is_float_ = format && *format == 'f' && !format[1];
    const bool right = is_float_ || (format && *format == 'd' && !format[1]);
    if (!right || memory_.view().ndim != 1) {
      PyErr_SetString(PyExc_TypeError, "a buffer of scores must have one dimension and hold doubles or floats");
      return false;
    }
    return true;
  }
  bool has(std::size_t index) const { return index < memory_.size() / (is_float_ ? sizeof(float) : sizeof(double)); }
  double at(std::size_t index) const {
    return is_float_ ? reinterpret_cast<const float*>(memory_.data())[index]
                     : reinterpret_cast<const double*>(memory_.data())[index];
  }

private:
  buffer memory_;
  bool is_float_ = false;
};

// Where scores come from, or entropies.
struct source {
  enum { none, callable, native, numbers } kind = none;
  PyObject* function = nullptr;
  native_scorer scorer{};
  table values;

  bool open(PyObject* object) {
    if (object == Py_None)
      return true;
    function = object;
    kind = native_scorer_of(object, scorer) ? native : PyCallable_Check(object) ? callable : numbers;
    return kind != numbers || values.open(object);
  }
};

class feeder {
public:
  explicit feeder(stream* self) : self_(self) {}

  bool open(PyObject* scorer, bool accumulate, PyObject* entropy) {
    accumulate_ = accumulate;
    if (!scores_.open(scorer) || !entropies_.open(entropy))
      return false;
    if (scores_.kind == source::none) {
      PyErr_SetString(PyExc_TypeError, "there is no scorer");
      return false;
    }
    return true;
  }

  bool run(PyObject* tokens) {
    const bool is_there = PyList_CheckExact(tokens) || PyTuple_CheckExact(tokens);
    const bool needs_python =
        scores_.kind == source::callable || (entropies_.kind != source::none && entropies_.kind != source::numbers);
    return is_there && !needs_python ? run_in_chunks(tokens) : run_one_by_one(tokens);
  }

private:
  // ---- tokens that come one by one ----

  bool run_one_by_one(PyObject* tokens) {
    ref iterator(PyObject_GetIter(tokens));
    if (!iterator)
      return false;
    while (!is_halted(self_)) {
      ref token(PyIter_Next(iterator.get()));
      if (!token)
        return !PyErr_Occurred();
      if (!take(token.get()))
        return false;
      // Iterators and scorers in C never let other threads and signals in.
      if (self_->kept->size() % 1024 == 0) {
        without_gil([] { return 0; });
        if (PyErr_CheckSignals() < 0)
          return false;
      }
    }
    return true;
  }

  bool take(PyObject* token) {
    BackfireObservation seen{sizeof seen, 0, 0, 0, 0, 0, nullptr};
    ref failure, held;
    const bool is_text = PyUnicode_Check(token);
    if (is_text && accumulate_ && !accumulate(token))
      return false;
    const bool asked = is_text && backfire_interlock_is_active(interlock_of(self_->interlock)) == 1;
    if (asked && backfire_stream_wants_score(self_->handle) == 1 && !score(token, seen, failure))
      return false;
    if (asked && !read_entropy(token, seen))
      return false;
    if (failure) {
      Py_ssize_t length = 0;
      seen.error = utf8_of(failure.get(), length, held);
      if (!seen.error)
        return false;
    }
    return push_token(self_, token, seen, answered_ != 0 ? std::exchange(answered_, 0) : now_ns());
  }

  bool score(PyObject* token, BackfireObservation& seen, ref& failure) {
    const std::size_t index = self_->kept->size();
    if (scores_.kind == source::numbers) {
      seen.scored = scores_.values.has(index);
      seen.score = seen.scored ? scores_.values.at(index) : 0;
      return true;
    }
    const std::int64_t asked = now_ns();
    seen.scored = 1;
    if (scores_.kind == source::callable ? !call(scores_, accumulate_ ? so_far_.get() : token, seen.score, failure)
                                         : !call_native(token, seen.score))
      return false;
    answered_ = now_ns();
    seen.latency_ms = static_cast<double>(answered_ - asked) * 1e-6;
    return true;
  }

  bool read_entropy(PyObject* token, BackfireObservation& seen) {
    const std::size_t index = self_->kept->size();
    ref failure; // what is not known is over every limit
    switch (entropies_.kind) {
    case source::none:
      return true;
    case source::numbers:
      seen.entropy = entropies_.values.has(index) ? entropies_.values.at(index) : nan;
      break;
    default:
      if (!call(entropies_, token, seen.entropy, failure))
        return false;
    }
    seen.has_entropy = 1;
    return true;
  }

  // NaN and a text where the function fails as a scorer may. False with an error that passes through.
  static bool call(const source& asked, PyObject* text, double& out, ref& failure) {
    ref answer(text ? PyObject_CallFunctionObjArgs(asked.function, text, nullptr) : nullptr);
    out = answer ? PyFloat_AsDouble(answer.get()) : -1.0;
    if (out != -1.0 || !PyErr_Occurred())
      return true;
    out = nan;
    failure = take_failure();
    return static_cast<bool>(failure);
  }

  bool accumulate(PyObject* token) {
    if (!so_far_) {
      so_far_ = ref::share(token);
      return true;
    }
    PyObject* text = so_far_.release();
    PyUnicode_Append(&text, token); // in place, unless the scorer has kept it
    so_far_ = ref(text);
    return text != nullptr;
  }

  bool call_native(PyObject* token, double& out) {
    ref held;
    Py_ssize_t length = 0;
    const char* text = utf8_of(accumulate_ ? so_far_.get() : token, length, held);
    if (!text)
      return false;
    out = without_gil([&] { return native_score({text, static_cast<std::size_t>(length)}); });
    return true;
  }

  double native_score(std::string_view text) const {
    return scores_.scorer.score(text.data(), text.size(), scores_.scorer.user_data);
  }

  // ---- tokens that are all there, scored without Python: the GIL is released for hundreds of them ----

  static constexpr Py_ssize_t chunk_size = 256;

  struct piece {
    const char* text = nullptr;
    Py_ssize_t length = 0;
  };

  bool run_in_chunks(PyObject* tokens) {
    for (Py_ssize_t begin = 0; !is_halted(self_); begin += chunk_size) {
      ref part(PySequence_GetSlice(tokens, begin, begin + chunk_size));
      ref chunk(part && PyTuple_CheckExact(part.get()) ? PySequence_List(part.get()) : part.release());
      if (!chunk)
        return false;
      if (PyList_Size(chunk.get()) == 0)
        return true;
      if (!run_chunk(chunk.get()) || PyErr_CheckSignals() < 0)
        return false;
    }
    return true;
  }

  bool run_chunk(PyObject* chunk) {
    const Py_ssize_t count = PyList_Size(chunk);
    std::array<piece, chunk_size> pieces;
    ref held(PyList_New(0)); // what keeps UTF-8 alive that str objects do not
    Py_ssize_t good = 0;     // before the first that is no str
    for (; held && good < count && PyUnicode_Check(PyList_GetItem(chunk, good)); ++good)
      if (!read_piece(PyList_GetItem(chunk, good), pieces[static_cast<std::size_t>(good)], held.get()))
        return false;
    if (!held || !self_->kept->reserve(chunk_size))
      return PyErr_NoMemory(), false;
    const Py_ssize_t done = without_gil([&] { return push_pieces(pieces.data(), good); });
    const Py_ssize_t end = PyList_Size(self_->tokens);
    ref taken(PyList_GetSlice(chunk, 0, done));
    if (!taken || PyList_SetSlice(self_->tokens, end, end, taken.get()) < 0)
      return false;
    // The one that is no str raises here.
    const BackfireObservation nothing{sizeof nothing, 0, 0, 0, 0, 0, nullptr};
    return done < good || good == count || is_halted(self_) ||
           push_token(self_, PyList_GetItem(chunk, good), nothing, 0);
  }

  bool read_piece(PyObject* token, piece& out, PyObject* held) const {
    if (!self_->reads_text && scores_.kind != source::native)
      return true;
    ref encoded;
    out.text = utf8_of(token, out.length, encoded);
    return out.text && (!encoded || PyList_Append(held, encoded.get()) == 0);
  }

  // How many were pushed.
  Py_ssize_t push_pieces(const piece* pieces, Py_ssize_t count) {
    Py_ssize_t done = 0;
    std::int64_t now = 0;
    while (done < count && !is_halted(self_)) {
      // Scores of a table take no time: the clock of 16 tokens is one.
      if (scores_.kind == source::native || done % 16 == 0)
        now = now_ns();
      const piece& token = pieces[done++];
      now = push_piece({token.text, static_cast<std::size_t>(token.length)}, now);
    }
    return done;
  }

  // Returns when its verdict was known.
  std::int64_t push_piece(std::string_view text, std::int64_t now) {
    const std::size_t index = self_->kept->size();
    BackfireObservation seen{sizeof seen, 0, entropies_.kind != source::none, 0, 0, nan, nullptr};
    if (accumulate_)
      bytes_so_far_ += text;
    const bool wanted = backfire_stream_wants_score(self_->handle) == 1;
    if (wanted && scores_.kind == source::numbers) {
      seen.scored = scores_.values.has(index);
      seen.score = seen.scored ? scores_.values.at(index) : 0;
    } else if (wanted) {
      seen.scored = 1;
      seen.score = native_score(accumulate_ ? std::string_view(bytes_so_far_) : text);
      const std::int64_t asked = std::exchange(now, now_ns());
      seen.latency_ms = static_cast<double>(now - asked) * 1e-6;
    }
    if (seen.has_entropy && entropies_.values.has(index))
      seen.entropy = entropies_.values.at(index);
    push_observed(self_, text.data(), text.size(), seen, wanted, now);
    return now;
  }

  stream* self_;
  source scores_;
  source entropies_;
  bool accumulate_ = false;
  std::int64_t answered_ = 0; // when the scorer has, for the token at hand
  ref so_far_;                // the tokens' text, in one of these two
  std::string bytes_so_far_;
};

} // namespace

PyObject* feed(PyObject* object, PyObject* args) {
  PyObject *tokens = nullptr, *scorer = nullptr, *entropy = nullptr;
  int accumulate = 0;
  stream* self = stream_of(object);
  turn mine(self);
  feeder work(self);
  if (!PyArg_ParseTuple(args, "OOpO:_feed", &tokens, &scorer, &accumulate, &entropy) || !mine.take() ||
      !work.open(scorer, accumulate != 0, entropy) || !work.run(tokens))
    return nullptr;
  return ref::share(Py_None).release();
}

} // namespace mycelium::backfire
