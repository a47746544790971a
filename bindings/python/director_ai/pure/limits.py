"""The rules of BackfireConfig and StreamOptions in plain Python, with the texts of the library."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from .checks import shortest

_LARGEST = 65536

_Rule = tuple[bool, str, str, float]  # is it kept; field; what it must be; what it is


def _unit(name: str, value: float) -> _Rule:
    return 0 <= value <= 1, name, "in [0, 1]", value


def _positive(name: str, value: float) -> _Rule:
    return value > 0 and math.isfinite(value), name, "finite and > 0", value


def _count(name: str, least: int, value: int) -> _Rule:
    return least <= value <= _LARGEST, name, f"in [{least}, {_LARGEST}]", value


def _require(rules: Iterator[_Rule]) -> None:
    for kept, name, rule, value in rules:
        if not kept:
            shown = str(value) if isinstance(value, int) else shortest(value)
            raise ValueError(f"config error: {name} must be {rule}, is {shown}")


def check_config(values: tuple[Any, ...]) -> None:
    """ValueError for the first field of a BackfireConfig that is wrong."""
    threshold, hard, soft, logic, fact, window_threshold, trend_threshold, deadline, entropy, window, trend, history = (
        values
    )

    def rules() -> Iterator[_Rule]:
        yield _unit("coherence_threshold", threshold)
        yield _unit("hard_limit", hard)
        yield _unit("soft_limit", soft)
        yield soft >= hard, "soft_limit", f">= hard_limit ({shortest(hard)})", soft
        yield _unit("w_logic", logic)
        yield _unit("w_fact", fact)
        yield abs(logic + fact - 1) <= 1e-9, "w_logic + w_fact", "1 within 1e-9", logic + fact
        yield _count("window_size", 1, window)
        yield _unit("window_threshold", window_threshold)
        yield _count("trend_window", 2, trend)
        yield _positive("trend_threshold", trend_threshold)
        yield _count("history_window", 0, history)
        yield _positive("deadline_ms", deadline)
        yield _positive("logit_entropy_limit", entropy)

    _require(rules())


# The fields in the order of the table in docs/oversight.md, and where the tuple has them.
_TABLE = {
    "coherence_threshold": 0,
    "hard_limit": 1,
    "soft_limit": 2,
    "w_logic": 3,
    "w_fact": 4,
    "window_size": 9,
    "window_threshold": 5,
    "trend_window": 10,
    "trend_threshold": 6,
    "history_window": 11,
    "deadline_ms": 7,
    "logit_entropy_limit": 8,
}
_DEFAULTS = (0.6, 0.5, 0.7, 0.6, 0.4, 0.55, 0.15, 50.0, 1.2, 10, 5, 5)


def config_to_json(values: tuple[Any, ...]) -> str:
    """Every field, on one line."""
    return json.dumps({name: values[place] for name, place in _TABLE.items()}, separators=(",", ":"))


def config_from_json(text: bytes) -> tuple[Any, ...]:
    """The values of a JSON object; ValueError if it is none, or wrong."""
    values: list[Any] = list(_DEFAULTS)
    for name, value in _object(text):
        if isinstance(value, (bool, str, list, dict)) or value is None:
            raise ValueError(f"config error: {name} must be a number, is {_kind(value)}")
        place = _TABLE[name]
        if isinstance(_DEFAULTS[place], float):
            values[place] = float(value)
        elif value < 0 or value != int(value):
            raise ValueError(f"config error: {name} must be a whole number >= 0, is {value}")
        else:
            values[place] = min(int(value), 2**32 - 1)
    check_config(tuple(values))
    return tuple(values)


def _kind(value: Any) -> str:
    names = ((bool, ""), (str, "a string"), (list, "an array"), (dict, "an object"), ((int, float), "a number"))
    name = next((name for kind, name in names if isinstance(value, kind)), "")
    return name or json.dumps(value)


def _object(text: bytes) -> list[tuple[str, Any]]:
    """The members of the outermost object, whose names are those of fields and differ."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for place, (name, _) in enumerate(pairs):
            if name not in _TABLE:
                raise _Refused(f"unknown field {json.dumps(name)[:64]}; the fields are {', '.join(_TABLE)}")
            if name in (earlier for earlier, _ in pairs[:place]):
                raise _Refused(f"field {json.dumps(name)} stands twice")
        return dict(pairs)

    def real(digits: str) -> float:
        value = float(digits)
        if math.isinf(value):
            raise ValueError("a number is too large")
        return value

    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=members, parse_float=real, parse_constant=_no_number)
    except _Refused as why:
        raise ValueError(f"config error: {why}") from None
    except (ValueError, RecursionError) as why:
        raise ValueError(f"config error: this is no JSON: {why}") from None
    if not isinstance(found, dict):
        raise ValueError(f"config error: a JSON object with fields is wanted, not {_kind(found)}")
    return list(found.items())


class _Refused(Exception):
    """It is JSON, but no configuration."""


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def check_options(values: tuple[Any, ...]) -> None:
    """ValueError for the first field of StreamOptions that is wrong."""
    _, soft_tokens, _, score_every, evidence_size, _, weight, ewma_limit, target, slack, cusum_limit, _ = values

    def rules() -> Iterator[_Rule]:
        yield _count("soft_tokens", 1, soft_tokens)
        yield _count("score_every", 1, score_every)
        yield _count("evidence_size", 1, evidence_size)
        yield 0 < weight <= 1, "ewma_weight", "in (0, 1]", weight
        yield _unit("ewma_limit", ewma_limit)
        yield _unit("cusum_target", target)
        yield _unit("cusum_slack", slack)
        yield _positive("cusum_limit", cusum_limit)

    _require(rules())
