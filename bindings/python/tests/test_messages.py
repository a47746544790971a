"""What can be encoded and decoded, with either codec, and what generated classes offer."""

import array
import copy
import pickle
import sys
import threading
import unittest
from typing import Any

import golden_protocol
import mycelium_protocol
from collecting import run_program
from golden_protocol import (
    Defaults,
    Drawing,
    Empty,
    Frame,
    Node,
    Optionals,
    Point,
    Scalars,
    ShapeTwin,
    Square,
    Strings,
    Structs,
    Vectors,
)
from mycelium_protocol import BatchOperation, ItemKey, TextMessage
from two_codecs import CODECS, outcome

try:
    import numpy
except ImportError:
    numpy = None

try:
    import flatbuffers.table
except ImportError:
    flatbuffers = None


class BothCodecsTest(unittest.TestCase):
    """Each test runs with both codecs."""

    def each(self) -> Any:
        for name, (encode, decode) in CODECS.items():
            with self.subTest(codec=name):
                yield encode, decode

    def refuses(self, encode: Any, message: Any, error: type, text: str) -> None:
        with self.assertRaisesRegex(error, text) as caught:
            encode(message)
        self.assertIs(type(caught.exception), error)

    def test_values_of_a_wrong_type_name_their_field(self) -> None:
        for encode, _ in self.each():
            self.refuses(encode, Strings(plain=5, needed=""), TypeError, r"^Strings\.plain: expected str, not int$")
            self.refuses(
                encode, Strings(plain=None, needed=""), TypeError, r"^Strings\.plain: expected str, not NoneType$"
            )
            self.refuses(encode, Scalars(int8="x"), TypeError, r"^Scalars\.int8: ")
            self.refuses(encode, Scalars(int8=1.5), TypeError, r"^Scalars\.int8: ")
            self.refuses(encode, Scalars(int8=None), TypeError, r"^Scalars\.int8: ")
            self.refuses(encode, Scalars(float32="x"), TypeError, r"^Scalars\.float32: ")
            self.refuses(encode, Node(next=Empty()), TypeError, r"^Node\.next: expected Node, not Empty$")
            self.refuses(
                encode, Node(children=[Node(), Node(name=b"x")]), TypeError, r"^Node\.name: expected str, not bytes$"
            )
            self.refuses(encode, Node(children="Node"), TypeError, r"^Node\.children: ")
            self.refuses(encode, Drawing(main=Point()), TypeError, r"^Drawing\.main: Point is no member of the union$")
            self.refuses(encode, Structs(point=Empty()), TypeError, r"^Structs\.point: expected Point, not Empty$")
            self.refuses(
                encode, Structs(frame=Frame(origin=None)), TypeError, r"^Frame\.origin: expected Point, not NoneType$"
            )

    def test_values_out_of_range_name_their_field(self) -> None:
        for encode, _ in self.each():
            self.refuses(encode, Scalars(int8=128), ValueError, r"^Scalars\.int8: 128 is not in -128\.\.127$")
            self.refuses(
                encode, Scalars(uint64=-1), ValueError, r"^Scalars\.uint64: -1 is not in 0\.\.18446744073709551615$"
            )
            self.refuses(encode, Scalars(int64=2**63), ValueError, r"^Scalars\.int64: 9223372036854775808 is not in ")
            self.refuses(encode, Scalars(uint64=2**70), ValueError, r"^Scalars\.uint64: ")
            self.refuses(
                encode, Scalars(float32=1e300), ValueError, r"^Scalars\.float32: .* does not fit into 32 bits$"
            )
            self.refuses(encode, Scalars(float64=10**400), ValueError, r"^Scalars\.float64: ")
            self.refuses(
                encode, Vectors(int16s=[0, 40000], needed=b""), ValueError, r"^Vectors\.int16s: 40000 is not in "
            )
            self.refuses(encode, Vectors(int8s=b"\xff", needed=b""), ValueError, r"^Vectors\.int8s: 255 is not in ")
            self.refuses(
                encode, Structs(frame=Frame(name=b"123456")), ValueError, r"^Frame\.name: needs 5 elements, not 6$"
            )
            self.refuses(
                encode, Structs(frame=Frame(corners=[])), ValueError, r"^Frame\.corners: needs 3 elements, not 0$"
            )
            self.refuses(encode, Strings(plain="\ud800", needed=""), ValueError, r"^Strings\.plain: ")

    def test_other_objects_are_no_messages(self) -> None:
        for encode, decode in self.each():
            for wrong in (5, "text", None, Point(), object()):
                with self.assertRaises(TypeError):
                    encode(wrong)
            for cls in (int, Point):
                with self.assertRaises(TypeError):
                    decode(cls, b"")
            for data in (5, None, "text"):
                with self.assertRaises(TypeError):
                    decode(Empty, data)

    def test_deep_and_cyclic_messages_are_refused(self) -> None:
        for encode, decode in self.each():
            node = Node()
            for _ in range(63):
                node = Node(next=node)
            self.assertEqual(encode(decode(Node, encode(node))), encode(node))
            self.refuses(encode, Node(next=node), ValueError, "deeper than 64")
            node = Node()
            node.next = node
            self.refuses(encode, node, ValueError, "deeper than 64")

    def test_shared_strings_cannot_fill_the_memory(self) -> None:
        text = b"x" * 60000
        count = 20000
        # Strings.list: a vector whose every offset points to one long string.
        body = count.to_bytes(4, "little")
        first = 4 * count
        body += b"".join((first - 4 * i).to_bytes(4, "little") for i in range(count))
        body += len(text).to_bytes(4, "little") + text + b"\0\0\0\0"
        needed = bytes(8)
        vtable = b"\x0a\0\x0c\0\0\0\x04\0\x08\0" + bytes(2)
        table = (12).to_bytes(4, "little") + (8).to_bytes(4, "little") + (12).to_bytes(4, "little")
        data = (16).to_bytes(4, "little") + vtable + table + needed + body
        for _, decode in self.each():
            with self.assertRaisesRegex(ValueError, "shared too many times"):
                decode(Strings, data)

    def test_unions_know_their_members(self) -> None:
        for encode, decode in self.each():
            for value in (Square(side=1.0), ShapeTwin(side=1.0), Drawing(title="t"), None):
                back = decode(Drawing, encode(Drawing(main=value)))
                self.assertIs(type(back.main), type(value))

            class Tile(Square):
                __slots__ = ()

            self.assertIs(type(decode(Drawing, encode(Drawing(main=Tile(side=2.0)))).main), Square)

    def test_values_that_a_newer_schema_has_added_do_not_hurt(self) -> None:
        for encode, decode in self.each():
            colour = decode(Scalars, encode(Scalars(int8=77)))
            self.assertEqual(colour.int8, 77)
            strange = decode(Defaults, encode(Defaults(colour=77, access=8, size=99)))
            self.assertEqual((strange.colour, strange.access, strange.size), (77, 8, 99))
            self.assertEqual([type(v) for v in (strange.colour, strange.access, strange.size)], [int, int, int])
            both = decode(Defaults, encode(Defaults(access=golden_protocol.Access.Read | golden_protocol.Access.Write)))
            self.assertIsInstance(both.access, golden_protocol.Access)
            data = bytearray(encode(Drawing(main=Square(side=1.0))))
            number = next(i for i in range(len(data)) if data[i] == 2 and self.is_union_type(decode, data, i))
            data[number] = 200
            self.assertIsNone(decode(Drawing, data).main)

    @staticmethod
    def is_union_type(decode: Any, data: bytearray, place: int) -> bool:
        changed = bytearray(data)
        changed[place] = 3
        shown = outcome(decode, Drawing, changed)
        return isinstance(shown, Drawing) and isinstance(shown.main, ShapeTwin)

    def test_optionals_tell_absent_from_zero(self) -> None:
        for encode, decode in self.each():
            back = decode(Optionals, encode(Optionals(int32=0)))
            self.assertEqual((back.int32, back.int64, back.boolean), (0, None, None))

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_vectors_take_buffers_and_sequences(self) -> None:
        numbers = [1, 2, 3]
        for encode, _ in self.each():
            expected = encode(Vectors(int32s=numbers, needed=b"\1\2\3"))
            forms: list[Any] = [tuple(numbers), array.array("i", numbers), range(1, 4), numpy.array(numbers, "i4")]
            forms += [numpy.array(numbers, "i8"), numpy.array(numbers, ">i4"), numpy.array([1, 0, 2, 0, 3], "i4")[::2]]
            forms += [memoryview(array.array("l", numbers)), iter(numbers)]
            for form in forms:
                self.assertEqual(encode(Vectors(int32s=form, needed=bytearray(b"\1\2\3"))), expected)
            self.assertEqual(encode(Vectors(int32s=numbers, needed=numpy.array(numbers))), expected)
            flags = numpy.array([True, False])
            self.assertEqual(encode(Vectors(booleans=flags, needed=[])), encode(Vectors(booleans=[1, 0], needed=b"")))

    @unittest.skipUnless(numpy, "numpy is not installed")
    def test_vectors_decode_to_views_of_the_given_memory(self) -> None:
        for encode, decode in self.each():
            data = encode(Vectors(float64s=[0.5, 1.5], uint8s=b"abc", booleans=[True], needed=b"n"))
            back = decode(Vectors, data)
            self.assertEqual((back.float64s.format, back.float64s.tolist()), ("d", [0.5, 1.5]))
            self.assertEqual((back.uint8s.format, bytes(back.uint8s), back.booleans.tolist()), ("B", b"abc", [True]))
            self.assertTrue(back.float64s.readonly)
            whole = numpy.frombuffer(data, "u1")
            for view in (back.float64s, back.uint8s, back.booleans, back.needed):
                seen = numpy.asarray(view)
                self.assertTrue(numpy.shares_memory(seen, whole))
            self.assertEqual(numpy.asarray(back.float64s).dtype, numpy.dtype("f8"))
            self.assertEqual((len(back.int16s), back.int16s.format), (0, "h"))

    def test_views_pin_the_memory_they_show(self) -> None:
        for encode, decode in self.each():
            data = bytearray(encode(Vectors(int32s=[7, 8], needed=b"")))
            view = decode(Vectors, data).int32s
            with self.assertRaises(BufferError):
                data.clear()
            self.assertEqual(view.tolist(), [7, 8])

    def test_a_buffer_with_gaps_is_refused(self) -> None:
        for encode, decode in self.each():
            with self.assertRaisesRegex(ValueError, "contiguous"):
                decode(Empty, memoryview(encode(Empty()) * 2)[::2])

    def test_an_element_that_changes_the_message_meanwhile(self) -> None:
        for encode, decode in self.each():
            items: list[Any] = []

            class Sly:
                def __index__(self) -> int:
                    items.clear()
                    encode(Node(name="another one" * 100))
                    return 5

            items += [Sly(), 6, Sly()]
            back = decode(Vectors, encode(Vectors(int32s=items, needed=b"")))
            self.assertIn(back.int32s.tolist(), ([5, 6, 5], [5]))


