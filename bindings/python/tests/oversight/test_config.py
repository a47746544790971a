"""Configurations, on both backends: defaults, rules with their texts, JSON."""

import itertools
import math
import pickle
import random
import unittest

import backfire_kernel
import director_ai.pure
from both_kernels import OnBothKernels

DEFAULTS = {
    "coherence_threshold": 0.6,
    "hard_limit": 0.5,
    "soft_limit": 0.7,
    "w_logic": 0.6,
    "w_fact": 0.4,
    "window_size": 10,
    "window_threshold": 0.55,
    "trend_window": 5,
    "trend_threshold": 0.15,
    "history_window": 5,
    "deadline_ms": 50.0,
    "logit_entropy_limit": 1.2,
}


class ConfigTest(OnBothKernels):
    def test_defaults(self):
        config = self.kernels.BackfireConfig()
        for name, value in DEFAULTS.items():
            self.assertEqual(getattr(config, name), value, name)
            self.assertIs(type(getattr(config, name)), type(value), name)
        self.assertEqual(config.to_dict(), DEFAULTS)

    def test_texts_of_what_is_wrong(self):
        for fields, text in (
            ({"hard_limit": 1.5}, "hard_limit must be in [0, 1], is 1.5"),
            ({"hard_limit": 0.8}, "soft_limit must be >= hard_limit (0.8), is 0.7"),
            ({"w_logic": 0.5}, "w_logic + w_fact must be 1 within 1e-9, is 0.9"),
            ({"window_size": 0}, "window_size must be in [1, 65536], is 0"),
            ({"window_size": -1}, "window_size must be in [1, 65536], is -1"),
            ({"trend_window": 1}, "trend_window must be in [2, 65536], is 1"),
            ({"history_window": 2**40}, f"history_window must be in [0, 65536], is {2**40}"),
            ({"trend_threshold": 0}, "trend_threshold must be finite and > 0, is 0"),
            ({"deadline_ms": math.inf}, "deadline_ms must be finite and > 0, is inf"),
            ({"logit_entropy_limit": -1e-7}, "logit_entropy_limit must be finite and > 0, is -0.0000001"),
            ({"coherence_threshold": math.nan}, "coherence_threshold must be in [0, 1], is nan"),
            ({"window_size": -1, "soft_limit": 2}, "soft_limit must be in [0, 1], is 2"),
        ):
            with self.subTest(text), self.assertRaises(ValueError) as caught:
                self.kernels.BackfireConfig(**fields)
            self.assertEqual(str(caught.exception), f"config error: {text}")

    def test_every_field_refuses_nan_and_infinity(self):
        for name, value in itertools.product(DEFAULTS, (math.nan, math.inf, -math.inf)):
            with self.subTest(name), self.assertRaises((ValueError, TypeError)):
                self.kernels.BackfireConfig(**{name: value})

    def test_what_is_no_number(self):
        for name, value in itertools.product(DEFAULTS, ("0.5", None, [0.5])):
            with self.assertRaisesRegex(TypeError, f"config error: {name} must be a (whole )?number, is "):
                self.kernels.BackfireConfig(**{name: value})
        with self.assertRaises(TypeError):
            self.kernels.BackfireConfig(window_size=2.5)
        with self.assertRaises(TypeError):
            self.kernels.BackfireConfig(0.5)
        with self.assertRaises(TypeError):
            self.kernels.BackfireConfig(nonsense=1)

    def test_it_does_not_change(self):
        config = self.kernels.BackfireConfig()
        with self.assertRaises(AttributeError):
            config.hard_limit = 0.1
        other = config.replace(hard_limit=0.1)
        self.assertEqual((config.hard_limit, other.hard_limit), (0.5, 0.1))
        self.assertNotEqual(config, other)
        self.assertEqual(len({config, other, self.kernels.BackfireConfig()}), 2)
        with self.assertRaises(ValueError):
            config.replace(hard_limit=0.9)
        self.assertEqual(pickle.loads(pickle.dumps(other)), other)

    def test_json_and_back(self):
        dice = random.Random(7)
        for _ in range(100):
            hard, soft = sorted((dice.random(), dice.random()))
            logic = dice.random()
            config = self.kernels.BackfireConfig(
                hard_limit=hard, soft_limit=soft, w_logic=logic, w_fact=1 - logic, deadline_ms=dice.expovariate(1e-6)
            )
            self.assertEqual(self.kernels.BackfireConfig.from_json(config.to_json()), config)
        self.assertEqual(self.kernels.BackfireConfig.from_json("{}"), self.kernels.BackfireConfig())
        self.assertEqual(self.kernels.BackfireConfig.from_json(b'{"hard_limit": 0.25}').hard_limit, 0.25)

    def test_json_that_is_refused(self):
        for text in (
            *("", "null", "[]", "3", "{", '{"hard_limit": 0.5', '{"hard_limit": "0.5"}', '{"hard_limit": null}'),
            *(
                '{"hard_limit": true}',
                '{"Hard_limit": 0.5}',
                '{"nonsense": 1}',
                '{"hard_limit": 0.1, "hard_limit": 0.1}',
            ),
            *('{"hard_limit": 1.5}', '{"hard_limit": NaN}', '{"deadline_ms": Infinity}', '{"window_size": 2.5}'),
            *('{"window_size": -1}', '{"window_size": 1e99}', "{} {}", b'{"hard_limit": 0.5}\xff', "{'hard_limit': 1}"),
        ):
            with self.subTest(text), self.assertRaisesRegex(ValueError, "^config error: "):
                self.kernels.BackfireConfig.from_json(text)

    def test_options(self):
        options = self.kernels.StreamOptions()
        self.assertEqual((options.soft_halt, options.soft_tokens, options.evidence_size), (False, 50, 16))
        for fields, text in (
            ({"soft_tokens": 0}, "soft_tokens must be in [1, 65536], is 0"),
            ({"score_every": -2}, "score_every must be in [1, 65536], is -2"),
            ({"ewma_weight": 0}, "ewma_weight must be in (0, 1], is 0"),
            ({"cusum_limit": math.nan}, "cusum_limit must be finite and > 0, is nan"),
        ):
            with self.subTest(text), self.assertRaises(ValueError) as caught:
                self.kernels.StreamOptions(**fields)
            self.assertEqual(str(caught.exception), f"config error: {text}")

    def test_keyword_arguments_of_a_kernel(self):
        config = self.kernels.BackfireConfig(window_size=3)
        kernel = self.kernels.RustStreamingKernel(config, hard_limit=0.25, score_every=2, halt_mode="soft")
        self.assertEqual(kernel.config, config.replace(hard_limit=0.25))
        self.assertEqual(kernel.options, self.kernels.StreamOptions(score_every=2, soft_halt=True))
        with self.assertRaisesRegex(TypeError, "nonsense"):
            self.kernels.RustStreamingKernel(nonsense=1)
        with self.assertRaisesRegex(ValueError, 'config error: halt_mode must be "hard" or "soft"'):
            self.kernels.RustStreamingKernel(halt_mode="gentle")


