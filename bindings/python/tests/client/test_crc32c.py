"""CRC-32C in plain Python: the examples of RFC 3720, and a bit by bit one."""

import random
import unittest

from mycelium_client import _crc32c


def bit_by_bit(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


class Crc32cTest(unittest.TestCase):
    def test_the_examples_of_the_standard(self) -> None:
        for data, crc in (
            (bytes(32), 0x8A9136AA),
            (b"\xff" * 32, 0x62A8AB43),
            (bytes(range(32)), 0x46DD794E),
            (bytes(range(31, -1, -1)), 0x113FDB5C),
            (b"123456789", 0xE3069283),
            (b"", 0),
        ):
            self.assertEqual(_crc32c.in_python(data), crc, data)

    def test_all_ways_agree(self) -> None:
        dice = random.Random(1)
        for length in [*range(80), *range(1000, 1100, 7), 4096, 5000, 20_001]:
            data = dice.randbytes(length)
            expected = bit_by_bit(data)
            self.assertEqual(_crc32c.in_python(data), expected, length)
            self.assertEqual(_crc32c.crc32c(data), expected, length)
            if length >= 64:
                self.assertEqual(_crc32c._long(data, 0xFFFFFFFF) ^ 0xFFFFFFFF, expected, length)

    def test_it_goes_on_where_another_ended(self) -> None:
        dice = random.Random(2)
        for _ in range(50):
            data = dice.randbytes(dice.randrange(3000))
            cut = dice.randint(0, len(data))
            self.assertEqual(_crc32c.in_python(data[cut:], _crc32c.in_python(data[:cut])), _crc32c.in_python(data))


if __name__ == "__main__":
    unittest.main()
