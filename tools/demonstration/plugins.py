"""The C++ publisher and the C subscriber, loaded into this process as shared objects.

Both get the handle of a runtime that Python made: every language in the process is on one bus. ctypes lets go of
Python's lock while a plug-in runs.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int32, c_uint32, c_uint64, c_void_p


class File(ctypes.Structure):
    """Mirrors TextPublisherFile in text_publisher.hpp."""

    _fields_ = [("lines", c_uint64), ("bytes", c_uint64)]


class Words(ctypes.Structure):
    """Mirrors TextPublisherWords in text_publisher.hpp."""

    _fields_ = [(name, c_uint64) for name in ("requests", "words", "expected", "p50_ns", "p99_ns")]


class Said(ctypes.Structure):
    """Mirrors TextPublisherSaid in token_publisher.hpp."""

    _fields_ = [("tokens", c_uint64), ("words", c_uint64), ("stopped", c_uint32)]


class Report(ctypes.Structure):
    """Mirrors TextReport in bindings/c/examples/text_subscriber.h."""

    _fields_ = [(name, c_uint64) for name in ("messages", "bytes", "invalid", "p50_ns", "p99_ns", "max_ns")]


class PluginError(RuntimeError):
    pass


def load(path: str, functions: dict[str, tuple]) -> ctypes.CDLL:
    """The shared object at path, with its functions declared: name -> (result, argument, argument ...)."""
    library = ctypes.CDLL(path)
    for name, (result, *arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Publisher:
    """text_publisher.cpp and token_publisher.cpp."""

    def __init__(self, library: str, runtime_handle: int, path: str):
        self._c = load(library, {
            "text_publisher_open": (c_void_p, c_void_p, c_char_p, POINTER(File)),
            "text_publisher_stream": (c_int32, c_void_p, c_uint64, c_uint32),
            "text_publisher_count_words": (c_int32, c_void_p, c_uint32, POINTER(Words)),
            "text_publisher_say": (c_int32, c_void_p, c_uint64, c_uint64, c_uint64, c_char_p, c_uint64, POINTER(Said)),
            "text_publisher_error": (c_char_p,),
            "text_publisher_close": (None, c_void_p),
        })
        self.file = File()
        self._self = self._c.text_publisher_open(runtime_handle, path.encode(), byref(self.file))
        if not self._self:
            raise self._error()

    def _error(self) -> PluginError:
        return PluginError(self._c.text_publisher_error().decode(errors="replace"))

    def stream(self, lines: int, lines_per_second: int = 0) -> None:
        if self._c.text_publisher_stream(self._self, lines, lines_per_second) < 0:
            raise self._error()

    def count_words(self, lines_per_request: int) -> Words:
        words = Words()
        if self._c.text_publisher_count_words(self._self, lines_per_request, byref(words)) < 0:
            raise self._error()
        return words

    def say(self, session: int, to: int, count: int, planted: str | None, planted_before: int) -> Said:
        """Says words as tokens of a session; what it is told to plant comes before word planted_before."""
        said = Said()
        word = planted.encode() if planted is not None else None
        if self._c.text_publisher_say(self._self, session, to, count, word, planted_before, byref(said)) < 0:
            raise self._error()
        return said

    def close(self) -> None:
        self._c.text_publisher_close(self._self)


class Subscriber:
    """bindings/c/examples/text_subscriber.c."""

    def __init__(self, library: str, runtime_handle: int, path: str):
        self._c = load(library, {
            "text_subscriber_open": (c_void_p, c_void_p, c_char_p),
            "text_subscriber_report": (None, c_void_p, POINTER(Report)),
            "text_subscriber_close": (c_int32, c_void_p),
        })
        self._self = self._c.text_subscriber_open(runtime_handle, path.encode())
        if not self._self:
            raise PluginError("the C subscriber did not start: see above")

    def report(self) -> Report:
        report = Report()
        self._c.text_subscriber_report(self._self, byref(report))
        return report

    def close(self) -> None:
        if self._c.text_subscriber_close(self._self) < 0:
            raise PluginError("the C subscriber could not complete its file: is the disk full?")
