"""Ways through random meshes: each message reaches each node that wants it, once, whoever passes it on."""

import random
import unittest

from mycelium_client._network import MAX_NEIGHBOURS, MAX_NODES, Network, State
from mycelium_client._wire import NodeState


def mesh(dice: random.Random, count: int, cut: float = 0.0) -> dict[int, State]:
    """Random links between nodes with random ids, all of them reachable, and random wishes of two types. So many of the
    links are cut: one side says so, or both."""
    ids = [dice.getrandbits(64) for _ in range(count)]
    links: dict[int, set[int]] = {each: set() for each in ids}
    absent: dict[int, set[int]] = {each: set() for each in ids}
    for place, node in enumerate(ids[1:], 1):
        for other in {ids[dice.randrange(place)] for _ in range(dice.randint(1, 3))}:
            is_cut = dice.random() < cut
            says_so = dice.choice(((True, True), (True, False), (False, True))) if is_cut else (False, False)
            (absent if says_so[0] else links)[node].add(other)
            (absent if says_so[1] else links)[other].add(node)
    return {
        node: State(
            node,
            5,
            "",
            frozenset(links[node]),
            frozenset(t for t in (1, 2) if dice.random() < 0.6),
            absent=tuple(dice.sample(sorted(absent[node]), len(absent[node]))),
        )
        for node in ids
    }


def known_to(node: int, states: dict[int, State]) -> Network:
    network = Network(node, "")
    network.set_neighbours(states[node].neighbours, states[node].absent)
    network.set_wants(states[node].wants)
    for state in states.values():
        network.learn(state)
    return network


def is_live(states: dict[int, State], one: int, other: int) -> bool:
    return other in states[one].neighbours and one in states[other].neighbours


