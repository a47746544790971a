"""A message is new once, in whatever order its source's messages come."""

import random
import unittest

from mycelium_client._seen import MOST_SOURCES, WINDOW, SeenMessages

SOURCE = (1, 2, 1001)


class SeenMessagesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.seen = SeenMessages()

    def test_are_new_once(self) -> None:
        for sequence in range(1, 5001):
            self.assertTrue(self.seen.add(SOURCE, sequence), sequence)
        for sequence in range(1, 5001):
            self.assertFalse(self.seen.add(SOURCE, sequence), sequence)

    def test_may_come_late_within_the_window(self) -> None:
        self.assertTrue(self.seen.add(SOURCE, 1))
        for sequence in range(3, 3 + WINDOW - 1):
            self.assertTrue(self.seen.add(SOURCE, sequence))
        self.assertTrue(self.seen.add(SOURCE, 2))
        self.assertFalse(self.seen.add(SOURCE, 2))

    def test_that_are_older_than_those_that_are_remembered_have_come(self) -> None:
        self.assertTrue(self.seen.add(SOURCE, 1))
        for sequence in range(3, 3 + 2 * WINDOW):
            self.assertTrue(self.seen.add(SOURCE, sequence))
        self.assertFalse(self.seen.add(SOURCE, 2))

    def test_are_counted_by_messages_and_not_by_numbers(self) -> None:
        """Sequences of one type have gaps: a publisher numbers what it publishes of all types."""
        for sequence in range(2_000_000, 2_000_000 + 1000 * WINDOW, 1000):
            self.assertTrue(self.seen.add(SOURCE, sequence))
        self.assertTrue(self.seen.add(SOURCE, 2_000_500))
        self.assertTrue(self.seen.add(SOURCE, 1_999_000))  # the first came by a way that was shorter

    def test_that_are_mixed_up_within_the_window_are_new_once(self) -> None:
        dice = random.Random(11)
        order = sorted(range(2, 40_000), key=lambda sequence: sequence + dice.randrange(WINDOW - 1))
        self.assertTrue(self.seen.add(SOURCE, 1))
        for sequence in order:
            self.assertTrue(self.seen.add(SOURCE, sequence), sequence)
            self.assertFalse(self.seen.add(SOURCE, sequence), sequence)

    def test_of_other_sources_are_other_messages(self) -> None:
        for source in (SOURCE, (1, 2, 1002), (1, 3, 1001), (2, 2, 1001)):
            self.assertTrue(self.seen.add(source, 1))
        self.assertFalse(self.seen.add(SOURCE, 1))

    def test_may_have_the_largest_numbers(self) -> None:
        largest = 2**64 - 1
        self.assertTrue(self.seen.add((largest, largest, 65535), largest))
        self.assertFalse(self.seen.add((largest, largest, 65535), largest))

    def test_are_remembered_of_so_many_sources_only(self) -> None:
        for origin in range(1, 2 * MOST_SOURCES):
            self.assertTrue(self.seen.add((origin, 1, 1), 1))
            self.assertLessEqual(self.seen.sources, MOST_SOURCES)

    def test_are_so_many_and_no_more(self) -> None:
        seen = SeenMessages(most_sequences=10 * WINDOW)
        for sequence in range(1, 1000):
            for origin in range(1, 50):
                self.assertTrue(seen.add((origin, 1, 1), sequence))
                self.assertLessEqual(seen.sequences, 10 * WINDOW)


if __name__ == "__main__":
    unittest.main()
