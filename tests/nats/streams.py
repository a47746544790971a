"""A server with JetStream, and bridges of durable types, for tests."""

from __future__ import annotations

from mesh import TEXT, Bridge, MeshTest, Node
from nats_client import Client

DURABLE = ("--nats-durable", "examples.*")


def ids(got: list) -> list[tuple]:
    return [(each.type_id, each.origin, each.publisher, each.sequence) for each in got]


class StreamTest(MeshTest):
    def setUp(self) -> None:
        super().setUp()
        self.nats = self.server(jetstream=True)

    def door(self, mesh: str, *arguments: str) -> Bridge:
        """A bridge of the mesh of this name."""
        return self.bridge(self.nats, *DURABLE, "--nats-mesh", mesh, "--name", "door", *arguments)

    def publisher(self, at: Bridge, *types: int) -> Node:
        node = self.node(at)
        self.heard(node, *(types or (TEXT,)))
        return node

    def state(self, stream: str = "MYCELIUM") -> dict:
        with Client(self.nats) as client:
            return client.api(f"STREAM.INFO.{stream}")
