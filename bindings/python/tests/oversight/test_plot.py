"""The picture of a session, read back from its SVG."""

import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as tree

from both_kernels import OnBothKernels
from isolated import run_program

SVG = "{http://www.w3.org/2000/svg}"
TOP, BOTTOM, LEFT, RIGHT = 56.0, 352.0, 56.0, 936.0


class PlotTest(OnBothKernels):
    def draw(self, session):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "session.svg")
            session.plot(path)
            first = path.read_text(encoding="utf-8")
            self.kernels.plot_session(session, str(path))
            self.assertEqual(path.read_text(encoding="utf-8"), first)
        return tree.fromstring(first)

    def by_id(self, root, name):
        found = [each for each in root.iter() if each.get("id") == name]
        self.assertLessEqual(len(found), 1)
        return found[0] if found else None

    def points(self, root, name):
        text = self.by_id(root, name).get("points")
        return [tuple(map(float, each.split(","))) for each in text.split()]

    def session(self, scores, tokens=None, **fields):
        kernel = self.kernels.RustStreamingKernel(trend_threshold=5, **fields)
        return kernel.stream_tokens(tokens or ["t "] * len(scores), scores)

    def y(self, score):
        return TOP + (1 - score) * (BOTTOM - TOP)

    def test_scores_limits_and_mean(self):
        scores = [0.9, 0.8, 0.95, 0.6, 0.75]
        root = self.draw(self.session(scores, window_size=2))
        found = self.points(root, "scores")
        self.assertEqual(len(found), 5)
        for place, ((x, y), score) in enumerate(zip(found, scores, strict=True)):
            self.assertAlmostEqual(x, LEFT + place / 4 * (RIGHT - LEFT), places=1)
            self.assertAlmostEqual(y, self.y(score), places=1)
        means = self.points(root, "window-mean")
        self.assertEqual(len(means), 4)
        for (_, y), mean in zip(means, (0.85, 0.875, 0.775, 0.675), strict=True):
            self.assertAlmostEqual(y, self.y(mean), places=1)
        for name, limit in (("hard-limit", 0.5), ("soft-limit", 0.7), ("window-threshold", 0.55)):
            line = self.by_id(root, name)
            self.assertAlmostEqual(float(line.get("y1")), self.y(limit), places=1)
            self.assertEqual(line.get("y1"), line.get("y2"))
        self.assertIsNone(self.by_id(root, "halt"))
        self.assertEqual(len([each for each in root.iter(f"{SVG}circle") if each.get("class") == "score"]), 5)

    def test_the_halt_has_its_place_and_reason(self):
        root = self.draw(self.session([0.9, 0.9, 0.1, 0.9, 0.9]))
        halt = self.by_id(root, "halt")
        self.assertEqual(halt.get("x1"), halt.get("x2"))
        self.assertAlmostEqual(float(halt.get("x1")), RIGHT, places=1)
        self.assertEqual(self.by_id(root, "halt-reason").text, "halted at token 2: hard_limit (0.1000 < 0.5)")

    def test_any_token_gives_well_formed_xml(self):
        tokens = ["<b>", "&amp;", "\0", "\x1b[0m", "\ud800", "\"'", "\uffff", "]]>"]
        root = self.draw(self.session([0.9] * 8, tokens))
        told = [each.find(f"{SVG}title").text for each in root.iter(f"{SVG}circle")]
        self.assertIn("'<b>'", told[0])

    def test_odd_sessions(self):
        for scores in ([], [0.9], [1e300, -1e300], [5.0, 0.9], [float("nan")]):
            with self.subTest(scores):
                root = self.draw(self.session(scores, hard_limit=0.0))
                for x, y in self.points(root, "scores"):
                    self.assertTrue(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM, (x, y))
        kernel = self.kernels.RustStreamingKernel()
        kernel.emergency_stop()
        root = self.draw(kernel.stream_tokens("ab", [0.9, 0.9]))
        self.assertEqual(self.by_id(root, "halt-reason").text, "halted at token 0: kernel_inactive")

    def test_a_long_session_keeps_its_peaks(self):
        scores = [0.8] * 100000
        scores[54321] = 0.6
        found = self.points(self.draw(self.session(scores)), "scores")
        self.assertLess(len(found), 2500)
        self.assertAlmostEqual(max(y for _, y in found), self.y(0.6), places=1)

    def test_other_files(self):
        session = self.session([0.9])
        for name in ("session.jpg", "session"):
            with self.assertRaisesRegex(ValueError, "a plot is an .svg or a .png file"):
                session.plot(name)
        with self.assertRaises(FileNotFoundError):
            session.plot("/no/such/folder/session.svg")

    def test_a_png_needs_matplotlib(self):
        run_program(
            "import sys\n"
            "for name in [name for name in sys.modules if name.startswith('matplotlib')] + ['matplotlib']:\n"
            "    sys.modules[name] = None\n"
            f"import {self.kernels.__name__} as kernels\n"
            "session = kernels.RustStreamingKernel().stream_tokens('ab', [0.9, 0.9])\n"
            "try:\n    session.plot('session.png')\n"
            "except RuntimeError as why:\n    assert 'a .png needs matplotlib' in str(why), why\n"
            "else:\n    raise SystemExit('no error')\n"
        )


class PngTest(OnBothKernels):
    def test_matplotlib_draws_a_png(self):
        try:
            import matplotlib.figure  # noqa: F401
        except ModuleNotFoundError:
            self.skipTest("matplotlib is not installed")
        kernel = self.kernels.RustStreamingKernel()
        for scores in ([0.9, 0.8, 0.1], []):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder, "session.png")
                kernel.stream_tokens("abc"[: len(scores)], scores).plot(path)
                self.assertEqual(path.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")


if __name__ == "__main__":
    unittest.main()
