"""A picture of a session: its scores, the limits, the mean of the window, and where and why it was halted."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from .session import StreamSession

_WIDTH, _HEIGHT = 960, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 24, 56, 48
_MOST_POINTS = 2000  # of a line; of more, every column keeps its least and its greatest
_MOST_DOTS = 250  # tokens that have a dot with their text

_SCORE, _WARNING, _HARD, _MEAN = "#1f5fa8", "#d98200", "#c0182b", "#4a8f3c"
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Point = tuple[float, float]  # index of a token, score


class Level(NamedTuple):
    """A horizontal line."""

    name: str
    value: float
    colour: str


def plot_session(session: StreamSession, path: str | os.PathLike[str]) -> None:
    """Draws a session into a file: by the end of its name an SVG, which needs nothing, or a PNG, by matplotlib.

    RuntimeError if a PNG is asked for and matplotlib is not installed; ValueError for another kind of file. What the
    system says about the file passes through.
    """
    target = pathlib.Path(path)
    kind = target.suffix.lower()
    if kind == ".svg":
        target.write_text(_svg(session), encoding="utf-8")
    elif kind == ".png":
        _draw_png(session, target)
    else:
        raise ValueError(f'a plot is an .svg or a .png file, not "{target.name}"')


def levels(session: StreamSession) -> list[Level]:
    """The limits of a session's scores."""
    config = session.config
    return [
        Level("hard limit", config.hard_limit, _HARD),
        Level("soft limit", config.soft_limit, _WARNING),
        Level("window threshold", config.window_threshold, _MEAN),
    ]


def score_points(session: StreamSession) -> list[Point]:
    """The scores, each at the index of its token."""
    return [(each.index, each.coherence) for each in session.events if each.coherence is not None]


def window_means(session: StreamSession) -> list[Point]:
    """The mean of the last window_size scores, each cut to [0, 1], from the first full window on."""
    points, size = score_points(session), session.config.window_size
    cut = [min(max(score, 0.0), 1.0) for _, score in points]
    total, out = 0.0, []
    for place, (index, _) in enumerate(points):
        total += cut[place] - (cut[place - size] if place >= size else 0.0)
        if place >= size - 1:
            out.append((index, total / size))
    return out


