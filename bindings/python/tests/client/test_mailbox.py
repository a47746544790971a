"""Mailboxes: a bound, a policy, an order, and a counter for each that is lost."""

import unittest

from mycelium_client import MailboxFullError
from mycelium_client._mailbox import Mailbox
from mycelium_client._message import Message


def numbered(number: int) -> Message:
    return Message(1, bytes((number,)))


class MailboxTest(unittest.IsolatedAsyncioTestCase):
    def fill(self, policy: str, count: int) -> Mailbox:
        self.wakes = 0

        def filled() -> None:
            self.wakes += 1

        box = Mailbox(3, policy, 1.0, filled)
        self.waits = [box.put(numbered(i)) for i in range(count)]
        return box

    def taken(self, box: Mailbox) -> list[int]:
        numbers = []
        while box.waiting:
            numbers.append(box.take().payload[0])
        return numbers

    async def test_drop_oldest_keeps_the_latest(self) -> None:
        box = self.fill("drop_oldest", 5)
        self.assertEqual((self.taken(box), dict(box.dropped), self.wakes), ([2, 3, 4], {"oldest": 2}, 1))

    async def test_drop_newest_keeps_the_first(self) -> None:
        box = self.fill("drop_newest", 5)
        self.assertEqual((self.taken(box), dict(box.dropped)), ([0, 1, 2], {"newest": 2}))

    async def test_fail_says_so(self) -> None:
        box = self.fill("fail", 3)
        with self.assertRaisesRegex(MailboxFullError, "3 messages wait already"):
            box.put(numbered(3))
        self.assertEqual(
            (self.taken(box), dict(box.dropped), box.offered, box.delivered), ([0, 1, 2], {"full": 1}, 4, 3)
        )

    async def test_who_waits_for_room_keeps_its_place(self) -> None:
        box = self.fill("block", 5)
        self.assertEqual([wait is None for wait in self.waits], [True, True, True, False, False])
        self.assertEqual(box.take().payload[0], 0)
        self.assertTrue(self.waits[3].done())
        self.assertFalse(self.waits[4].done())
        late = box.put(numbered(5))  # there are others before it
        self.assertIsNotNone(late)
        self.assertEqual(self.taken(box), [1, 2, 3, 4, 5])
        self.assertEqual(box.drops, 0)

    async def test_who_gives_up_counts_as_dropped(self) -> None:
        box = self.fill("block", 5)
        box.give_up(self.waits[3])
        self.assertEqual((self.taken(box), dict(box.dropped)), ([0, 1, 2, 4], {"timeout": 1}))

    async def test_the_end_frees_who_waits(self) -> None:
        box = self.fill("block", 5)
        box.end("closed")
        self.assertEqual([wait.result() for wait in self.waits[3:]], [False, False])
        self.assertTrue(box.is_empty)
        self.assertEqual((box.drops, box.offered), (5, 5))


if __name__ == "__main__":
    unittest.main()
