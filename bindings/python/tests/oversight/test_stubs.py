"""The stubs name what the extension has, and nothing else; everything public has a type and a docstring."""

import ast
import inspect
import pathlib
import types
import typing
import unittest
from typing import Any

import backfire_kernel
import director_ai
import director_ai.pure
from backfire_kernel import _native

# Aliases and callables that have no members of their own.
PLAIN = (int, str, float)


def declared(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    names: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = node
    return names


def public(thing: Any) -> set[str]:
    return {name for name in vars(thing) if not name.startswith("__")}


class StubsTest(unittest.TestCase):
    def setUp(self) -> None:
        stub = pathlib.Path(_native.__file__).with_name("_native.pyi")
        self.names = declared(ast.parse(stub.read_text(encoding="utf-8")).body)

    def test_the_module(self) -> None:
        self.assertEqual({name for name in self.names if not name.startswith("__")}, public(_native))

    def test_its_classes(self) -> None:
        for name, node in self.names.items():
            if isinstance(node, ast.ClassDef):
                with self.subTest(name):
                    stubbed = {member for member in declared(node.body) if not member.startswith("__")}
                    self.assertEqual(stubbed, public(getattr(_native, name)))

    def test_final_classes_cannot_be_derived_from(self) -> None:
        for name, node in self.names.items():
            if isinstance(node, ast.ClassDef) and node.decorator_list:
                with self.subTest(name), self.assertRaises(TypeError):
                    type("Derived", (getattr(_native, name),), {})


class PackagesTest(unittest.TestCase):
    def described(self, package: types.ModuleType) -> typing.Iterator[tuple[str, Any]]:
        for name in package.__all__:
            thing = getattr(package, name)
            if isinstance(thing, PLAIN) or thing is None:
                continue
            yield name, thing
            if isinstance(thing, type):
                for member in public(thing):
                    value = inspect.getattr_static(thing, member)
                    if not member.startswith("_") and isinstance(
                        value, (types.FunctionType, property, types.MethodDescriptorType, types.GetSetDescriptorType)
                    ):
                        yield f"{name}.{member}", value

    def test_everything_public_has_a_docstring(self) -> None:
        for package in (backfire_kernel, director_ai, director_ai.pure):
            for name, thing in self.described(package):
                self.assertTrue(inspect.getdoc(thing), f"{package.__name__}.{name}")

    def test_everything_public_in_python_has_types(self) -> None:
        for package in (backfire_kernel, director_ai):
            for name, thing in self.described(package):
                function = thing.fget if isinstance(thing, property) else thing
                if isinstance(function, types.FunctionType) and function.__module__.startswith(package.__name__):
                    hints = function.__annotations__
                    wanted = {each for each in inspect.signature(function).parameters if each != "self"} | {"return"}
                    self.assertEqual(set(hints) & wanted, wanted, f"{package.__name__}.{name}")

    def test_both_kernels_have_the_same_names(self) -> None:
        physics = {name for name in backfire_kernel.__all__ if name.removeprefix("Rust") in PHYSICS}
        self.assertEqual(set(director_ai.pure.__all__) | physics | {"__version__"}, set(backfire_kernel.__all__))
        for name in ("Stream", "Verdict", "Interlock", "BoundScorer"):
            native, plain = getattr(backfire_kernel, name), getattr(director_ai.pure, name)
            seen = [{each for each in dir(kind) if not each.startswith("_")} for kind in (native, plain)]
            self.assertEqual(seen[0], seen[1], name)

    def test_texts_of_the_native_stream_have_a_signature(self) -> None:
        self.assertEqual(
            str(inspect.signature(_native.Stream.push)),
            "(token, score=None, *, entropy=None, latency_ms=0.0, error=None)",
        )

    def test_the_packages_are_typed(self) -> None:
        for package in (backfire_kernel, director_ai):
            self.assertTrue(pathlib.Path(package.__file__).with_name("py.typed").exists())


PHYSICS = {
    *("UPDEStepper", "UPDEState", "SECFunctional", "L16Controller", "PGBOEngine", "TCBOObserver", "TCBOController"),
    *("SSGFEngine", "RandomSource", "standard_omega", "standard_coupling"),
}


if __name__ == "__main__":
    unittest.main()
