"""The Python of the source document runs as it is written there: two kernels, and the agent with its detection."""

import pathlib
import re
import unittest

from isolated import run_program

PAGE = pathlib.Path(__file__).with_name("source_document") / "blocks.md"
# What each block leaves, or prints.
PRINTS = ["False 0.9\n", "True\n"]
LEAVES = ["assert result == 'Hello world !', result\nassert session.output == 'The sky is blue.'\n", ""]


class SourceDocumentTest(unittest.TestCase):
    def test_its_blocks_run(self):
        blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        self.assertEqual(len(blocks), len(PRINTS))
        for block, prints, leaves in zip(blocks, PRINTS, LEAVES, strict=True):
            with self.subTest(block):
                self.assertEqual(run_program(block + leaves), prints)

    def test_every_class_that_it_names_is_there(self):
        import backfire_kernel

        for name in (
            *("BackfireConfig", "RustSafetyKernel", "RustStreamingKernel", "RustCoherenceScorer", "UPDEStepper"),
            *("L16Controller", "SSGFEngine", "TCBOObserver", "PGBOEngine"),
        ):
            self.assertIsInstance(getattr(backfire_kernel, name), type, name)
            other = name.removeprefix("Rust") if name.startswith("Rust") else f"Rust{name}"
            if name != "BackfireConfig":
                self.assertIs(getattr(backfire_kernel, other), getattr(backfire_kernel, name))


if __name__ == "__main__":
    unittest.main()
