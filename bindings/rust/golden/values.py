#!/usr/bin/env python3
"""Writes the golden values as Rust: values.py OUTPUT VECTORS SCHEMA...

For each vector a line `check("name", &Type { ... }, "bytes");` of the function `check_all`. The schemas say of which
type each field is; they are read here only as far as that needs.
"""

import json
import re
import sys

SCALARS = {"bool": "bool", "byte": "i8", "int8": "i8", "ubyte": "u8", "uint8": "u8", "short": "i16", "int16": "i16",
           "ushort": "u16", "uint16": "u16", "int": "i32", "int32": "i32", "uint": "u32", "uint32": "u32",
           "long": "i64", "int64": "i64", "ulong": "u64", "uint64": "u64", "float": "f32", "float32": "f32",
           "double": "f64", "float64": "f64"}


class Schema:
    """Fields of tables and structs, members of unions, names of enums."""

    def __init__(self):
        self.fields = {}  # declaration -> {field: (type, is optional)}
        self.tables, self.enums, self.unions = set(), set(), {}

    def read(self, text):
        text = re.sub(r"//[^\n]*", "", text)
        for kind, name, body in re.findall(r"\b(table|struct|enum|union)\s+(\w+)[^{]*\{([^}]*)\}", text):
            if kind == "union":
                members = [member.strip() for member in body.split(",")]
                self.unions[name] = dict([part.strip() for part in (member + ":" + member).split(":")][:2]
                                         for member in members)
            elif kind == "enum":
                self.enums.add(name)
            else:
                found = re.findall(r"(\w+)\s*:\s*([^;]+);", body)
                self.fields[name] = {field: (re.split(r"[\s=(]", rest)[0], "null" in rest) for field, rest in found}
                if kind == "table":
                    self.tables.add(name)

    def reaches(self, start, target):
        seen, todo = set(), [start]
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            for kind, _ in self.fields.get(name, {}).values():
                kind = kind.strip("[]").split(":")[0]
                todo += self.unions[kind].values() if kind in self.unions else [kind]
                if kind == target:
                    return True
        return target in seen

    def number(self, kind, value):
        if value in ("inf", "-inf", "nan"):
            return f"{kind}::" + {"inf": "INFINITY", "-inf": "NEG_INFINITY", "nan": "NAN"}[value]
        return repr(float(value)) if kind[0] == "f" else json.dumps(value)

    def one(self, kind, value):
        if kind in SCALARS:
            return self.number(SCALARS[kind], value)
        if kind in self.enums:
            return f"{kind}({value})"
        if kind == "string":
            return '"' + "".join(f"\\u{{{ord(c):x}}}" if c < " " or c in '"\\' else c for c in value) + '".into()'
        return self.whole(kind, value)

    def many(self, kind, values):
        return "[" + ", ".join(self.one(kind, value) for value in values) + "]"

    def field(self, holder, name, value, values):
        kind, optional = self.fields[holder][name]
        if kind in self.unions:
            member = values[name + "_type"]
            table = self.unions[kind][member]
            inside = self.whole(table, value)
            return f"Some({kind}::{member}({f'Box::new({inside})' if self.reaches(table, kind) else inside}))"
        if kind.startswith("["):
            element, *length = kind.strip("[]").split(":")
            return ("" if length else "vec!") + self.many(element, value)
        text = self.one(kind, value)
        if kind in self.tables and self.reaches(kind, holder):
            return f"Some(Box::new({text}))"
        absent = holder in self.tables and kind in self.fields
        return f"Some({text})" if optional or absent else text

    def whole(self, kind, values):
        given = [name for name in values if not (name.endswith("_type") and name[:-5] in self.fields[kind])]
        inside = [f"{name}: {self.field(kind, name, values[name], values)}" for name in given]
        if len(given) < len(self.fields[kind]):
            inside.append("..Default::default()")
        return f"{kind} {{ {', '.join(inside)} }}"


def main(output, vectors, *schemas):
    schema = Schema()
    for path in schemas:
        with open(path, encoding="utf-8") as file:
            schema.read(file.read())
    lines = []
    with open(vectors, encoding="utf-8") as file:
        for vector in json.load(file):
            value = schema.whole(vector["type"].split(".")[-1], vector["value"])
            lines.append(f'    to.check("{vector["name"]}", &{value}, "{vector["bytes"]}");\n')
    with open(output, "w", encoding="utf-8") as file:
        file.write("pub fn check_all(to: &mut impl Check) {\n" + "".join(lines) + "}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
