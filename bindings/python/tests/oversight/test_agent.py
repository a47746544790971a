"""CoherenceAgent: which candidate is released, when it falls back, which kernel it runs on."""

import itertools
import unittest

import director_ai
from director_ai import BackfireConfig, CoherenceAgent, InMemoryKnowledge
from isolated import run_program

INTERRUPT = "[KERNEL INTERRUPT: COHERENCE LIMIT EXCEEDED]"
PROMPT = "What color is the sky?"
FACTS = ["The sky is blue."]


def agent(*candidates, **more):
    return CoherenceAgent(lambda prompt: candidates, knowledge=InMemoryKnowledge(FACTS), **more)


class AgentTest(unittest.TestCase):
    def test_the_most_coherent_candidate_is_released(self):
        result = agent("Grass is green.", "The sky is grey and wet.", "The sky is blue.").process(PROMPT)
        self.assertEqual(result.output, "The sky is blue.")
        self.assertEqual((result.halted, result.candidates_evaluated, result.fallback_used), (False, 3, False))
        self.assertTrue(result.coherence.approved)
        self.assertEqual(result.session.output, result.output)

    def test_a_generator_may_return_one_str(self):
        one = CoherenceAgent(lambda prompt: "The sky is blue.", knowledge=InMemoryKnowledge(FACTS))
        self.assertEqual(one.process(PROMPT).candidates_evaluated, 1)

    def test_white_space_is_kept(self):
        text = "  The sky\n is  blue.\t"
        self.assertEqual(agent(text).process(PROMPT).output, text)

    def test_where_none_is_approved_nothing_is_shown(self):
        result = agent("The sky is not blue.").process(PROMPT)
        self.assertEqual((result.output, result.halted, result.fallback_used), (INTERRUPT, True, False))
        self.assertEqual(result.coherence.evidence["fact"]["rule"], "negation")
        self.assertIsNone(result.session)
        nothing = agent().process(PROMPT)
        self.assertEqual((nothing.output, nothing.coherence, nothing.candidates_evaluated), (INTERRUPT, None, 0))

    def test_fallbacks(self):
        result = agent("The sky is not blue.", fallback="I do not know.").process(PROMPT)
        self.assertEqual((result.output, result.halted, result.fallback_used), ("I do not know.", True, True))
        result = agent(fallback=lambda prompt: "The sky is blue.").process(PROMPT)
        self.assertEqual((result.output, result.fallback_used), ("The sky is blue.", True))
        self.assertEqual(result.candidates_evaluated, 1)
        result = agent(fallback=lambda prompt: "The sky is not blue.").process(PROMPT)
        self.assertEqual((result.output, result.fallback_used), (INTERRUPT, False))

    def test_an_approved_answer_is_halted_as_it_is_released(self):
        seen = []

        def scorer(text):
            seen.append(text)
            return 0.1 if "blue" in text else 0.9

        halting = agent("The sky is blue.", token_scorer=scorer)
        result = halting.process(PROMPT)
        self.assertEqual((result.output, result.halted, result.session.output), (INTERRUPT, True, "The sky is "))
        self.assertEqual(seen[-1], "The sky is blue.")
        self.assertEqual(halting.process(PROMPT).session.halt_reason, "kernel_inactive")
        halting.reactivate()
        self.assertEqual(halting.process(PROMPT).session.halt_reason, "hard_limit (0.1000 < 0.5)")

    def test_nli_is_never_left_out_silently(self):
        with self.assertRaisesRegex(ValueError, "use_nli=True needs an nli_callback"):
            CoherenceAgent(use_nli=True)
        asked = []

        def nli(prompt, action):
            asked.append(action)
            return 0.0

        for use_nli in (True, None):
            self.assertTrue(agent("x", nli_callback=nli, use_nli=use_nli).use_nli)
        self.assertFalse(agent("x", nli_callback=nli, use_nli=False).use_nli)
        self.assertFalse(CoherenceAgent().use_nli)
        self.assertTrue(agent("The sky is blue.", nli_callback=nli).process(PROMPT).coherence.score > 0.9)
        self.assertEqual(asked, ["The sky is blue."])

    def test_no_more_candidates_are_taken_than_allowed(self):
        taken = []

        def endless(prompt):
            for number in itertools.count():
                taken.append(number)
                yield f"The sky is {number}."

        result = CoherenceAgent(endless, max_candidates=3).process(PROMPT)
        self.assertEqual((result.candidates_evaluated, taken), (3, [0, 1, 2]))
        with self.assertRaises(ValueError):
            CoherenceAgent(max_candidates=0)

    def test_what_is_missing_or_fails(self):
        with self.assertRaisesRegex(RuntimeError, "give CoherenceAgent a generator"):
            CoherenceAgent().process("p")

        def failing(prompt):
            raise OSError("no model")

        with self.assertRaisesRegex(OSError, "no model"):
            CoherenceAgent(failing).process("p")

    def test_the_limits_of_a_config(self):
        config = BackfireConfig(coherence_threshold=0.99)
        self.assertTrue(agent("The sky is blue.", config=config).process(PROMPT).halted)


class BackendTest(unittest.TestCase):
    def test_the_native_kernel_is_found(self):
        self.assertIs(CoherenceAgent()._rust_available, True)
        self.assertEqual(director_ai.StreamingKernel.__module__, "backfire_kernel.kernels")

    def test_without_it_plain_python_decides_the_same(self):
        program = (
            "from director_ai import CoherenceAgent, InMemoryKnowledge\n"
            f"agent = CoherenceAgent(lambda prompt: ['Grass.', 'The sky is blue.'], "
            f"knowledge=InMemoryKnowledge({FACTS!r}))\n"
            f"result = agent.process({PROMPT!r})\n"
            "print(result.output, result.coherence.to_dict(), result.session.coherence_history)\n"
        )
        without = "import sys\nsys.modules['backfire_kernel'] = None\n"
        self.assertEqual(run_program(program), run_program(without + program))
        self.assertEqual(run_program(without + program + "print(agent._rust_available)").split()[-1], "False")

    def test_a_broken_one_is_told(self):
        run_program(
            "import pathlib, sys, tempfile, warnings\n"
            "folder = tempfile.mkdtemp()\n"
            "package = pathlib.Path(folder, 'backfire_kernel')\n"
            "package.mkdir()\n"
            "package.joinpath('__init__.py').write_text('import no_such_library')\n"
            "sys.path.insert(0, folder)\n"
            "with warnings.catch_warnings(record=True) as told:\n"
            "    warnings.simplefilter('always')\n"
            "    from director_ai import CoherenceAgent\n"
            "assert not CoherenceAgent()._rust_available\n"
            "assert 'cannot be loaded' in str(told[0].message) and 'no_such_library' in str(told[0].message), told\n"
        )


if __name__ == "__main__":
    unittest.main()
