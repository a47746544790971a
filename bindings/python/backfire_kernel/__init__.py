"""Backfire: scores a token stream as it flows, and halts it before what makes no sense is shown.

    from backfire_kernel import RustStreamingKernel

    kernel = RustStreamingKernel(hard_limit=0.5)
    session = kernel.stream_tokens(["The ", "sky ", "is ", "blue."], lambda token: 0.9)
    print(session.halted, session.avg_coherence)

Every class has two names, RustX and X; they are the same. docs/oversight.md states every check and formula,
docs/oversight-python.md how to use them from Python.
"""

from ._backend import BoundScorer, Interlock, NativeScorer, Verdict
from ._native import __version__
from .config import BackfireConfig, StreamOptions
from .control import (
    L16Controller,
    PGBOEngine,
    RustL16Controller,
    RustPGBOEngine,
    RustTCBOController,
    RustTCBOObserver,
    TCBOController,
    TCBOObserver,
)
from .geometry import RustSSGFEngine, SSGFEngine
from .kernels import INTERRUPT, RustSafetyKernel, RustStreamingKernel, SafetyKernel, Stream, StreamingKernel
from .kinds import Action, HaltKind
from .knowledge import Fact, InMemoryKnowledge
from .physics import (
    RandomSource,
    RustSECFunctional,
    RustUPDEStepper,
    SECFunctional,
    UPDEState,
    UPDEStepper,
    standard_coupling,
    standard_omega,
)
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
    "L16Controller",
    "NativeScorer",
    "PGBOEngine",
    "RandomSource",
    "RustCoherenceScorer",
    "RustL16Controller",
    "RustPGBOEngine",
    "RustSECFunctional",
    "RustSSGFEngine",
    "RustSafetyKernel",
    "RustStreamingKernel",
    "RustTCBOController",
    "RustTCBOObserver",
    "RustUPDEStepper",
    "SECFunctional",
    "SSGFEngine",
    "SafetyKernel",
    "Stream",
    "StreamOptions",
    "StreamSession",
    "StreamingKernel",
    "TCBOController",
    "TCBOObserver",
    "TokenEvent",
    "UPDEState",
    "UPDEStepper",
    "Verdict",
    "__version__",
    "plot_session",
    "standard_coupling",
    "standard_omega",
]
