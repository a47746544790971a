"""Reviews and knowledge, on both backends, and that both find the same."""

import json
import math
import random
import threading
import unittest

import backfire_kernel
import director_ai.pure
from both_kernels import FEW, OnBothKernels


class ScorerTest(OnBothKernels):
    def scorer(self, *given, **fields):
        return self.kernels.RustCoherenceScorer(*given, **fields)

    def test_the_golden_figures(self):
        logic = self.scorer().calculate_logical_divergence
        self.assertEqual((logic("", "x"), logic("a", "b")), (0.5, 0.5))
        self.assertAlmostEqual(logic("a b c", "a b c"), 0.2, places=15)
        self.assertAlmostEqual(logic("What color is the sky?", "The sky is blue"), 0.38, places=15)
        approved, score = self.scorer(None, lambda prompt, action: 0.1).review("p", "a")
        self.assertTrue(approved)
        self.assertAlmostEqual(score.score, 0.74, places=15)
        self.assertEqual((score.approved, score.h_factual, score.warning), (True, 0.5, False))

    def test_phrases_and_contradictions(self):
        scorer = self.scorer()
        self.assertEqual(scorer.calculate_logical_divergence("a", "It is Consistent with Reality."), 0.1)
        self.assertEqual(scorer.calculate_logical_divergence("a", "the OPPOSITE is true"), 0.9)
        approved, score = scorer.review("The sky is blue.", "The sky is not blue.")
        self.assertFalse(approved)
        self.assertEqual((score.h_logical, score.evidence["logic"]["rule"]), (0.8, "negation"))
        self.assertEqual(score.evidence["logic"]["stated_sentence"], "the sky is not blue.")

    def test_facts(self):
        knowledge = self.kernels.InMemoryKnowledge(["Mount Everest is 8,848 metres high.", "The sky is blue."])
        scorer = self.scorer(None, None, knowledge)
        _, score = scorer.review("How high is Everest?", "Everest is 9000 metres high.")
        self.assertGreaterEqual(score.h_factual, 0.8)
        why = score.evidence["fact"]
        self.assertEqual((why["rule"], why["known_number"], why["stated_number"]), ("number", "8,848", "9000"))
        self.assertEqual([each["id"] for each in why["facts"]], [1])
        self.assertLess(scorer.calculate_factual_divergence("How high is Everest?", "It is 8848 metres high"), 0.5)
        self.assertEqual(scorer.calculate_factual_divergence("Who?", "Me."), 0.5)
        asked = []
        scorer = self.scorer(None, None, lambda prompt: asked.append(prompt) or "the sky is blue")
        self.assertEqual(scorer.calculate_factual_divergence("?", "The sky is blue!"), 0)
        self.assertEqual(asked, ["?"])

    def test_callbacks_that_fail_count_as_unknown_and_are_told(self):
        for callback, said in (
            (lambda prompt, action: math.nan, "the score is not finite"),
            (lambda prompt, action: "0.1", "TypeError: must be real number, not str"),
            (lambda prompt, action: 1 / 0, "ZeroDivisionError: division by zero"),
            (lambda prompt, action: None, "TypeError: must be real number, not NoneType"),
        ):
            approved, score = self.scorer(None, callback).review("p", "a")
            self.assertEqual((approved, score.h_logical), (False, 0.5))
            self.assertEqual(score.evidence["logic"], {"rule": "nli_failed", "divergence": 0.5, "error": said})
        for callback, rule in (
            (lambda prompt: 3, "knowledge_failed"),
            (lambda prompt: 1 / 0, "knowledge_failed"),
            (lambda prompt: "x" * (1 << 21), "knowledge_failed"),
            (lambda prompt: None, "no_knowledge"),
            (lambda prompt: "...", "no_words"),
        ):
            _, score = self.scorer(None, None, callback).review("p", "a")
            self.assertEqual((score.h_factual, score.evidence["fact"]["rule"]), (0.5, rule))

    def test_keyboard_interrupt_passes_through(self):
        def interrupted(*texts):
            raise KeyboardInterrupt

        for scorer in (self.scorer(None, interrupted), self.scorer(None, None, interrupted)):
            with self.assertRaises(KeyboardInterrupt):
                scorer.review("p", "a")
            with self.assertRaises(KeyboardInterrupt):
                scorer.bind("p")("a")
            kernel = self.kernels.RustStreamingKernel()
            with self.assertRaises(KeyboardInterrupt):
                kernel.stream_tokens("abc", scorer.bind("p"))
            self.assertEqual(kernel.last_session.token_count, 0)

    def test_an_nli_beyond_its_range_is_cut(self):
        self.assertEqual(self.scorer(None, lambda p, a: 7).calculate_logical_divergence("p", "a"), 1)
        self.assertEqual(self.scorer(None, lambda p, a: -7).calculate_logical_divergence("p", "a"), 0)

    def test_only_approved_scores_enter_the_history(self):
        beliefs = iter([0.0, 1.0, 0.1, 0.2])
        config = self.kernels.BackfireConfig(history_window=2)
        scorer = self.scorer(config, lambda p, a: next(beliefs))
        for _ in range(4):
            scorer.review("p", "a")
        self.assertEqual(scorer.history_len, 2)
        self.assertEqual([round(score, 12) for score in scorer.history], [0.74, 0.68])
        none = self.scorer(config.replace(history_window=0), lambda p, a: 0)
        none.review("p", "a")
        self.assertEqual(none.history, [])

    def test_limits_can_be_set_to_right_values_only(self):
        scorer = self.scorer(None, lambda p, a: 0.1)
        self.assertEqual((scorer.threshold, scorer.soft_limit, scorer.use_nli), (0.6, 0.7, True))
        self.assertFalse(self.scorer().use_nli)
        with self.assertRaisesRegex(ValueError, r"config error: soft_limit must be >= hard_limit \(0.5\), is 0.4"):
            scorer.soft_limit = 0.4
        with self.assertRaisesRegex(ValueError, "config error: coherence_threshold must be in"):
            scorer.threshold = math.nan
        scorer.soft_limit, scorer.threshold = 0.9, 0.7
        approved, score = scorer.review("p", "a")
        self.assertEqual((approved, score.warning), (True, True))
        scorer.threshold = 0.75
        self.assertFalse(scorer.review("p", "a")[0])

    def test_what_is_refused(self):
        scorer = self.scorer()
        for texts in ((1, "a"), ("p", None), (b"p", "a")):
            with self.assertRaises(TypeError):
                scorer.review(*texts)
        with self.assertRaisesRegex(ValueError, "1048576 bytes"):
            scorer.review("x" * (1 << 20) + "x", "a")
        for wrong in ({"nli_callback": 3}, {"knowledge_callback": "facts"}):
            with self.assertRaisesRegex(TypeError, "must be callable or None"):
                self.scorer(**wrong)
        with self.assertRaises(TypeError):
            scorer.bind(3)

    def test_a_bound_scorer_scores_a_stream(self):
        knowledge = self.kernels.InMemoryKnowledge(["The sky is blue."])
        scorer = self.scorer(None, None, knowledge)
        bound = scorer.bind("What color is the sky?")
        tokens = ["The ", "sky ", "is ", "blue. ", "The ", "sky ", "is ", "not ", "blue."]
        texts = ["".join(tokens[: end + 1]) for end in range(len(tokens))]
        kernel = self.kernels.RustStreamingKernel(hard_limit=0.4, trend_threshold=1)
        expected = [1 - scorer.compute_divergence("What color is the sky?", text) for text in texts]
        for source in (tokens, iter(tokens)):
            session = kernel.stream_tokens(source, bound, accumulate=True)
            self.assertEqual(session.coherence_history, expected)
        self.assertEqual([bound(text) for text in texts], expected)
        self.assertEqual(scorer.history_len, 0)

    def test_a_scorer_in_many_threads(self):
        scorer = self.scorer(None, None, self.kernels.InMemoryKnowledge(["The sky is blue."]))
        expected = scorer.review("sky", "the sky is blue")
        wrong = []

        def work():
            for _ in range(200):
                if scorer.review("sky", "the sky is blue") != expected:
                    wrong.append(1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_a_score_in_plain_values(self):
        _, score = self.scorer().review("The sky is blue.", "The sky is blue.")
        plain = json.loads(json.dumps(score.to_dict()))
        self.assertEqual((plain["approved"], plain["evidence"]["logic"]["rule"]), (True, "overlap"))
        self.assertEqual(self.scorer(evidence=False).review("p", "a")[1].evidence, {})


class KnowledgeTest(OnBothKernels):
    def test_facts_are_found_by_their_words(self):
        knowledge = self.kernels.InMemoryKnowledge(["The sky is blue.", "Grass is green."])
        self.assertEqual(knowledge.add_fact("The sky over Mars is red."), 3)
        found = knowledge.find("What color is the sky over Mars?")
        self.assertEqual([each.id for each in found], [3, 1])
        self.assertEqual(found[0].text, "The sky over Mars is red.")
        self.assertEqual((len(knowledge), list(knowledge)[1]), (3, "Grass is green."))
        self.assertEqual(knowledge.context("grass?"), "Grass is green.")
        self.assertIsNone(knowledge.context("Who are you?"))
        self.assertEqual(knowledge("grass?"), "Grass is green.")
        self.assertEqual(len(knowledge.find("sky", 1)), 1)
        self.assertEqual(knowledge.find("sky", -1), [])

    def test_facts_can_be_removed(self):
        knowledge = self.kernels.InMemoryKnowledge({"sky": "blue", "grass": "green"})
        self.assertEqual(list(knowledge), ["sky: blue", "grass: green"])
        self.assertTrue(knowledge.remove(1))
        self.assertFalse(knowledge.remove(1))
        self.assertTrue(knowledge.remove("grass: green"))
        self.assertFalse(knowledge.remove("grass: green"))
        self.assertEqual((len(knowledge), knowledge.find("sky grass")), (0, []))
        self.assertEqual(knowledge.add_fact("x"), 3)

    def test_what_is_refused(self):
        with self.assertRaises(TypeError):
            self.kernels.InMemoryKnowledge("one str")
        knowledge = self.kernels.InMemoryKnowledge()
        with self.assertRaises(TypeError):
            knowledge.add_fact(3)
        with self.assertRaisesRegex(ValueError, "a fact may have at most 65536 bytes, this one has 65537"):
            knowledge.add_fact("x" * 65537)
        with self.assertRaises(TypeError):
            knowledge.find(3)


PARTS = (
    *("the ", "sky ", "is ", "not ", "blue. ", "8848 ", "-3,5", "n't ", "can't ", "don\u2019t ", "?", "\u6771\u4eac"),
    *("\u00c4\u00d6 ", "\n", "no ", "'t", "1.2.3 ", "perhaps ", "a ", "\0", "Everest ", "1,234.50 ", "007", "m "),
    *("\u03a3\u0391\u03a3 ", "\u0130x ", "\u00a0", "\u2026", "x\u00b2 ", "NEVER ", "(it's) ", "-", " -5 ", "."),
    *("isn't ", "; "),
    *("\ud800", "\u0939\u093f ", "\U00010400", "1953 ", "green ", "high. ", "nobody ", "cannot ", "\ufe0f", "\u3002"),
)


class SameReviewsTest(unittest.TestCase):
    def random_text(self, dice):
        return "".join(dice.choices(PARTS, k=dice.randrange(12)))

    def test_random_texts_have_the_same_figures_and_evidence(self):
        rules = set()
        for seed in range(1000 if FEW else 20000):
            dice = random.Random(seed)
            known, prompt, action = (self.random_text(dice) for _ in range(3))
            if dice.random() < 0.3:
                action = prompt.replace(dice.choice(PARTS), dice.choice(PARTS))
            found = []
            for package in (backfire_kernel, director_ai.pure):
                scorer = package.RustCoherenceScorer(None, None, lambda prompt, known=known: known)
                found.append(scorer.review(prompt, action))
            (_, native), (_, plain) = found
            self.assertEqual(native[:5], plain[:5], f"{seed}: {prompt!r} {action!r} {known!r} {native} {plain}")
            if "\ud800" not in known + prompt + action:
                self.assertEqual(native.evidence, plain.evidence, seed)
            rules |= {native.evidence["logic"]["rule"], native.evidence["fact"]["rule"]}
        self.assertEqual(rules, {"no_words", "overlap", "negation", "number"})

    def test_random_facts_are_ranked_the_same(self):
        for seed in range(30 if FEW else 300):
            dice = random.Random(seed)
            facts = [self.random_text(dice) for _ in range(dice.randrange(20))]
            stores = [package.InMemoryKnowledge(facts) for package in (backfire_kernel, director_ai.pure)]
            for number in range(1, len(facts) + 1):
                if dice.random() < 0.2:
                    self.assertEqual(len({store.remove(number) for store in stores}), 1)
            for _ in range(5):
                query = self.random_text(dice)
                native, plain = (store.find(query, 10) for store in stores)
                self.assertEqual(native, plain, seed)
                native, plain = (store.context(query) for store in stores)
                if "\ud800" not in "".join(facts):
                    self.assertEqual(native, plain, seed)


if __name__ == "__main__":
    unittest.main()