def thinned(points: list[Point]) -> list[Point]:
    """At most _MOST_POINTS of them, and no peak is lost."""
    if len(points) <= _MOST_POINTS:
        return points
    width = -(-2 * len(points) // _MOST_POINTS)
    out = []
    for begin in range(0, len(points), width):
        part = points[begin : begin + width]
        out += sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
    return out


class _Frame:
    """From indices and scores to places in the picture."""

    def __init__(self, session: StreamSession) -> None:
        scores = [score for _, score in score_points(session)]
        self.last = max(session.token_count - 1, 1)
        # What lies far outside is drawn at the edge.
        self.low = max(min([0.0, *scores]), -1.0)
        self.high = min(max([1.0, *scores]), 2.0)

    def x(self, index: float) -> float:
        return _LEFT + index / self.last * (_WIDTH - _LEFT - _RIGHT)

    def y(self, score: float) -> float:
        inside = min(max(score, self.low), self.high)
        return _TOP + (self.high - inside) / (self.high - self.low) * (_HEIGHT - _TOP - _BOTTOM)

    def line(self, points: list[Point]) -> str:
        return " ".join(f"{self.x(index):.2f},{self.y(score):.2f}" for index, score in thinned(points))


def _text(content: str) -> str:
    return escape(_NOT_IN_XML.sub("\ufffd", content))


def _svg(session: StreamSession) -> str:
    frame = _Frame(session)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f"<title>{_text(repr(session))}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        *_axes(frame),
        *_levels(session, frame),
        f'<polyline id="scores" points="{frame.line(score_points(session))}" fill="none" stroke="{_SCORE}" '
        'stroke-width="1.5"/>',
        f'<polyline id="window-mean" points="{frame.line(window_means(session))}" fill="none" stroke="{_MEAN}" '
        'stroke-width="1.5" stroke-dasharray="6 3"/>',
        *_dots(session, frame),
        *_halt(session, frame),
        *_legend(session),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _axes(frame: _Frame) -> Iterator[str]:
    for tenth in range(round(frame.low * 5), round(frame.high * 5) + 1):
        score = tenth / 5
        y = frame.y(score)
        yield f'<line x1="{_LEFT}" y1="{y:.2f}" x2="{_WIDTH - _RIGHT}" y2="{y:.2f}" stroke="#e6e6e6"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.2f}" text-anchor="end">{score:.1f}</text>'
    step = max(1, -(-frame.last // 10))
    for index in range(0, frame.last + 1, step):
        yield f'<text x="{frame.x(index):.2f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{index}</text>'
    yield f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 10}" text-anchor="middle">token</text>'
    yield f'<text transform="translate(16 {_HEIGHT / 2}) rotate(-90)" text-anchor="middle">coherence</text>'


def _levels(session: StreamSession, frame: _Frame) -> Iterator[str]:
    for level in levels(session):
        y = f"{frame.y(level.value):.2f}"
        yield (
            f'<line id="{level.name.replace(" ", "-")}" x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" '
            f'stroke="{level.colour}" stroke-dasharray="2 3"/>'
        )


def _dots(session: StreamSession, frame: _Frame) -> Iterator[str]:
    if session.token_count > _MOST_DOTS:
        return
    for event in session.events:
        if event.coherence is None:
            continue
        colour = _HARD if event.halted else _WARNING if event.warning else _SCORE
        told = _text(f"{event.index}: {event.token!r} {event.coherence:.4f}")
        yield (
            f'<circle class="score" cx="{frame.x(event.index):.2f}" cy="{frame.y(event.coherence):.2f}" r="3" '
            f'fill="{colour}"><title>{told}</title></circle>'
        )


def _halt(session: StreamSession, frame: _Frame) -> Iterator[str]:
    if not session.halted:
        return
    x = frame.x(session.halt_index)
    anchor, aside = ("start", 6) if x < _WIDTH / 2 else ("end", -6)
    told = _text(f"halted at token {session.halt_index}: {session.halt_reason}")
    yield (
        f'<line id="halt" x1="{x:.2f}" y1="{_TOP}" x2="{x:.2f}" y2="{_HEIGHT - _BOTTOM}" stroke="{_HARD}" '
        'stroke-width="1.5"/>'
    )
    place = f'x="{x + aside:.2f}" y="{_TOP + 14}" text-anchor="{anchor}"'
    yield f'<text id="halt-reason" {place} fill="{_HARD}">{told}</text>'


def _legend(session: StreamSession) -> Iterator[str]:
    names = [("score", _SCORE), ("window mean", _MEAN), *((level.name, level.colour) for level in levels(session))]
    values = ["", "", *(f" {level.value:g}" for level in levels(session))]
    x = _LEFT
    for (name, colour), value in zip(names, values, strict=True):
        yield f'<rect x="{x}" y="20" width="12" height="4" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="26">{name}{value}</text>'
        x += 34 + 7 * len(name + value)


def _draw_png(session: StreamSession, target: pathlib.Path) -> None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise RuntimeError(
            "a .png needs matplotlib (pip install matplotlib); an .svg needs nothing: give such a path"
        ) from None
    figure = Figure(figsize=(_WIDTH / 100, _HEIGHT / 100), dpi=100, layout="tight")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot(xlabel="token", ylabel="coherence")
    for points, colour, style, name in (
        (score_points(session), _SCORE, "-", "score"),
        (window_means(session), _MEAN, "--", "window mean"),
    ):
        axes.plot(*zip(*thinned(points), strict=True) if points else ([], []), style, color=colour, label=name)
    for level in levels(session):
        axes.axhline(level.value, color=level.colour, linestyle=":", label=f"{level.name} {level.value:g}")
    if session.halted:
        axes.axvline(session.halt_index, color=_HARD)
        axes.set_title(f"halted at token {session.halt_index}: {session.halt_reason}", fontsize=9, color=_HARD)
    frame = _Frame(session)
    axes.set_ylim(frame.low - 0.02, frame.high + 0.02)
    axes.legend(fontsize=7, ncols=5, loc="lower left")
    figure.savefig(target)
