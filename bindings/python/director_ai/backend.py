"""Which kernel runs: backfire_kernel where it is installed, else the same in plain Python."""

from __future__ import annotations

import types
import warnings


def _choose() -> types.ModuleType:
    try:
        import backfire_kernel
    except ModuleNotFoundError as why:
        if why.name != "backfire_kernel":
            _warn(why)
    except ImportError as why:
        _warn(why)
    else:
        return backfire_kernel
    from . import pure

    return pure


def _warn(why: ImportError) -> None:
    text = f"backfire_kernel is installed but cannot be loaded, and plain Python is used in its place: {why}"
    warnings.warn(text, RuntimeWarning, stacklevel=4)


kernels = _choose()
RUST_AVAILABLE = kernels.__name__ == "backfire_kernel"
