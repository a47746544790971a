"""Ways through random meshes: each message reaches each node that wants it, once, whoever passes it on."""

import random
import unittest

from mycelium_client._network import MAX_NODES, Network, State


def mesh(dice: random.Random, count: int) -> dict[int, State]:
    """Random links between nodes with random ids, all of them reachable, and random wishes of two types."""
    ids = [dice.getrandbits(64) for _ in range(count)]
    links: dict[int, set[int]] = {each: set() for each in ids}
    for place, node in enumerate(ids[1:], 1):
        for other in {ids[dice.randrange(place)] for _ in range(dice.randint(1, 3))}:
            links[node].add(other)
            links[other].add(node)
    return {
        node: State(node, 5, "", frozenset(links[node]), frozenset(t for t in (1, 2) if dice.random() < 0.6))
        for node in ids
    }


def known_to(node: int, states: dict[int, State]) -> Network:
    network = Network(node, "")
    network.set_own(neighbours=states[node].neighbours, wants=states[node].wants)
    for state in states.values():
        network.learn(state)
    return network


class NetworkTest(unittest.TestCase):
    def test_each_message_reaches_each_who_wants_it_once(self) -> None:
        dice = random.Random(7)
        for _ in range(60):
            states = mesh(dice, dice.randint(2, 9))
            networks = {node: known_to(node, states) for node in states}
            for origin in states:
                for type_id in (1, 2):
                    reached: list[int] = []
                    todo = [(origin, 0)]
                    while todo:
                        node, came_by = todo.pop()
                        reached.append(node)
                        for neighbour in states[node].neighbours - {came_by}:
                            if networks[node].leads_to(neighbour, origin, type_id):
                                todo.append((neighbour, node))
                    self.assertEqual(len(reached), len(set(reached)), "a message came twice")
                    wanting = {node for node in states if type_id in states[node].wants}
                    self.assertLessEqual(wanting - {origin}, set(reached))

    def test_the_types_for_a_neighbour_are_those_that_some_way_needs(self) -> None:
        dice = random.Random(8)
        for _ in range(30):
            states = mesh(dice, 6)
            for node in states:
                network = known_to(node, states)
                for neighbour in states[node].neighbours:
                    used = {t for t in (1, 2) for origin in states if network.leads_to(neighbour, origin, t)}
                    self.assertEqual(network.types_for(neighbour), used)

    def test_old_news_and_news_of_oneself_are_none(self) -> None:
        network = Network(1, "one")
        self.assertTrue(network.learn(State(2, 3, "two", frozenset({1}))))
        self.assertFalse(network.learn(State(2, 3, "two", frozenset({1, 9}))))
        self.assertFalse(network.learn(State(2, 2, "two")))
        self.assertFalse(network.learn(State(1, 99, "forged")))
        self.assertFalse(network.learn(State(0, 99, "nobody")))
        self.assertEqual((network.own.version, network.own.name), (1, "one"))

    def test_both_ends_have_to_name_a_link(self) -> None:
        network = Network(1, "one")
        network.set_own(neighbours=frozenset({2}))
        network.learn(State(2, 1, "two", frozenset(), frozenset({7})))
        self.assertEqual((network.reachable(), network.types_for(2)), ({1}, set()))
        network.learn(State(2, 2, "two", frozenset({1}), frozenset({7})))
        self.assertEqual((network.reachable(), network.types_for(2)), ({1, 2}, {7}))

    def test_there_are_so_many_nodes_and_no_more(self) -> None:
        network = Network(1, "one")
        for node in range(2, MAX_NODES + 500):
            self.assertTrue(network.learn(State(node, 1, "")))  # unreachable: they make room for each other
        self.assertLessEqual(len(network.states), MAX_NODES)


if __name__ == "__main__":
    unittest.main()
