"""An agent whose answers pass oversight, on the kernels of Backfire.

    from director_ai import CoherenceAgent

    agent = CoherenceAgent(lambda prompt: ["The sky is blue.", "The sky is green."])
    print(agent.process("What color is the sky?").output)
    print(agent._rust_available)

The kernels are those of backfire_kernel where it is installed, else director_ai.pure, which decides the same, bit by
bit. docs/oversight-python.md tells the rest.
"""

from .agent import CoherenceAgent, ReviewResult
from .backend import kernels as _kernels

BackfireConfig = _kernels.BackfireConfig
CoherenceScore = _kernels.CoherenceScore
CoherenceScorer = _kernels.CoherenceScorer
InMemoryKnowledge = _kernels.InMemoryKnowledge
SafetyKernel = _kernels.SafetyKernel
StreamingKernel = _kernels.StreamingKernel
StreamSession = _kernels.StreamSession

__all__ = [
    "BackfireConfig",
    "CoherenceAgent",
    "CoherenceScore",
    "CoherenceScorer",
    "InMemoryKnowledge",
    "ReviewResult",
    "SafetyKernel",
    "StreamSession",
    "StreamingKernel",
]
