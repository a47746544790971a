"""What tests of kernels share: each runs on backfire_kernel and on the fallback of director_ai."""

from __future__ import annotations

import os
import unittest
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import backfire_kernel
import director_ai.pure

# Random cases are few where wheels are tried out: the build folder has tried many.
FEW = "MYCELIUM_FEW_CASES" in os.environ
PATIENCE = 30.0  # seconds until a test gives up; nothing waits that long unless it fails


class OnBothKernels(unittest.TestCase):
    """A test method is run with self.kernels as each package in turn."""

    kernels: ModuleType

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        for kernels in (backfire_kernel, director_ai.pure):
            self.kernels = kernels
            result = super().run(result)
        return result

    def __str__(self) -> str:
        return f"{super().__str__()} on {self.kernels.__name__}"


def given(*scores: Any) -> Callable[[str], Any]:
    """A scorer that returns these, one after the other; an exception is raised."""
    rest: Iterator[Any] = iter(scores)

    def scorer(token: str) -> Any:
        score = next(rest)
        if isinstance(score, BaseException):
            raise score
        return score

    return scorer
