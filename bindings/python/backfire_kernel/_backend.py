"""Where the other modules find what decides: here the native library, in director_ai's fallback plain Python."""

from ._native import (
    BoundScorer,
    Interlock,
    Knowledge,
    NativeScorer,
    Scorer,
    Stream,
    Verdict,
    check_config,
    check_options,
    config_from_json,
    config_to_json,
)

__all__ = [
    "BoundScorer",
    "Interlock",
    "Knowledge",
    "NativeScorer",
    "Scorer",
    "Stream",
    "Verdict",
    "check_config",
    "check_options",
    "config_from_json",
    "config_to_json",
]
