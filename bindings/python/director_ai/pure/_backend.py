"""Where the other modules find what decides: here plain Python, in backfire_kernel the native library."""

from .checks import Interlock
from .facts import Knowledge
from .limits import check_config, check_options, config_from_json, config_to_json
from .reviews import BoundScorer, Scorer
from .stream import NativeScorer, Stream, Verdict

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
