"""The kernels of backfire_kernel in plain Python: the same names, the same decisions bit by bit, more time.

CoherenceAgent uses them where backfire_kernel is not installed. The physics is in backfire_kernel only.
"""

from ._backend import BoundScorer, Interlock, NativeScorer, Verdict
from .config import BackfireConfig, StreamOptions
from .kernels import INTERRUPT, RustSafetyKernel, RustStreamingKernel, SafetyKernel, Stream, StreamingKernel
from .kinds import Action, HaltKind
from .knowledge import Fact, InMemoryKnowledge
from .plot import plot_session
from .scorer import CoherenceScore, CoherenceScorer, RustCoherenceScorer
from .session import Evidence, StreamSession, TokenEvent

__all__ = [
    "Action",
    "BackfireConfig",
    "BoundScorer",
    "CoherenceScore",
    "CoherenceScorer",
    "Evidence",
    "Fact",
    "HaltKind",
    "INTERRUPT",
    "InMemoryKnowledge",
    "Interlock",
    "NativeScorer",
    "RustCoherenceScorer",
    "RustSafetyKernel",
    "RustStreamingKernel",
    "SafetyKernel",
    "Stream",
    "StreamOptions",
    "StreamSession",
    "StreamingKernel",
    "TokenEvent",
    "Verdict",
    "plot_session",
]
