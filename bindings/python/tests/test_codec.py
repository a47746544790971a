"""The two codecs agree: the same bytes, the same values, the same verdict on what is malformed."""

import json
import os
import random
import unittest
from typing import Any

import golden_protocol
import mycelium_native
import mycelium_protocol
from golden_protocol import Evolved
from random_messages import random_message
from two_codecs import CODECS, codecs_of, outcome

VECTORS = os.environ.get(
    "MYCELIUM_GOLDEN", os.path.join(os.path.dirname(__file__), "../../../schema/golden/vectors.json")
)


def from_json(kind: str, of: Any, format: str, value: Any) -> Any:
    """A value as vectors.json writes it: as flatc reads JSON."""
    if kind == "struct":
        return of(**{m.name: from_member(m, value[m.name]) for m in of.LAYOUT.members})
    if kind == "table":
        return message_from_json(of, value)
    if kind == "string":
        return value
    return float(value) if format in ("f", "d") else value


def from_member(member: Any, value: Any) -> Any:
    kind = "scalar" if member.format else "struct"
    if member.length:
        return tuple(from_json(kind, member.of, member.format, item) for item in value)
    return from_json(kind, member.of, member.format, value)


def message_from_json(cls: Any, value: dict[str, Any]) -> Any:
    fields = {}
    for field in cls.LAYOUT.fields:
        if field.name not in value:
            continue
        item = value[field.name]
        if field.kind == "union":
            wanted = value[field.name + "_type"]
            of = next(v.of for v in field.of if v.of.__name__ in (wanted, "Shape" + wanted))
            fields[field.name] = message_from_json(of, item)
        elif field.kind in ("scalars", "strings", "structs", "tables"):
            fields[field.name] = [from_json(field.kind[:-1], field.of, field.format, each) for each in item]
        else:
            fields[field.name] = from_json(field.kind, field.of, field.format, item)
    return cls(**fields)


class GoldenTest(unittest.TestCase):
    def test_every_vector_becomes_its_bytes_and_back_in_both_codecs(self) -> None:
        with open(VECTORS, encoding="utf-8") as file:
            vectors = json.load(file)
        self.assertGreater(len(vectors), 80)
        for vector in vectors:
            package = mycelium_protocol if vector["type"].startswith("mycelium.examples.") else golden_protocol
            cls = getattr(package, vector["type"].rpartition(".")[2])
            message, data = message_from_json(cls, vector["value"]), bytes.fromhex(vector["bytes"])
            for name, (encode, decode) in codecs_of(cls).items():
                with self.subTest(vector["name"], codec=name):
                    self.assertEqual(encode(message).hex(), data.hex())
                    back = decode(cls, data)
                    self.assertIs(type(back), cls)
                    self.assertEqual(encode(back), data)
                    self.assertEqual(back, message)

    def test_the_digest_is_that_of_the_library(self) -> None:
        self.assertEqual(mycelium_protocol.SCHEMA_DIGEST, mycelium_native.schema_digest())
        with mycelium_native.Runtime() as bus:
            self.assertEqual(bus.register_schema(mycelium_protocol.SCHEMA), mycelium_protocol.SCHEMA_DIGEST)
            self.assertEqual(bus.register_schema(golden_protocol.SCHEMA), golden_protocol.SCHEMA_DIGEST)
            for cls in golden_protocol.MESSAGES.values():
                self.assertEqual(bus.type_digest(cls), cls.TYPE_DIGEST)


class AgreementTest(unittest.TestCase):
    def test_random_values(self) -> None:
        rng = random.Random(1)
        classes = list(golden_protocol.MESSAGES.values()) + list(mycelium_protocol.MESSAGES.values())
        with mycelium_native.Runtime(schemas=[golden_protocol.SCHEMA]) as bus:
            for _ in range(3000):
                message = random_message(rng, rng.choice(classes))
                (native, native_back), (python, python_back) = codecs_of(type(message)).values()
                data = native(message)
                self.assertEqual(data.hex(), python(message).hex(), message)
                bus.verify_payload(type(message), data)
                for back in (native_back(type(message), data), python_back(type(message), data)):
                    self.assertEqual(native(back), data)
                self.assertEqual(repr(native_back(type(message), data)), repr(python_back(type(message), data)))

    def test_100000_mutated_inputs_get_one_verdict(self) -> None:
        """Both codecs decide alike, and as the library does, but for text that is not UTF-8 and deprecated fields."""
        rng = random.Random(2)
        (encode, native), (_, python) = CODECS.values()
        classes = list(golden_protocol.MESSAGES.values())
        accepted = refused = not_utf8 = 0
        with mycelium_native.Runtime(schemas=[golden_protocol.SCHEMA]) as bus:
            for round in range(100_000):
                if round % 20 == 0:
                    cls = rng.choice(classes)
                    original = encode(random_message(rng, cls))[:2000]
                data = mutated(rng, original)
                ours = outcome(native, cls, data)
                theirs = outcome(python, cls, data)
                self.assertEqual(repr(ours), repr(theirs), data.hex())
                valid = True
                try:
                    bus.verify_payload(cls, data)
                except mycelium_native.MyceliumError:
                    valid = False
                if isinstance(ours, tuple):
                    refused += 1
                    if valid:
                        self.assertIn("UTF-8", self.text_of_refusal(native, cls, data))
                        not_utf8 += 1
                else:
                    accepted += 1
                    self.assertTrue(valid or cls is Evolved, data.hex())
        self.assertGreater(accepted, 1000)
        self.assertGreater(refused, 1000)
        self.assertLess(not_utf8, refused)

    def text_of_refusal(self, decode: Any, cls: type, data: bytes) -> str:
        with self.assertRaises(ValueError) as caught:
            decode(cls, data)
        return str(caught.exception)

    def test_truncated_inputs(self) -> None:
        rng = random.Random(3)
        for cls in golden_protocol.MESSAGES.values():
            data = CODECS["native"][0](random_message(rng, cls))
            for size in range(min(len(data), 400)):
                (_, native), (_, python) = CODECS.values()
                self.assertEqual(repr(outcome(native, cls, data[:size])), repr(outcome(python, cls, data[:size])))


def mutated(rng: random.Random, original: bytes) -> bytes:
    data = bytearray(original)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at = rng.randrange(len(data) or 1)
        if not data:
            break
        how = rng.randrange(5)
        if how == 0:
            data[at] = rng.randrange(256)
        elif how == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 2:
            data[at] = rng.choice([0, 1, 4, 0x7F, 0x80, 0xFF])
        elif how == 3:
            at &= ~3
            data[at : at + 4] = rng.choice([0, 4, len(data), 2**31 - 1, 2**32 - 1, 0xFFFFFF00]).to_bytes(4, "little")
        else:
            del data[at:]
            data += bytes(rng.randrange(8))
    return bytes(data)


if __name__ == "__main__":
    unittest.main()
