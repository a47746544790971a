"""Beside libraries that need room in the static block of thread-locals, as OpenMP does (PyTorch, Pillow, scikit-learn)."""

import ctypes.util
import unittest

from isolated import run_program

NEEDY = ctypes.util.find_library("gomp")


class StaticBlockTest(unittest.TestCase):
    @unittest.skipUnless(NEEDY, "libgomp is not installed")
    def test_libgomp_is_loaded_before_and_behind(self) -> None:
        load = f"import ctypes; ctypes.CDLL({NEEDY!r})\n"
        run_program(load + "import backfire_kernel")
        run_program("import backfire_kernel\n" + load)


if __name__ == "__main__":
    unittest.main()
