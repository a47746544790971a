#!/usr/bin/env python3
"""The kernel in plain Python, written from docs/oversight.md alone, decides as the library does: bit by bit, on random
streams. It is the one that director_ai falls back to.

  parity_test.py LIBRARY [STREAMS]
"""

import ctypes
import importlib.util
import math
import pathlib
import random
import struct
import sys
from ctypes import c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

CHECKS = pathlib.Path(__file__).parents[2] / "bindings" / "python" / "director_ai" / "pure" / "checks.py"


def load(path):
    """A module by its file: its package needs to be built."""
    spec = importlib.util.spec_from_file_location("checks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


plain = load(CHECKS)


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


def values(record):
    """What a struct or a named tuple holds; doubles as their bits, so that equal means the same number."""
    names = getattr(record, "_fields", None) or [name for name, _ in record._fields_ if name != "struct_size"]
    found = {name: getattr(record, name) for name in names}
    return {name: struct.pack("d", value) if isinstance(value, float) else value for name, value in found.items()}


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
    kernel = plain.Checks(config, options)
    middle, spread = dice.uniform(0.4, 0.95), dice.choice([0.0, 0.02, 0.1])
    for _ in range(dice.randrange(1, 80)):
        token, seen = random_token(dice, middle, spread)
        text, native, told = token.encode(), Verdict(ctypes.sizeof(Verdict)), ctypes.create_string_buffer(200)
        assert library.backfire_stream_observe(stream, text, c_size_t(len(text)), ctypes.byref(seen),
                                               ctypes.byref(native)) == 0
        decided = kernel.push(token, seen)
        assert values(decided) == values(native), (values(decided), values(native))
        library.backfire_reason_text(native.kind, c_double(native.measured), c_double(native.limit), told,
                                     c_size_t(200), None)
        assert told.value.decode() == plain.reason_text(decided.kind, decided.measured, decided.limit), told.value
        kinds[native.action, native.kind] = kinds.get((native.action, native.kind), 0) + 1
    session = Session(ctypes.sizeof(Session))
    assert library.backfire_stream_finish(stream, ctypes.byref(session)) == 0
    summary = values(kernel.finish())
    assert summary == values(session), (summary, values(session))
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
    halted = {kind for action, kind in kinds if action == plain.HALT}
    assert halted == {1, 2, 3, 4, 5, 6, 7, 9}, f"only these checks fired: {halted}"
    assert any(action == plain.FINISH for action, _ in kinds), "no stream halted softly"
    print(f"{streams} streams, {sum(kinds.values())} tokens: the same verdicts, every check fired")


if __name__ == "__main__":
    main()
