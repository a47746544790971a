"""What a node knows of the others: who is linked with whom, and who wants which types. From it follows, for a message
of any origin, to which neighbours it goes on: along the tree of shortest ways from its origin, which every node
computes alike. A node that is cut off stays where it was, for those who keep what is for it: absent. News reaches nodes
one after another, and until all have heard it their trees differ; so the ways of before stay ways for a while.
"""

from __future__ import annotations

import dataclasses
import itertools

from ._wire import NodeState

MAX_NODES = 1024
MAX_NEIGHBOURS = 1024  # of one node, absent ones among them
MAX_WAYS = 65536  # that are remembered

Earlier = dict[int, set[tuple[int, int]]]  # by origin, a node and the neighbour by which it was reached


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """What a node has said of itself."""

    node: int
    version: int
    name: str
    neighbours: frozenset[int] = frozenset()
    wants: frozenset[int] = frozenset()
    carries: frozenset[int] = frozenset()  # those of `wants` that only a gateway of the node wants
    absent: tuple[int, ...] = ()  # neighbours whose link was cut, and who may come back; the latest first

    def names(self, node: int, or_absent: bool) -> bool:
        return node in self.neighbours or (or_absent and node in self.absent)

    def to_wire(self) -> NodeState:
        return NodeState(
            self.node,
            self.version,
            self.name,
            sorted(self.neighbours),
            sorted(self.wants),
            sorted(self.carries),
            list(self.absent),
        )

    @staticmethod
    def from_wire(state: NodeState) -> State:
        return State(
            state.node,
            state.version,
            state.name,
            frozenset(state.neighbours),
            frozenset(state.wants),
            frozenset(state.carries),
            tuple(state.absent),
        )