class MessagesTest(unittest.TestCase):
    def test_equal_by_value(self) -> None:
        self.assertEqual(Vectors(int32s=[1], needed=b""), Vectors.decode(Vectors(int32s=(1,), needed=[]).encode()))
        self.assertNotEqual(TextMessage(content="a"), TextMessage(content="b"))
        self.assertNotEqual(TextMessage(), Empty())
        with self.assertRaises(TypeError):
            hash(TextMessage())

    def test_copies_and_pickles(self) -> None:
        message = Vectors(int32s=[1, 2], needed=b"x")
        received = Vectors.decode(message.encode())
        for other in (copy.copy(received), copy.deepcopy(received), pickle.loads(pickle.dumps(received))):
            self.assertEqual(other, message)

    def test_repr_shows_the_value(self) -> None:
        self.assertEqual(
            repr(BatchOperation.decode(BatchOperation(1, [ItemKey(b"k" * 20)], 2).encode())),
            f"BatchOperation(operation_id=1, items=[ItemKey(bytes={b'k' * 20!r})], total_count=2)",
        )
        self.assertIn("int32s=[1, 2]", repr(Vectors.decode(Vectors(int32s=[1, 2], needed=b"").encode())))
        self.assertIn(
            "<100 elements of format d>", repr(Vectors.decode(Vectors(float64s=[0.0] * 100, needed=b"").encode()))
        )

    def test_instances_have_no_dict(self) -> None:
        with self.assertRaises(AttributeError):
            TextMessage().contents = "typo"  # type: ignore[attr-defined]

    def test_class_attributes(self) -> None:
        self.assertEqual((TextMessage.TYPE_ID, TextMessage.TOPIC, len(TextMessage.TYPE_DIGEST)), (1001, "examples", 32))
        self.assertEqual(mycelium_protocol.MESSAGES[1001], TextMessage)
        self.assertEqual(TextMessage.__doc__, "A line of text from someone.")
        self.assertEqual(mycelium_protocol.codec(), "native")

    def test_threads_encode_at_once(self) -> None:
        wrong = []

        def work(number: int) -> None:
            message = Node(name=str(number) * 50, children=[Node(weight=number)] * 20)
            expected = message.encode()
            for _ in range(500):
                if message.encode() != expected or Node.decode(expected) != message:
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
        self.assertEqual(wrong, [])


