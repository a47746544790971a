"""The list of scenarios: functions that take a Rig and return a Row."""

from __future__ import annotations

from collections.abc import Callable

from rig import Rig, Row

Scenario = Callable[[Rig], Row]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    SCENARIOS[function.__name__] = function
    return function
