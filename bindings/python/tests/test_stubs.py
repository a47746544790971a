"""The stubs name what the extension has, and nothing else."""

import ast
import pathlib
import types
import unittest
from typing import Any

import mycelium_native
from mycelium_native import _native

# What every class of CPython's struct sequences and every exception brings along.
INHERITED = {"n_fields", "n_sequence_fields", "n_unnamed_fields"}


def declared(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    names: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = node
    return names


def public(thing: Any) -> set[str]:
    return {name for name in vars(thing) if not name.startswith("__")} - INHERITED


class StubsTest(unittest.TestCase):
    def setUp(self) -> None:
        stub = pathlib.Path(_native.__file__).with_name("_native.pyi")
        self.names = declared(ast.parse(stub.read_text(encoding="utf-8")).body)

    def test_the_module(self) -> None:
        aliases = {"_Policy", "_Level", "_Path", "_Class", "_TypeId", "_Sendable", "_Receivable"}
        stubbed = {name for name in self.names if not name.startswith("__")} - aliases
        self.assertEqual(stubbed, public(_native))

    def test_its_classes(self) -> None:
        for name, node in self.names.items():
            if isinstance(node, ast.ClassDef) and not name.startswith("_"):
                stubbed = {member for member in declared(node.body) if not member.startswith("__")}
                with self.subTest(name):
                    self.assertEqual(stubbed, public(getattr(_native, name)))

    def test_everything_public_has_a_docstring(self) -> None:
        for name in mycelium_native.__all__:
            thing = getattr(mycelium_native, name)
            if isinstance(thing, (int, str)):
                continue
            self.assertTrue(thing.__doc__, name)
            for member in public(thing) if isinstance(thing, type) else ():
                value = getattr(thing, member)
                described = isinstance(
                    value, (types.FunctionType, types.MethodDescriptorType, types.GetSetDescriptorType)
                )
                if described and not member.startswith("_"):
                    self.assertTrue(value.__doc__, f"{name}.{member}")

    def test_the_packages_are_typed(self) -> None:
        import mycelium_protocol

        for package in (mycelium_native, mycelium_protocol):
            self.assertTrue(pathlib.Path(package.__file__).with_name("py.typed").exists())


if __name__ == "__main__":
    unittest.main()
