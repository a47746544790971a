"""What a stream is checked against."""

from __future__ import annotations

import dataclasses
import math
import operator
from typing import Any, ClassVar, Self, TypedDict

from . import _backend

# The order of the fields in BackfireConfig and BackfireOptions of backfire.h.
_CONFIG_ORDER = (
    *("coherence_threshold", "hard_limit", "soft_limit", "w_logic", "w_fact", "window_threshold", "trend_threshold"),
    *("deadline_ms", "logit_entropy_limit", "window_size", "trend_window", "history_window"),
)
_OPTION_ORDER = (
    *("soft_halt", "soft_tokens", "whole_sentences", "score_every", "evidence_size", "ewma", "ewma_weight"),
    *("ewma_limit", "cusum_target", "cusum_slack", "cusum_limit", "cusum"),
)


def _read_numbers(record: Any) -> None:
    """Makes every field the type that its default has."""
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        kind: Any = type(field.default)
        try:
            number = math.ldexp(value, 0) if kind is float else operator.index(value)
        except TypeError:
            wanted = "a number" if kind is float else "a whole number"
            raise TypeError(f"config error: {field.name} must be {wanted}, is {value!r}") from None
        except OverflowError:
            raise ValueError(f"config error: {field.name} must be finite, is {value!r}") from None
        if kind is int and abs(number) >= 2**63:
            raise ValueError(f"config error: {field.name} is out of range, is {value!r}")
        object.__setattr__(record, field.name, kind(number))


def _keep_values(record: Any, order: tuple[str, ...]) -> tuple[Any, ...]:
    """Its numbers in the order of the C struct, as record._values: every stream needs them."""
    values = tuple(getattr(record, name) for name in order)
    object.__setattr__(record, "_values", values)
    return values


@dataclasses.dataclass(frozen=True, kw_only=True)
class BackfireConfig:
    """Limits, weights and windows. Immutable; every field is a keyword argument and can be read.

    coherence_threshold  0.6   in [0, 1]; a review approves from here on
    hard_limit           0.5   in [0, 1]; a score below halts at once
    soft_limit           0.7   in [hard_limit, 1]; a score below is a warning
    w_logic, w_fact      0.6, 0.4   in [0, 1], sum 1 within 1e-9: coherence = 1 - (w_logic H_logic + w_fact H_fact)
    window_size          10    1 to 65536 scores
    window_threshold     0.55  in [0, 1]; a full window whose mean is below halts
    trend_window         5     2 to 65536 scores
    trend_threshold      0.15  > 0; a fall over trend_window scores by more halts
    history_window       5     0 to 65536 approved reviews that a scorer remembers
    deadline_ms          50    > 0, milliseconds; a score that takes longer halts
    logit_entropy_limit  1.2   > 0, bits per token; more halts

    ValueError "config error: ..." names field, rule and value of the first field, in this order, that is wrong; NaN and
    infinities are wrong everywhere. TypeError for what is no number.
    """

    coherence_threshold: float = 0.6
    hard_limit: float = 0.5
    soft_limit: float = 0.7
    w_logic: float = 0.6
    w_fact: float = 0.4
    window_size: int = 10
    window_threshold: float = 0.55
    trend_window: int = 5
    trend_threshold: float = 0.15
    history_window: int = 5
    deadline_ms: float = 50.0
    logit_entropy_limit: float = 1.2
    _values: ClassVar[tuple[Any, ...]]  # of each object, though: no field

    def __post_init__(self) -> None:
        _read_numbers(self)
        _backend.check_config(_keep_values(self, _CONFIG_ORDER))

    def replace(self, **changes: Any) -> Self:
        """The same with other values in some fields."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, float | int]:
        """Every field by name."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """A JSON object of every field, from which from_json() makes an equal configuration, bit by bit."""
        return _backend.config_to_json(self._values)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The configuration of a JSON object; fields that it leaves out have their defaults.

        ValueError "config error: ..." for what is no JSON object, for a key that is no field or comes twice, and for
        values that are wrong.
        """
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
        return cls(**dict(zip(_CONFIG_ORDER, _backend.config_from_json(data), strict=True)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """What a configuration leaves open; the defaults are the plain kernel. Immutable.

    soft_halt        False  True: where the check that fired allows it, the sentence is finished first
    soft_tokens      50     by at most so many tokens, the one that fired included
    whole_sentences  False  True: tokens are released only when their sentence is complete
    score_every      1      n: only tokens 0, n, 2n, ... are scored
    evidence_size    16     1 to 65536 newest scores are kept as evidence
    ewma             False  True: halts where s = s + ewma_weight (score - s) is under ewma_limit
    ewma_weight      0.2    in (0, 1]
    ewma_limit       0.55   in [0, 1]
    cusum            False  True: halts where d = max(0, d + ((cusum_target - cusum_slack) - score)) is over cusum_limit
    cusum_target     0.75   in [0, 1]
    cusum_slack      0.05   in [0, 1]
    cusum_limit      1.0    > 0

    ValueError "config error: ..." as of BackfireConfig.
    """

    soft_halt: bool = False
    soft_tokens: int = 50
    whole_sentences: bool = False
    score_every: int = 1
    evidence_size: int = 16
    ewma: bool = False
    ewma_weight: float = 0.2
    ewma_limit: float = 0.55
    cusum: bool = False
    cusum_target: float = 0.75
    cusum_slack: float = 0.05
    cusum_limit: float = 1.0
    _values: ClassVar[tuple[Any, ...]]  # of each object, though: no field

    def __post_init__(self) -> None:
        _read_numbers(self)
        _backend.check_options(_keep_values(self, _OPTION_ORDER))

    def replace(self, **changes: Any) -> Self:
        """The same with other values in some fields."""
        return dataclasses.replace(self, **changes)


class KernelFields(TypedDict, total=False):
    """The keyword arguments of a streaming kernel: the fields of BackfireConfig and StreamOptions, and halt_mode."""

    coherence_threshold: float
    hard_limit: float
    soft_limit: float
    w_logic: float
    w_fact: float
    window_size: int
    window_threshold: float
    trend_window: int
    trend_threshold: float
    history_window: int
    deadline_ms: float
    logit_entropy_limit: float
    soft_halt: bool
    soft_tokens: int
    whole_sentences: bool
    score_every: int
    evidence_size: int
    ewma: bool
    ewma_weight: float
    ewma_limit: float
    cusum: bool
    cusum_target: float
    cusum_slack: float
    cusum_limit: float


CONFIG_FIELDS = frozenset(_CONFIG_ORDER)
OPTION_FIELDS = frozenset(_OPTION_ORDER)
