"""The demo's text once more, as tokens of two sessions that pass an oversight actor before anyone sees them."""

from __future__ import annotations

import logging
import re
import threading
import time

from mycelium_native import Oversight, Runtime, ScoreQuestion
from mycelium_protocol import Action, EndReason, InferenceDone, InferenceToken, OversightVerdict

from plugins import PluginError, Publisher, Said
from terminal import Page, plural

MOST_WORDS = 2000
PLANTED = "sdrawkcab"  # a word that no text has, said in the middle of the second session
SPACES = " \t\r\n"
PATIENCE = 30.0  # seconds


class Reader:
    """Sees what everybody may see of a session: the tokens that were released, its end, and the verdicts."""

    def __init__(self, session: int) -> None:
        self.session = session
        self.text = ""
        self.tokens = 0
        self.done: InferenceDone | None = None
        self.halt: OversightVerdict | None = None
        self._changed = threading.Condition()

    def on_token(self, token: InferenceToken) -> None:
        if token.session_id == self.session:
            with self._changed:
                self.text += token.text
                self.tokens += 1
                self._changed.notify_all()

    def on_done(self, done: InferenceDone) -> None:
        if done.session_id == self.session:
            with self._changed:
                self.done = done
                self._changed.notify_all()

    def on_verdict(self, verdict: OversightVerdict) -> None:
        if verdict.session_id == self.session and verdict.action == Action.Halt:
            with self._changed:
                self.halt = verdict
                self._changed.notify_all()

    def _is_over(self) -> bool:
        done = self.done
        return done is not None and self.tokens == done.tokens and (
            done.reason != EndReason.Halted or self.halt is not None)

    def wait(self) -> None:
        """Until the end has come, and all that was shown before it: each type has an order of its own."""
        with self._changed:
            if not self._changed.wait_for(self._is_over, PATIENCE):
                raise PluginError(f"session {self.session} did not end within {PATIENCE:.0f} s")


Check = tuple[bool, str, str]


def show_oversight(runtime: Runtime, publisher: Publisher, text: str, page: Page) -> list[Check]:
    """One session that ends clean, one that is halted before the word that was planted is released; what has to hold
    of both, for the page's checks."""
    page.title("The same text as tokens, scored in Python before anyone sees them")
    words = re.findall(rf"[{SPACES}]*[^{SPACES}]+|[{SPACES}]+$", text)[:MOST_WORDS]
    known = {word.strip(SPACES) for word in words}

    def score(question: ScoreQuestion) -> float:
        """A word of the text is coherent with it."""
        return 0.95 if question.token.strip(SPACES) in known else 0.05

    logging.getLogger("mycelium").setLevel(logging.ERROR)  # the halt is told below
    with runtime.oversight({"deadline_ms": 1000.0 * PATIENCE}, score, name="demo", capacity=16) as oversight:
        begin = time.perf_counter()
        clean, said = say(runtime, publisher, oversight, 1, None, 0, len(words))
        seconds = time.perf_counter() - begin
        page.line("clean run", f"{plural(clean.tokens, 'token')} scored and shown in {seconds:.2f} s: "
                               f"{clean.tokens / seconds:,.0f} a second")
        planted_at = len(words) // 2
        halted, stopped = say(runtime, publisher, oversight, 2, PLANTED, planted_at, len(words))
    tell_halt(page, halted, stopped)
    whole = clean.text == "".join(words)
    before = halted.text == "".join(words[:planted_at]) and PLANTED not in halted.text
    return [
        (whole and clean.halt is None, "clean run", f"ended with {clean.done.reason.name}; what was shown is "
                                                    + ("the text" if whole else "not the text")),
        (before and halted.halt is not None, "halted run", f"ended with {halted.done.reason.name}; "
         + (f"nothing from '{PLANTED}' on was shown" if before else "what was shown is not the text before it")),
    ]


def say(runtime: Runtime, publisher: Publisher, oversight: Oversight, session: int, planted: str | None,
        planted_before: int, count: int) -> tuple[Reader, Said]:
    reader = Reader(session)
    with (runtime.subscribe(InferenceToken, reader.on_token), runtime.subscribe(InferenceDone, reader.on_done),
          runtime.subscribe(OversightVerdict, reader.on_verdict)):
        said = publisher.say(session, oversight.attach(session), count, planted, planted_before)
        reader.wait()
        runtime.flush(PATIENCE)  # what comes last is delivered, not dropped with its subscription
    return reader, said


def tell_halt(page: Page, reader: Reader, said: Said) -> None:
    halt = reader.halt
    if halt is None:
        page.line("halted run", "was not halted")
        return
    page.line("halted run", f"before token {halt.index:,}: {halt.reason}; the source stopped after "
                            f"{plural(said.tokens, 'token')}")
    page.line("last shown", "\u2026 " + " ".join(reader.text.split()[-6:]))
    page.line("evidence", "  ".join(f"{sample.index}: {sample.score:.2f}" for sample in halt.evidence[-6:]))