class SameTextsTest(unittest.TestCase):
    def test_random_wrong_values_have_the_same_text_on_both(self):
        dice = random.Random(11)
        doubles = [0.5, 1.5, -0.0, 1e-310, 1e23, 123456.789, math.nan, -math.inf, 2.0**60, 0.1 + 0.2]
        wholes = [0, 1, 5, 65536, 65537, -1, 2**32, -(2**63)]
        different = 0
        for _ in range(5000):
            fields = {
                name: dice.choice(wholes if isinstance(value, int) else doubles)
                for name, value in DEFAULTS.items()
                if dice.random() < 0.2
            }
            said = []
            for kernels in (backfire_kernel, director_ai.pure):
                try:
                    said.append(repr(kernels.BackfireConfig(**fields)))
                except ValueError as why:
                    said.append(str(why))
            self.assertEqual(said[0], said[1], fields)
            different += said[0].startswith("config error")
        self.assertGreater(different, 1000)

    def test_json_is_the_same_on_both(self):
        texts = [
            *('{"window_size": 8.0}', '{"window_size": 2.5}', '{"window_size": -3}', '{"window_size": 4294967306}'),
            *('{"hard_limit": 1}', '{"hard_limit": "0.5"}', '{"hard_limit": [0.5]}', '{"hard_limit": {}}', '"x"', "1"),
            *('{"hard_limit": null}', "[]", "null", '{"hard": 1}', '{"hard_limit": 0.1, "hard_limit": 0.2}', "{}"),
            *('{"w_fact": 0.5}', '{"\u00e4": 1}', ' { "soft_limit" : 1e0 } ', '{"hard_limit": true}'),
        ]
        for text in texts:
            said = []
            for kernels in (backfire_kernel, director_ai.pure):
                try:
                    said.append(kernels.BackfireConfig.from_json(text).to_json())
                except ValueError as why:
                    said.append(str(why))
            with self.subTest(text):
                self.assertEqual(said[0], said[1])
        dice = random.Random(3)
        for _ in range(1000):
            value = dice.choice([dice.random(), dice.expovariate(1), 10 ** dice.uniform(-300, 300)])
            native, plain = (each.BackfireConfig(deadline_ms=value) for each in (backfire_kernel, director_ai.pure))
            for reader in (backfire_kernel, director_ai.pure):
                for written in (native.to_json(), plain.to_json()):
                    self.assertEqual(reader.BackfireConfig.from_json(written).deadline_ms, value)


if __name__ == "__main__":
    unittest.main()