class NetworkTest(unittest.TestCase):
    def test_each_message_reaches_each_who_wants_it_once(self) -> None:
        """Whatever links are cut, and whoever of their ends has noticed."""
        dice = random.Random(7)
        cuts = 0
        for cut in (0.0, 0.3, 0.7):
            for _ in range(60):
                states = mesh(dice, dice.randint(2, 9), cut)
                networks = {node: known_to(node, states) for node in states}
                for origin in states:
                    living = networks[origin].reachable()
                    for type_id in (1, 2):
                        reached: list[int] = []
                        todo = [(origin, 0)]
                        while todo:
                            node, came_by = todo.pop()
                            reached.append(node)
                            for neighbour in (states[node].neighbours.union(states[node].absent)) - {came_by}:
                                if networks[node].leads_to(neighbour, origin, type_id):
                                    todo.append((neighbour, node))
                                    if not is_live(states, node, neighbour):
                                        self.assertNotIn(neighbour, living, "there was another way")
                                        cuts += 1
                        self.assertEqual(len(reached), len(set(reached)), "a message came twice")
                        wanting = {node for node in states if type_id in states[node].wants}
                        self.assertLessEqual(wanting - {origin}, set(reached))
        self.assertGreater(cuts, 100)

    def test_a_node_that_is_absent_hangs_on_the_first_that_holds_it(self) -> None:
        """First: of all that can be reached, by their ids, near and far alike. 5 is linked with 7 and 6, 6 with 1; 7
        and 1 wait for 9."""
        network = Network(5, "five")
        network.set_neighbours(frozenset({6, 7}))
        network.learn(State(7, 1, "", frozenset({5}), absent=(9,)))
        network.learn(State(9, 1, "", frozenset({1, 7}), frozenset({3})))
        network.learn(State(6, 1, "", frozenset({5, 1})))
        self.assertEqual((network.types_for(7), network.types_for(6)), ({3}, set()))
        network.learn(State(1, 1, "", frozenset({6}), absent=(9,)))
        self.assertEqual((network.types_for(7), network.types_for(6)), (set(), {3}))
        self.assertEqual((network.reachable(), network.reachable(or_kept=True)), ({5, 6, 7, 1}, {5, 6, 7, 1, 9}))

    def test_who_was_cut_off_last_keeps_what_is_for_a_node(self) -> None:
        for absent in ((2, 3), (3, 2)):
            network = Network(1, "one")
            network.set_neighbours(frozenset(), absent)
            for hub in absent:
                network.learn(State(hub, 1, "", frozenset({1, 4})))
            network.learn(State(4, 1, "", frozenset({2, 3}), frozenset({7})))
            self.assertEqual((network.types_for(absent[0]), network.types_for(absent[1])), ({7}, set()))

    def test_both_ends_have_to_hold_a_link_that_was_cut(self) -> None:
        network = Network(1, "one")
        network.set_neighbours(frozenset({2}))
        network.learn(State(2, 1, "", frozenset({1}), absent=(3,)))
        for version, held, wanted in ((1, {}, set()), (2, {"absent": (2,)}, {8}),
                                      (3, {"neighbours": frozenset({2})}, {8}), (4, {}, set())):  # fmt: skip
            network.learn(State(3, version, "", wants=frozenset({8}), **held))
            self.assertEqual(network.types_for(2), wanted, held)

    def test_what_comes_from_an_absent_origin_goes_by_its_tree(self) -> None:
        """1 - 2 - 3, and 9 that 3 waits for: its last words come from 3, and go on away from there."""
        states = {
            1: State(1, 1, "", frozenset({2}), frozenset({4})),
            2: State(2, 1, "", frozenset({1, 3}), frozenset({4})),
            3: State(3, 1, "", frozenset({2}), absent=(9,)),
            9: State(9, 1, "", frozenset({3})),
        }
        self.assertTrue(known_to(2, states).leads_to(1, 9, 4))
        self.assertTrue(known_to(3, states).leads_to(2, 9, 4))
        self.assertFalse(known_to(2, states).leads_to(3, 9, 4))

    def test_a_neighbour_counts_as_linked_whatever_is_heard_of_it(self) -> None:
        network = Network(1, "one")
        network.learn(State(2, 5, "", frozenset(), frozenset({7}), absent=(1,)))
        network.set_neighbours(frozenset({2, 3}))  # of 3 nothing was heard yet
        self.assertEqual((network.reachable(), network.types_for(2)), ({1, 2}, {7}))
        self.assertTrue(network.learn(State(2, 6, "", wants=frozenset({8}))))
        self.assertEqual((network.reachable(), network.types_for(2)), ({1, 2}, {8}))
        network.learn(State(2, 7, "", absent=(1,)))
        self.assertEqual(network.reachable(), {1}, "it has noticed that the link was cut")
        network.learn(State(2, 8, "", wants=frozenset({8})))
        network.set_neighbours(frozenset({3}))
        self.assertEqual((network.reachable(), network.types_for(2)), ({1}, set()))

    def test_earlier_ways_are_ways_until_they_have_aged_twice(self) -> None:
        line = {
            1: State(1, 5, "", frozenset({2})),
            2: State(2, 5, "", frozenset({1, 3})),
            3: State(3, 5, "", frozenset({2}), frozenset({7})),
        }
        first, middle = known_to(1, line), known_to(2, line)
        self.assertTrue(first.leads_to(2, 1, 7) and middle.leads_to(3, 1, 7))
        middle.learn(State(1, 6, "", frozenset({2, 3})))
        first.set_neighbours(frozenset({2, 3}))
        for network in (first, middle):
            network.learn(State(3, 6, "", frozenset({1, 2}), frozenset({7})))
        for _ in range(2):
            self.assertTrue(first.leads_to(3, 1, 7))
            self.assertTrue(first.leads_to(2, 1, 7), "what was published before may still have to be sent")
            self.assertTrue(middle.leads_to(3, 1, 7))
            self.assertEqual(middle.types_for(3), {7})
            self.assertTrue(first.has_earlier_ways)
            first.age_earlier_ways()
            middle.age_earlier_ways()
        self.assertTrue(first.leads_to(3, 1, 7))
        self.assertFalse(first.leads_to(2, 1, 7))
        self.assertFalse(middle.leads_to(3, 1, 7))
        self.assertFalse(first.has_earlier_ways)

    def test_for_a_node_that_is_absent_nothing_is_kept_by_an_earlier_way(self) -> None:
        network = Network(1, "one")
        network.set_neighbours(frozenset({2, 3}))
        network.learn(State(2, 5, "", frozenset({1, 3})))
        network.learn(State(3, 5, "", frozenset({1, 2}), frozenset({7})))
        self.assertTrue(network.leads_to(3, 1, 7))
        network.set_neighbours(frozenset({2}), (3,))
        self.assertTrue(network.leads_to(2, 1, 7))
        self.assertFalse(network.leads_to(3, 1, 7))

    def test_states_are_passed_on_as_they_came(self) -> None:
        wire = NodeState(1, 2, "three", [4], [5, 6], [6], [7, 8])
        self.assertEqual(State.from_wire(wire).to_wire(), wire)

    def test_the_types_for_a_neighbour_are_those_that_some_way_needs(self) -> None:
        dice = random.Random(8)
        for _ in range(60):
            states = mesh(dice, 6, dice.choice((0.0, 0.5)))
            for node in states:
                network = known_to(node, states)
                for neighbour in states[node].neighbours.union(states[node].absent):
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
        network.set_neighbours(frozenset({2}))
        network.learn(State(2, 1, "two", frozenset({1}), frozenset({7})))
        network.learn(State(3, 1, "three", frozenset({2}), frozenset({8})))
        self.assertEqual((network.reachable(), network.types_for(2)), ({1, 2}, {7}))
        network.learn(State(2, 2, "two", frozenset({1, 3}), frozenset({7})))
        self.assertEqual((network.reachable(), network.types_for(2)), ({1, 2, 3}, {7, 8}))

    def test_there_are_so_many_nodes_and_no_more(self) -> None:
        network = Network(1, "one")
        for node in range(2, MAX_NODES + 500):
            self.assertTrue(network.learn(State(node, 1, "")))  # unreachable: they make room for each other
        self.assertLessEqual(len(network.states), MAX_NODES)
        linked, absent = frozenset(range(2, MAX_NEIGHBOURS)), tuple(range(9000, 9003))
        self.assertFalse(network.learn(State(5000, 1, "", linked, absent=absent)), "more neighbours than may be")

    def test_who_is_absent_makes_no_room(self) -> None:
        network = Network(1, "one")
        network.set_neighbours(frozenset(), (2,))
        network.learn(State(2, 1, "", frozenset({1}), frozenset({7})))
        for node in range(3, MAX_NODES + 500):
            network.learn(State(node, 1, ""))
        self.assertEqual(network.types_for(2), {7})


if __name__ == "__main__":
    unittest.main()
