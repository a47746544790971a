"""Arrays in and out. Nothing here needs numpy; where it is installed, arrays come out as its own."""

from __future__ import annotations

import array
import functools
from collections.abc import Callable
from typing import Any

_Wrap = Callable[..., Any]


@functools.cache
def _wrapper() -> _Wrap:
    try:
        import numpy
    except ImportError:
        return lambda data, shape: memoryview(data).cast("d", shape) if len(shape) > 1 else memoryview(data).cast("d")

    def wrap(data: bytearray, shape: tuple[int, ...]) -> Any:
        return numpy.frombuffer(data, dtype=numpy.float64).reshape(shape)

    return wrap


def as_array(data: bytearray, *shape: int) -> Any:
    """Doubles as an array that owns them: a numpy.ndarray, or a memoryview of that shape where there is no numpy.

    Both can be indexed a[i, j], have tolist() and shape, and can be written.
    """
    if 0 in shape:  # memoryviews have no empty shapes
        shape = (0,)
    return _wrapper()(data, shape)


def to_doubles(given: Any, name: str) -> Any:
    """A buffer of doubles with the numbers of any array or sequence; TypeError for what is none."""
    if hasattr(given, "astype"):  # arrays of numpy and its like, of another type or order
        import numpy

        if given.dtype.kind not in "buif":
            raise TypeError(f"{name} must be an array of real numbers, is one of {given.dtype}")
        return numpy.ascontiguousarray(given, dtype=numpy.float64)
    if isinstance(given, (str, bytes, bytearray)):
        raise TypeError(f"{name} must be an array of numbers, is {type(given).__name__}")
    try:
        items: list[Any] = list(given.tolist() if isinstance(given, memoryview) else given)
        if items and not _is_number(items[0]):
            rows = [list(row) for row in items]
            if any(len(row) != len(rows) for row in rows):
                raise ValueError(f"{name} must have one dimension, or two equal ones")
            items = [number for row in rows for number in row]
        return array.array("d", items)
    except TypeError as why:
        raise TypeError(f"{name} must be an array of numbers: {why}") from None


def _is_number(item: Any) -> bool:
    return hasattr(item, "__float__") or hasattr(item, "__index__")