class Network:
    """The states of all nodes that were heard of, this one's included, and the ways between them."""

    def __init__(self, node: int, name: str) -> None:
        self.node = node
        self.states: dict[int, State] = {node: State(node, 1, name)}
        self._trees: dict[int, dict[int, int]] = {}  # origin -> node behind us -> by which neighbour
        self._ways: dict[tuple[int, int], frozenset[int]] = {}
        self._agreed: dict[int, int] = {}  # of our neighbours, the versions that they had when they became that
        self._before: dict[int, dict[int, int]] = {}  # trees of before the last change, until new ones are grown
        self._earlier: list[Earlier] = [{}, {}]  # those of late, and older ones

    @property
    def own(self) -> State:
        return self.states[self.node]

    def set_neighbours(self, linked: frozenset[int], absent: tuple[int, ...] = ()) -> bool:
        """What this node says of itself; False if nothing has changed. A new neighbour has agreed to the link: it counts
        as linked unless it says from now on that the link was cut."""
        agreed = {node: self.states[node].version if node in self.states else 0 for node in linked}
        self._agreed = agreed | {node: version for node, version in self._agreed.items() if node in linked}
        return self._say(dataclasses.replace(self.own, neighbours=linked, absent=absent))

    def set_wants(self, wants: frozenset[int]) -> bool:
        """False if nothing has changed."""
        return self._say(dataclasses.replace(self.own, wants=wants))

    def _say(self, now: State) -> bool:
        if now == self.own:
            return False
        self._keep(dataclasses.replace(now, version=now.version + 1))
        return True

    def learn(self, state: State) -> bool:
        """What another node says of itself; False if it is not news, or there is no room."""
        if state.node in (0, self.node) or len(state.neighbours) + len(state.absent) > MAX_NEIGHBOURS:
            return False
        known = self.states.get(state.node)
        if known is not None and state.version <= known.version:
            return False
        if known is None and len(self.states) >= MAX_NODES and not self._make_room():
            return False
        self._keep(state)
        return True

    def _keep(self, state: State) -> None:
        known = self.states.get(state.node)
        self.states[state.node] = state
        self._ways.clear()
        if known is None or (known.neighbours, known.absent) != (state.neighbours, state.absent):
            self._before = self._before | self._trees
            self._trees = {}

    def _make_room(self) -> bool:
        """A node that is gone is kept, since it may only be cut off for a while; until the room is needed."""
        living = self.reachable(or_kept=True)
        gone = [node for node in self.states if node not in living]
        for node in gone:
            del self.states[node]
        return bool(gone)

    def _linked(self, node: int, or_kept: bool) -> list[int]:
        """Those that node names and that name it; with or_kept those too where a side, or both, names the other as
        absent."""
        state = self.states.get(node)
        if state is None:
            return []
        named = itertools.chain(sorted(state.neighbours), state.absent) if or_kept else state.neighbours
        linked = [each for each in named if each in self.states and self._are_linked(node, each, or_kept)]
        return [*linked, self.node] if self._is_neighbour(node) else linked

    def _are_linked(self, node: int, named: int, or_kept: bool) -> bool:
        if (node == self.node and self._is_neighbour(named)) or (named == self.node and self._is_neighbour(node)):
            return True
        return self.states[named].names(node, or_kept)

    def _is_neighbour(self, node: int) -> bool:
        """One that says nothing of this node may not have come to say it; one that names it as absent has noticed a
        cut."""
        state = self.states.get(node)
        if state is None or node not in self._agreed:
            return False
        return state.version <= self._agreed[node] or self.node not in state.absent

    def reachable(self, or_kept: bool = False) -> set[int]:
        """The nodes that can be reached, this one included; with or_kept those too for whom somebody keeps what is
        published."""
        return set(self._follow([self.node], or_kept))

    def _follow(self, order: list[int], or_kept: bool) -> list[int]:
        """With all that those in `order` lead to after them, breadth first."""
        order = list(order)
        seen = set(order)
        for node in order:
            fresh = [each for each in self._linked(node, or_kept) if each not in seen]
            seen.update(fresh)
            order += fresh
        return order

    def nearest_first(self) -> list[State]:
        """What a new neighbour is told: this node's state, then those of the nearest. So whoever it is told of can be
        reached: a node that has left its place, and whose new one nobody knows yet, would be nowhere for a moment."""
        order = self._follow(self._follow([self.node], or_kept=False), or_kept=True)
        return [self.states[node] for node in dict.fromkeys([*order, *self.states])]

    def _tree(self, origin: int) -> dict[int, int]:
        """For every node behind us, as seen from the origin: by which neighbour of ours it is reached."""
        if origin not in self._trees:
            self._trees[origin] = self._grow(origin)
        return self._trees[origin]

    def _grow(self, origin: int) -> dict[int, int]:
        """Over links as far as they lead; then over those that were cut, to the rest."""
        behind_us: dict[int, int] = {}
        seen = {origin}
        self._spread(seen, behind_us, or_kept=False)
        self._note_earlier_ways(origin, seen, behind_us)
        self._spread(seen, behind_us, or_kept=True)
        # An origin that is gone: what it said last is still on its way, and goes where a message of ours would go.
        return behind_us if self.node in seen else self._tree(self.node)

    def _spread(self, seen: set[int], behind_us: dict[int, int], or_kept: bool) -> None:
        """Breadth first from all that were seen. Over links, nodes of one distance are visited in the order of their
        ids; over those that were cut, in the order in which they were reached, so that who was last linked with a node
        keeps what is for it. Every node builds the same tree."""
        distance = sorted(seen)
        while distance:
            following = []
            for node in distance:
                for neighbour in self._linked(node, or_kept):
                    if neighbour in seen:
                        continue
                    seen.add(neighbour)
                    following.append(neighbour)
                    if node == self.node:
                        behind_us[neighbour] = neighbour
                    elif node in behind_us:
                        behind_us[neighbour] = behind_us[node]
            distance = following if or_kept else sorted(following)

    # ---- earlier ways ----

    def _note_earlier_ways(self, origin: int, seen: set[int], behind_us: dict[int, int]) -> None:
        """To nodes that are reached another way now, over links; be it not over this node."""
        for node, by in self._before.pop(origin, {}).items():
            if node in seen and behind_us.get(node) != by:
                self._earlier[0].setdefault(origin, set()).add((node, by))

    def _reached_by(self, neighbour: int, ways: set[tuple[int, int]]) -> list[State]:
        """For a neighbour that is absent, nothing is kept that goes another way now."""
        if not self._is_neighbour(neighbour):
            return []
        return [self.states[node] for node, by in ways if by == neighbour and node in self.states]

    @property
    def has_earlier_ways(self) -> bool:
        return bool(self._before) or any(self._earlier)

    def age_earlier_ways(self) -> None:
        """Called twice, the ways that are earlier ones now are none."""
        self._before.clear()  # origins that are gone
        self._earlier = [{}, self._earlier[0]]

    # ---- ways ----

    def leads_to(self, neighbour: int, origin: int, type_id: int) -> bool:
        """Does a message of this type and origin go on from here to this neighbour? Or did it, when the nodes behind
        it were reached another way, if it is linked?"""
        ways = self._ways.get((origin, type_id))
        if ways is None:
            if len(self._ways) >= MAX_WAYS:
                self._ways.clear()
            behind_us = self._tree(origin)
            ways = frozenset(by for node, by in behind_us.items() if type_id in self.states[node].wants)
            self._ways[origin, type_id] = ways
        return neighbour in ways or any(
            type_id in state.wants
            for each in self._earlier
            for state in self._reached_by(neighbour, each.get(origin, set()))
        )

    def types_for(self, neighbour: int) -> set[int]:
        """The types that this neighbour has to be sent, of whatever origin."""
        types: set[int] = set()
        for origin in self.reachable(or_kept=True):
            for node, by in self._tree(origin).items():
                if by == neighbour:
                    types |= self.states[node].wants
        for each in self._earlier:
            for ways in each.values():
                for state in self._reached_by(neighbour, ways):
                    types |= state.wants
        return types
