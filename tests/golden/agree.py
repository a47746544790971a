#!/usr/bin/env python3
"""One truth for all: every language decodes the same payloads, encodes what it read, and all say the same.

  agree.py RECODERS VECTORS [--mutations N]

RECODERS has a line LANGUAGE|COMMAND|ENVIRONMENT for each program that reads lines "TYPE_ID HEX" and answers each with the
payload encoded again, or "refused"; the last two are lists with semicolons. Every vector has to come back as it is. Then
N of its mutations are tried: whether they are refused, and what is read from those that are not, is the same for all, but
for one thing that a language with 64-bit floats only cannot help: a 32-bit signalling NaN becomes a quiet one. The seed is
printed; MYCELIUM_STRESS_SEED repeats it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import golden_protocol
import mycelium_protocol


def type_id(name: str) -> int:
    local = name.rsplit(".", 1)[1]
    return (getattr(golden_protocol, local, None) or getattr(mycelium_protocol, local)).TYPE_ID


def mutate(payload: bytes, dice: random.Random) -> bytes:
    changed = bytearray(payload)
    for _ in range(dice.randint(1, 4)):
        # Small numbers make offsets that lead somewhere.
        changed[dice.randrange(len(changed))] = dice.randrange(256 if dice.random() < 0.5 else 24)
    return bytes(changed[: dice.randint(0, len(changed))] if dice.random() < 0.1 else changed)


def answers(recoder: str, lines: list[str]) -> tuple[str, list[str]]:
    language, command, environment = recoder.split("|")
    settings = dict(entry.split("=", 1) for entry in environment.split(";") if entry)
    done = subprocess.run(
        command.split(";"),
        input="".join(line + "\n" for line in lines),
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{language}: ended with {done.returncode}: {done.stderr[-2000:]}")
    found = done.stdout.splitlines()
    if len(found) != len(lines):
        sys.exit(f"{language}: {len(found)} answers to {len(lines)} payloads")
    return language, found


def agree(kind: str, found: list[str], wide_floats: list[str]) -> bool:
    """Is it the same for all, once what is not has gone through the languages with 64-bit floats only?"""
    for recoder in wide_floats:
        if len(set(found)) == 1 or "refused" in found:
            break
        found = answers(recoder, [f"{kind} {each}" for each in found])[1]
    return len(set(found)) == 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recoders", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--mutations", type=int, default=100, help="of each vector")
    arguments = parser.parse_args()

    seed = int(os.environ.get("MYCELIUM_STRESS_SEED", random.SystemRandom().getrandbits(32)))
    print(f"MYCELIUM_STRESS_SEED={seed}")
    dice = random.Random(seed)
    vectors = json.loads(arguments.vectors.read_text(encoding="utf-8"))
    lines = [f"{type_id(each['type'])} {each['bytes']}" for each in vectors]
    for each in vectors:
        payload = bytes.fromhex(each["bytes"])
        lines += [f"{type_id(each['type'])} {mutate(payload, dice).hex()}" for _ in range(arguments.mutations)]

    recoders = arguments.recoders.read_text().splitlines()
    outcomes = dict(answers(recoder, lines) for recoder in recoders)
    wide_floats = [recoder for recoder in recoders if recoder.startswith(("python", "ocaml"))]
    wrong = []
    for language, found in outcomes.items():
        wrong += [f"{language}: {each['name']} came back as {is_now}"
                  for each, is_now in zip(vectors, found) if is_now != each["bytes"]]
    different = [i for i, line in enumerate(lines)
                 if not agree(line.split(" ")[0], [found[i] for found in outcomes.values()], wide_floats)]
    for i in different[:10]:
        verdicts = "".join(f"\n  {language}: {found[i]}" for language, found in outcomes.items())
        wrong.append(f"no agreement on {lines[i]}{verdicts}")
    accepted = sum(answer != "refused" for answer in next(iter(outcomes.values())))
    print(f"{', '.join(outcomes)}: {len(vectors)} vectors, {len(lines) - len(vectors)} mutations, "
          f"{accepted} of all accepted, {len(different)} disagreements")
    print("\n".join(wrong))
    return 1 if wrong or len(outcomes) < 2 or accepted == len(lines) else 0


if __name__ == "__main__":
    sys.exit(main())