PURE = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == "mycelium_native" and BLOCK:
            raise ImportError("not installed")
sys.meta_path.insert(0, Blocked())
from mycelium_protocol import TextMessage, codec
message = TextMessage(sender="a", content="b", timestamp=5)
assert TextMessage.from_bytes(message.to_bytes()) == message
print(codec(), "mycelium_native" in sys.modules, message.to_bytes().hex())
"""


class FallbackTest(unittest.TestCase):
    def test_without_the_native_package_python_does_it(self) -> None:
        data = TextMessage(sender="a", content="b", timestamp=5).to_bytes().hex()
        done = run_program(PURE.replace("BLOCK", "True"))
        self.assertEqual((done.stdout, done.stderr), (f"python False {data}\n", ""))
        done = run_program("import os; os.environ['MYCELIUM_PURE_PYTHON'] = '1'\n" + PURE.replace("BLOCK", "False"))
        self.assertEqual((done.stdout, done.stderr), (f"python False {data}\n", ""))


@unittest.skipUnless(flatbuffers, "flatbuffers is not installed")
class SecondOpinionTest(unittest.TestCase):
    def test_the_runtime_of_flatbuffers_reads_what_we_write(self) -> None:
        for encode, _ in CODECS.values():
            data = encode(Node(name="naïve", weight=-7, children=[Node(name="child")]))
            table = flatbuffers.table.Table(bytearray(data), int.from_bytes(data[:4], "little"))
            name, weight, children = (table.Offset(slot) for slot in (4, 6, 10))
            self.assertEqual(table.String(table.Pos + name).decode(), "naïve")
            self.assertEqual(table.Get(flatbuffers.number_types.Int32Flags, table.Pos + weight), -7)
            self.assertEqual(table.VectorLen(children), 1)
            child = flatbuffers.table.Table(table.Bytes, table.Indirect(table.Vector(children)))
            self.assertEqual(child.String(child.Pos + child.Offset(4)), b"child")


if __name__ == "__main__":
    unittest.main()
