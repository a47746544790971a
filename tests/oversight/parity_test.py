#!/usr/bin/env python3
"""The kernel in plain Python, from docs/oversight.md alone, decides as the library does: bit by bit, on random streams.

  parity_test.py LIBRARY [STREAMS]
"""

import ctypes
import math
import random
import struct
import sys
from ctypes import c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from decimal import Decimal

KINDS = ["", "hard_limit", "window_avg", "downward_trend", "entropy", "deadline", "ewma", "cusum", "kernel_inactive",
         "invalid_score"]
RELEASE, WARN, FINISH, HALT = range(4)


def declare(name, *fields):
    return type(name, (ctypes.Structure,), {"_fields_": [("struct_size", c_size_t), *fields]})


def of_type(kind, names):
    return [(name, kind) for name in names.split()]


Config = declare("Config", *of_type(c_double, "coherence_threshold hard_limit soft_limit w_logic w_fact "
                                    "window_threshold trend_threshold deadline_ms logit_entropy_limit"),
                 *of_type(c_uint32, "window_size trend_window history_window"))
Options = declare("Options", *of_type(c_uint32, "soft_halt soft_tokens whole_sentences score_every evidence_size ewma"),
                  *of_type(c_double, "ewma_weight ewma_limit cusum_target cusum_slack cusum_limit"),
                  *of_type(c_uint32, "cusum reserved"))
Seen = declare("Seen", *of_type(c_uint32, "scored has_entropy"), *of_type(c_double, "score latency_ms entropy"),
               ("error", c_char_p))
Verdict = declare("Verdict", ("index", c_uint64), *of_type(c_int32, "action kind"),
                  *of_type(c_double, "score measured limit"), ("released", c_uint64))
Session = declare("Session", *of_type(c_int32, "halted kind"), ("halt_index", c_int64),
                  *of_type(c_double, "measured limit"), *of_type(c_uint64, "tokens scored released warnings"),
                  *of_type(c_double, "average minimum"))


def values(record, *leave_out):
    """What a struct holds; doubles as their bits, so that equal means the same number."""
    out = {}
    for name, kind in record._fields_:
        if name not in ("struct_size", *leave_out):
            value = getattr(record, name)
            out[name] = struct.pack("d", value) if kind is c_double else value
    return out


def units(score):
    return int(min(max(score, 0.0), 1.0) * 2.0**53)


def reason(kind, measured, limit):
    if kind in (0, 8, 9):
        return KINDS[kind]
    sign = "<" if kind in (1, 2, 6) else ">"
    unit = " ms" if kind == 5 else ""
    shortest = format(Decimal(repr(limit)), "f")
    shortest = shortest.rstrip("0").rstrip(".") if "." in shortest else shortest
    return f"{KINDS[kind]} ({measured:.4f}{unit} {sign} {shortest}{unit})"


def sentence_part(token):
    rest = token.rstrip(" \t\r\"')]}")
    return None if not rest else rest[-1] in ".!?\n\u2026\u3002\uff01\uff1f"


class Kernel:
    """One stream, everything kept, nothing clever."""

    def __init__(self, config, options):
        self.config, self.options = config, options
        self.scores, self.tokens, self.released, self.warnings = [], 0, 0, 0
        self.smoothed, self.drift, self.until_score = 0.0, 0.0, 0
        self.mid_sentence, self.soft_left, self.fired, self.halt_index, self.last = False, None, None, -1, None

    def check(self, seen, score, counts):
        c, o, scores = self.config, self.options, self.scores
        if counts:
            self.smoothed = score if len(scores) == 1 else self.smoothed + o.ewma_weight * (score - self.smoothed)
            self.drift = max(0.0, self.drift + ((o.cusum_target - o.cusum_slack) - score))
            if score < c.hard_limit:
                return 1, score, c.hard_limit
            window = [units(each) for each in scores[-c.window_size:]]
            if len(window) == c.window_size and sum(window) < c.window_size * units(c.window_threshold):
                return 2, float(sum(window)) / (float(c.window_size) * 2.0**53), c.window_threshold
            if len(scores) >= c.trend_window and scores[-c.trend_window] - score > c.trend_threshold:
                return 3, scores[-c.trend_window] - score, c.trend_threshold
        if seen.has_entropy and not seen.entropy <= c.logit_entropy_limit:
            return 4, seen.entropy, c.logit_entropy_limit
        if counts:
            if not seen.latency_ms <= c.deadline_ms:
                return 5, seen.latency_ms, c.deadline_ms
            if o.ewma and self.smoothed < o.ewma_limit:
                return 6, self.smoothed, o.ewma_limit
            if o.cusum and self.drift > o.cusum_limit:
                return 7, self.drift, o.cusum_limit
        return None

    def push(self, token, seen):
        if self.last:
            return self.last
        wanted = self.until_score == 0
        self.until_score = self.options.score_every - 1 if wanted else self.until_score - 1
        counts = wanted or bool(seen.scored) or seen.error is not None
        valid = bool(seen.scored) and seen.error is None and math.isfinite(seen.score)
        score = seen.score if valid else 0.0
        if counts:
            self.scores.append(score)
            self.warnings += score < self.config.soft_limit
        fired = self.check(seen, score, counts)
        if counts and not valid and not (fired and fired[0] == 1):
            fired = 9, 0.0, self.config.hard_limit
        finishing = self.soft_left is not None
        if fired and not (self.options.soft_halt and fired[0] in (2, 3, 4, 6, 7)):
            return self.halt(fired, score)
        if not fired and not finishing:
            return self.let_pass(token, score, WARN if counts and score < self.config.soft_limit else RELEASE)
        if not finishing:
            if not self.mid_sentence:
                return self.halt(fired, score)
            self.soft_left, self.fired, self.halt_index = self.options.soft_tokens, fired, self.tokens
        elif not self.mid_sentence or self.soft_left == 0:
            return self.halt(self.fired, score)
        self.soft_left -= 1
        return self.let_pass(token, score, FINISH)

    def halt(self, fired, score):
        if self.fired is None or fired[0] != self.fired[0]:
            self.halt_index = self.tokens
        self.fired, self.soft_left = fired, None
        self.last = Verdict(0, self.tokens, HALT, fired[0], score, fired[1], fired[2], self.released)
        self.tokens += 1
        return self.last

    def let_pass(self, token, score, action):
        if self.options.soft_halt or self.options.whole_sentences:
            part = sentence_part(token)
            self.mid_sentence = self.mid_sentence if part is None else not part
        self.tokens += 1
        if not (self.options.whole_sentences and self.mid_sentence):
            self.released = self.tokens
        kind, measured, limit = self.fired if action == FINISH else (0, 0.0, 0.0)
        return Verdict(0, self.tokens - 1, action, kind, score, measured, limit, self.released)

    def finish(self):
        if self.last is None and self.soft_left is None:
            self.released = self.tokens
        kind, measured, limit = self.fired or (0, 0.0, 0.0)
        total = 0.0
        for each in self.scores:
            total += each
        return Session(0, self.halt_index >= 0, kind, self.halt_index, measured, limit, self.tokens, len(self.scores),
                       self.released, self.warnings, total / len(self.scores) if self.scores else 0.0,
                       min(self.scores, default=0.0))


