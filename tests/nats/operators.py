"""Operators, accounts and users of NATS, as its tool nsc makes them: key pairs ("nkeys": Ed25519, written in base32
with a CRC-16) and what one of them states about another (JSON Web Tokens, signed)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3  # the first five bits: O, A and U in base32
SEED = 18 << 3  # S; the kind of key follows
UNBOUNDED = {"subs": -1, "data": -1, "payload": -1}


def crc16(data: bytes) -> int:
    """CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def in_base32(data: bytes) -> str:
    return base64.b32encode(data + crc16(data).to_bytes(2, "little")).decode().rstrip("=")


def in_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Keys:
    """The keys of an operator, an account or a user."""

    def __init__(self, kind: int) -> None:
        raw = os.urandom(32)
        self.private = Ed25519PrivateKey.from_private_bytes(raw)
        self.public = in_base32(bytes([kind]) +
                                self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        self.seed = in_base32(bytes([SEED | kind >> 5, (kind & 31) << 3]) + raw)

    def states(self, subject: str, kind: str, about: dict[str, object], **claims: object) -> str:
        """A token of these keys about the ones whose public key is `subject`."""
        page = {"iat": int(time.time()), "iss": self.public, "name": kind, "sub": subject,
                "nats": {"type": kind, "version": 2, **about}, **claims}
        page["jti"] = base64.b32encode(hashlib.sha256(json.dumps(page).encode()).digest()).decode().rstrip("=")
        head, body = (in_base64(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "ed25519-nkey"}, page))
        return f"{head}.{body}.{in_base64(self.private.sign(f'{head}.{body}'.encode()))}"


class User:
    """Who belongs to an account."""

    def __init__(self, account: Account, **claims: object) -> None:
        self.keys = Keys(USER)
        self.token = account.keys.states(self.keys.public, "user", dict(UNBOUNDED), **claims)

    def write(self, path: Path) -> Path:
        """The file that a client is given, readable by its owner alone; replaces one that is there."""
        parts = (("NATS USER JWT", self.token), ("USER NKEY SEED", self.keys.seed))
        new = path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text("\n".join(f"-----BEGIN {what}-----\n{text}\n------END {what}------\n" for what, text in parts))
        return new.rename(path)


class Account:
    """Belongs to an operator; its users see each other's messages and nobody else's."""

    def __init__(self, operator: Keys, streams: bool = True) -> None:
        self.operator, self.keys, self.streams = operator, Keys(ACCOUNT), streams
        self.revoked: list[User] = []

    @property
    def token(self) -> str:
        limits = {**UNBOUNDED, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
        if self.streams:
            limits.update({"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1})
        now = int(time.time())  # what was stated until then counts no more
        revoked = {each.keys.public: now for each in self.revoked}
        return self.operator.states(self.keys.public, "account", {"limits": limits, "revocations": revoked})

    def user(self, **claims: object) -> User:
        return User(self, **claims)


class Operator:
    """Whom a server trusts: it lets in whomever an account of his names as its user."""

    def __init__(self) -> None:
        self.keys = Keys(OPERATOR)
        self.token = self.keys.states(self.keys.public, "operator", {})
        self.system = Account(self.keys, streams=False)  # the server's own may have none
        self.account = Account(self.keys)

    def config(self) -> str:
        """For the server's configuration."""
        known = "\n".join(f"  {each.keys.public}: {each.token}" for each in (self.system, self.account))
        return (f"operator: {self.token}\nresolver: MEMORY\nsystem_account: {self.system.keys.public}\n"
                f"resolver_preload: {{\n{known}\n}}\n")
