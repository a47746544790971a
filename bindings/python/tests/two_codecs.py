"""The native codec and the one in Python, side by side."""

from __future__ import annotations

from typing import Any

import mycelium_native
from golden_protocol import _decode, _encode
from mycelium_protocol import _decode as _decode_mycelium
from mycelium_protocol import _encode as _encode_mycelium

_NATIVE = (mycelium_native.encode, mycelium_native.decode)
CODECS = {"native": _NATIVE, "python": (_encode.encode, _decode.decode)}
_CODECS_OF_MYCELIUM = {"native": _NATIVE, "python": (_encode_mycelium.encode, _decode_mycelium.decode)}


def codecs_of(cls: type) -> dict[str, Any]:
    """name -> (encode, decode) for a class; the one in Python belongs to the package of the class."""
    return _CODECS_OF_MYCELIUM if cls.__module__.startswith("mycelium_protocol") else CODECS


def outcome(function: Any, *args: Any) -> Any:
    """A value, or that it was refused."""
    try:
        return function(*args)
    except ValueError as why:
        return "refused", type(why)