def random_setting(dice, library):
    config, options = Config(), Options()
    library.backfire_config_init(ctypes.byref(config))
    library.backfire_options_init(ctypes.byref(options))
    config.hard_limit = dice.choice([0.5, 0.0, 0.3, 0.1])
    config.window_size = dice.choice([10, 1, 3, 40])
    config.window_threshold = dice.choice([0.55, 0.0, 0.7, 1 / 3])
    config.trend_window = dice.choice([5, 2, 9])
    config.trend_threshold = dice.choice([0.15, 0.3, 2.0])
    options.soft_halt, options.whole_sentences = dice.randrange(2), dice.randrange(2)
    options.soft_tokens = dice.choice([50, 2])
    options.score_every = dice.choice([1, 1, 3])
    options.ewma, options.cusum = dice.randrange(2), dice.randrange(2)
    options.cusum_target = dice.choice([0.75, 0.6])
    return config, options


def random_token(dice, middle, spread):
    score = dice.gauss(middle, spread) if dice.random() < 0.9 else middle
    if dice.random() < 0.002:
        score = dice.choice([math.nan, math.inf, -math.inf, -0.25, 1.75])
    seen = Seen(ctypes.sizeof(Seen), dice.random() < 0.995, dice.random() < 0.3, score,
                60.0 if dice.random() < 0.003 else dice.random() * 50, dice.random() * 1.203,
                b"it raised" if dice.random() < 0.002 else None)
    return dice.choice(["a", "word ", "end. ", "\u3002", " ", '."', "line\n", "3.5", ")"]), seen


def run_stream(dice, library, kinds):
    config, options = random_setting(dice, library)
    stream = c_void_p()
    status = library.backfire_stream_begin(ctypes.byref(config), ctypes.byref(options), None, ctypes.byref(stream))
    assert status == 0, library.backfire_last_error()
    kernel = Kernel(config, options)
    middle, spread = dice.uniform(0.4, 0.95), dice.choice([0.0, 0.02, 0.1])
    for _ in range(dice.randrange(1, 80)):
        token, seen = random_token(dice, middle, spread)
        text, native, told = token.encode(), Verdict(ctypes.sizeof(Verdict)), ctypes.create_string_buffer(200)
        assert library.backfire_stream_observe(stream, text, c_size_t(len(text)), ctypes.byref(seen),
                                               ctypes.byref(native)) == 0
        plain = kernel.push(token, seen)
        assert values(plain) == values(native), (values(plain), values(native))
        library.backfire_reason_text(native.kind, c_double(native.measured), c_double(native.limit), told,
                                     c_size_t(200), None)
        assert told.value.decode() == reason(plain.kind, plain.measured, plain.limit), told.value
        kinds[native.action, native.kind] = kinds.get((native.action, native.kind), 0) + 1
    session = Session(ctypes.sizeof(Session))
    assert library.backfire_stream_finish(stream, ctypes.byref(session)) == 0
    assert values(kernel.finish()) == values(session), (values(kernel.finish()), values(session))
    library.backfire_stream_destroy(stream)


def main():
    library = ctypes.CDLL(sys.argv[1])
    library.backfire_last_error.restype = c_char_p
    library.backfire_stream_destroy.argtypes = [c_void_p]
    streams = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    kinds = {}
    for seed in range(streams):
        try:
            run_stream(random.Random(seed), library, kinds)
        except AssertionError as difference:
            sys.exit(f"stream {seed}: {difference}")
    halted = {kind for action, kind in kinds if action == HALT}
    assert halted == {1, 2, 3, 4, 5, 6, 7, 9}, f"only these checks fired: {halted}"
    assert any(action == FINISH for action, _ in kinds), "no stream halted softly"
    print(f"{streams} streams, {sum(kinds.values())} tokens: the same verdicts, every check fired")


if __name__ == "__main__":
    main()
