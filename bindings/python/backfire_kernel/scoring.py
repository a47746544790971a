"""What scorers return, read the way that fails closed."""

from __future__ import annotations

import array
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from ._backend import NativeScorer

# Callables return a float, or what turns into one (an int, a numpy scalar); a str is none.
Scorer: TypeAlias = Callable[[str], Any] | Sequence[float] | NativeScorer | Any


def describe(error: BaseException) -> str:
    """The text under which an exception of a scorer is kept: "ValueError: out of memory"."""
    try:
        text = str(error)
    except Exception:
        text = ""
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def scorer_of(given: Scorer) -> Any:
    """A callable, a native scorer or a buffer of doubles as it is; a sequence of numbers as such a buffer.

    TypeError for anything else.
    """
    if callable(given) or isinstance(given, NativeScorer):
        return given
    try:
        with memoryview(cast(Any, given)) as view:
            if view.format in ("d", "f", "<d", "<f") and view.ndim == 1:
                return given
    except TypeError:
        pass
    if isinstance(given, (str, bytes, bytearray)):
        raise TypeError(f"a scorer is a callable, a NativeScorer or a sequence of scores, not {type(given).__name__}")
    try:
        return array.array("d", given)
    except TypeError as why:
        raise TypeError(
            f"a scorer is a callable, a NativeScorer or a sequence of scores, not {type(given).__name__}: {why}"
        ) from None
