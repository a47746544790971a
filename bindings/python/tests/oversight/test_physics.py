"""The engines of the physics: golden figures, invariants, arrays of every kind, seeds."""

import array
import math
import random
import threading
import unittest

import backfire_kernel
import numpy
from backfire_kernel import (
    L16Controller,
    PGBOEngine,
    RandomSource,
    SECFunctional,
    SSGFEngine,
    TCBOController,
    TCBOObserver,
    UPDEStepper,
    standard_coupling,
    standard_omega,
)
from isolated import run_program

THETA = [0.4 * index for index in range(16)]
INPUT = {"r_global": 0.5, "plv": 0.7, "c7": 0.1, "c8": 0.1, "c10": 0.1, "p_h1": 0.8, "h_frob": 1.0, "dt": 0.01}


class GoldenTest(unittest.TestCase):
    def close(self, found, golden, relative=1e-12):
        self.assertTrue(math.isclose(found, golden, rel_tol=relative), f"{found!r} is not {golden!r}")

    def test_random_numbers(self):
        source = RandomSource(42)
        self.assertEqual([source.next() for _ in range(3)], [45454805674, 11532217803599905471, 10021416941527320954])
        for found, golden in zip(RandomSource(42).normal(2), (-4.4475711850787309, 0.60847685322122069), strict=True):
            self.close(found, golden)
        self.assertEqual(RandomSource(0).next(), RandomSource(0xDEADBEEFCAFEBABE).next())
        self.assertEqual(RandomSource().next(), 45454805674)

    def test_the_standard_network(self):
        k = standard_coupling()
        self.assertEqual((k.shape, standard_omega().shape), ((16, 16), (16,)))
        self.close(k[0, 2], 0.24696523624231187)
        self.close(k[0, 14], 0.0067480095692149670)
        self.close(k.sum(), 30.362933699405794)
        self.assertEqual(standard_omega()[1], 251.327)

    def test_upde(self):
        stepper = UPDEStepper(noise_amplitude=0)
        state = stepper.create_state(THETA)
        self.close(state.r_global, 0.018364102549815665)
        self.assertIs(stepper.step(state), state)
        for index, golden in ((0, 2.1027313632843692), (1, 251.94987264564423), (15, 0.40107031320541697)):
            self.close(state.dtheta_dt[index], golden)
        self.close(state.r_global, 0.15221232545425517)
        self.assertEqual((state.step_count, state.t), (1, 0.01))

    def test_sec(self):
        found = SECFunctional().evaluate(THETA)
        self.close(found["v"], 19.680136668532857)
        self.close(found.coherence_score, 0.67591839340415905)
        self.close(found.v_coupling, 19.680134684382448)
        self.close(found.v_entropy, 1.9841504098083718e-6, 1e-6)
        self.close(SECFunctional().critical_coupling(), 96.980045887269753)
        self.close(SECFunctional().v_max, 60.725867398811587)

    def test_pgbo(self):
        engine = PGBOEngine(n=4)
        self.assertEqual(engine.compute([0.1, 0.2, 0.3, 0.4], 0.01).u_norm, 0)
        found = engine.compute([0.5, 0.1, 0.7, 0.2], 0.01)
        golden = (5.6475139225535802, -1.4118784806383888, 5.6475139225535802, -2.8237569612767777)
        for each, right in zip(found.u_mu, golden, strict=True):
            self.close(each, right)
        self.close(found.u_norm, 8.5881215193616054)
        self.close(found.h_frob, 22.126749369396563)

    def test_ssgf(self):
        engine = SSGFEngine(seed=42)
        self.close(engine.z[0], -0.49999999753589008)
        self.close(engine.z[1], 0.12516277981195145)
        self.close(engine.theta[0], 5.6373784963976314)
        self.close(engine.theta[1], 4.9227487476075682)
        self.close(engine.w[0, 1], 0.47407698511040841)
        self.close(engine.eigenvalues[1], 0.99282093902183011)
        self.close(engine.eigenvalues[15], 1.1563650361999533)


class ArraysTest(unittest.TestCase):
    def test_every_kind_of_array_is_read(self):
        strided = numpy.zeros(32)
        strided[::2] = THETA
        ready = memoryview(array.array("d", THETA))
        kinds = [THETA, tuple(THETA), iter(THETA), array.array("d", THETA), ready, numpy.array(THETA), strided[::2]]
        kinds += [numpy.array(THETA, dtype=">f8"), [numpy.float64(each) for each in THETA]]
        expected = SECFunctional().evaluate(THETA)
        for kind in kinds:
            with self.subTest(type(kind)):
                self.assertEqual(SECFunctional().evaluate(kind), expected)
        single = numpy.array(THETA, dtype=numpy.float32)
        self.assertEqual(SECFunctional().evaluate(single), SECFunctional().evaluate(single.astype(float)))
        self.assertEqual(SECFunctional().evaluate(range(16)), SECFunctional().evaluate(numpy.arange(16)))

    def test_a_matrix_in_any_form(self):
        k = standard_coupling()
        expected = UPDEStepper(k=k, noise_amplitude=0).run(THETA, 3).theta.tolist()
        for given in (k.tolist(), k.reshape(-1), numpy.asfortranarray(k), memoryview(k), array.array("d", k.flat)):
            self.assertEqual(UPDEStepper(k=given, noise_amplitude=0).run(THETA, 3).theta.tolist(), expected)

    def test_what_is_refused(self):
        sec = SECFunctional()
        for theta, error, text in (
            (THETA[:3], ValueError, "theta length mismatch: expected 16, got 3"),
            ([*THETA[:15], math.nan], ValueError, "input theta contains NaN or Inf"),
            ([*THETA[:15], math.inf], ValueError, "input theta contains NaN or Inf"),
            ("0123456789abcdef", TypeError, "theta must be an array of numbers"),
            ([None] * 16, TypeError, "theta must be an array of numbers"),
            (numpy.array([1j] * 16), TypeError, "theta must be an array of real numbers"),
            (numpy.zeros((2, 8)), ValueError, "theta must have one dimension, or two equal ones"),
            ([[0.0] * 8] * 2, ValueError, "theta must have one dimension, or two equal ones"),
            (3, TypeError, "theta must be an array of numbers"),
        ):
            with self.subTest(text), self.assertRaisesRegex(error, text):
                sec.evaluate(theta)
        with self.assertRaisesRegex(ValueError, "k"):
            UPDEStepper(k=numpy.arange(256.0).reshape(16, 16))
        for wrong in (-1, 2**32, 2**32 + 16):
            with self.assertRaisesRegex(ValueError, r"n must be in \[0, 2\^32\)|n must be in"):
                PGBOEngine(n=wrong)
        with self.assertRaises(ValueError):
            UPDEStepper(seed=-1)
        with self.assertRaises(ValueError):
            UPDEStepper().run(THETA, -1)
        with self.assertRaises(ValueError):
            UPDEStepper(dt=0)

    def test_arrays_that_come_out_belong_to_the_caller(self):
        state = UPDEStepper().create_state(THETA)
        theta = state.theta
        self.assertIsInstance(theta, numpy.ndarray)
        theta[:] = 0
        self.assertEqual(state.theta.tolist(), THETA)
        engine = SSGFEngine()
        w = engine.w
        w[:] = 7
        self.assertNotEqual(engine.w[0, 1], 7)

    def test_without_numpy_arrays_are_memoryviews(self):
        program = (
            "import sys; sys.modules['numpy'] = None\n"
            "from backfire_kernel import SSGFEngine, UPDEStepper, SECFunctional\n"
            "theta = UPDEStepper().run([0.1] * 16, 2).theta\n"
            "assert isinstance(theta, memoryview) and theta.shape == (16,) and theta.format == 'd', theta\n"
            "w = SSGFEngine().w\n"
            "assert w.shape == (16, 16) and w[0, 1] == w[1, 0] > 0 and w[2, 2] == 0\n"
            "SECFunctional().evaluate(theta)\n"
        )
        run_program(program)

    def test_importing_the_package_does_not_import_numpy(self):
        run_program("import sys, backfire_kernel; assert 'numpy' not in sys.modules")


class InvariantsTest(unittest.TestCase):
    def test_upde(self):
        stepper = UPDEStepper(seed=3)
        state = stepper.random_state()
        for _ in range(50):
            stepper.run(state, 10)
            self.assertTrue(0 <= state.r_global <= 1)
            self.assertTrue(((state.theta >= 0) & (state.theta < 2 * math.pi)).all())
        self.assertEqual(state.step_count, 500)
        self.assertAlmostEqual(state.t, 5.0)

    def test_a_run_is_its_steps(self):
        one, many = (UPDEStepper(seed=5) for _ in range(2))
        state, other = one.create_state(THETA), many.create_state(THETA)
        for _ in range(20):
            one.step(state)
        found = many.run(other, 15)
        found = many.run(other, 5)
        self.assertEqual(found["theta"].tolist(), state.theta.tolist())
        self.assertEqual((found["step_count"], found["t"]), (state.step_count, state.t))
        unchanged = other.copy()
        many.step(other)
        self.assertNotEqual(unchanged.theta.tolist(), other.theta.tolist())

    def test_seeds(self):
        def theta(**seed):
            return UPDEStepper(**seed).run(THETA, 10).theta.tolist()

        self.assertEqual(theta(seed=7), theta(seed=7))
        self.assertNotEqual(theta(seed=7), theta(seed=8))
        self.assertEqual(theta(), theta(seed=42))
        self.assertEqual(SSGFEngine(seed=7).z.tolist(), SSGFEngine(seed=7).z.tolist())
        self.assertNotEqual(SSGFEngine(seed=7).z.tolist(), SSGFEngine(seed=8).z.tolist())

    def test_the_energy_of_coupling_does_not_change_under_rotation(self):
        sec = SECFunctional()
        dice = random.Random(1)
        for _ in range(20):
            theta = [dice.uniform(0, 6) for _ in range(16)]
            turned = [each + 0.7 for each in theta]
            a, b = sec.evaluate(theta), sec.evaluate(turned)
            self.assertAlmostEqual(a.v_coupling, b.v_coupling, places=9)
            self.assertTrue(0 <= a.coherence_score <= 1)
        self.assertEqual(sec.evaluate([0.5] * 16).v_coupling, 0)

    def test_pgbo_is_bounded(self):
        engine = PGBOEngine(u_cap=10)
        engine.compute([0.0] * 16, 0.01)
        found = engine.compute([3.0] * 16, 1e-6)
        self.assertLess(found.u_norm, 10)
        self.assertTrue((found.h_munu == found.h_munu.T).all())
        free = PGBOEngine(traceless=True)
        free.compute([0.0] * 16, 0.01)
        self.assertAlmostEqual(float(free.compute(THETA, 0.01).h_munu.trace()), 0)
        engine.reset()
        engine.set_boundary_potential([1.0] * 16)
        self.assertTrue((engine.compute(THETA, 0.01).u_mu < 0).all())

    def test_tcbo_sees_a_loop_and_no_loop(self):
        observer = TCBOObserver(n=1, window_size=40)
        turning = [observer.push_and_compute([2 * math.pi * index / 40]) for index in range(40)]
        self.assertEqual(turning[-2].p_h1, 0)
        self.assertTrue(turning[-1].is_conscious)
        self.assertGreater(turning[-1].s_h1, 1)
        observer.reset()
        self.assertEqual(observer.compute().samples, 0)
        for _ in range(40):
            observer.push([1.0])
        self.assertFalse(observer.compute(force=True).is_conscious)

    def test_controllers(self):
        controller = TCBOController()
        gains = [controller.step(0.1, 1.0) for _ in range(100)]
        self.assertEqual(gains, sorted(gains))
        self.assertEqual(gains[-1], 5.0)
        controller.reset()
        self.assertEqual(controller.step(0.1, 1.0), gains[0])
        l16 = L16Controller()
        found = [l16.step(THETA, **{**INPUT, "r_global": 0.9 - 0.1 * step}) for step in range(7)]
        self.assertEqual([each.refusal for each in found], [False] * 5 + [True] * 2)
        self.assertEqual((found[-1].lr_z_scale, found[-1].tau_d_scale, found[-1].gate_open), (0.5, 1.5, True))
        self.assertFalse(found[-1].lyapunov_stable)
        full = L16Controller().step(THETA, **INPUT, v=numpy.eye(16), phi=numpy.eye(16))
        self.assertNotEqual(full.h_rec, L16Controller().step(THETA, **INPUT).h_rec)
        l16.reset()
        self.assertFalse(l16.step(THETA, **INPUT).refusal)

    def test_ssgf(self):
        engine = SSGFEngine(n_micro=3)
        self.assertIsNone(engine.run(0))
        costs = [engine.outer_step().u_total for _ in range(3)]
        last = engine.run(40)
        self.assertEqual((engine.step_count, last.step, len(engine.log)), (43, 43, 43))
        self.assertEqual([step.u_total for step in engine.log[:3]], costs)
        w, values, vectors = engine.w, engine.eigenvalues, engine.eigenvectors
        self.assertTrue((w == w.T).all() and (w.diagonal() == 0).all())
        self.assertTrue((numpy.diff(values) >= 0).all())
        scale = 1 / numpy.sqrt(w.sum(axis=1))
        laplacian = numpy.eye(16) - scale[:, None] * w * scale
        self.assertTrue(numpy.allclose(laplacian @ vectors, vectors * values, atol=1e-9))
        self.assertTrue(0 <= engine.r_global <= 1)
        self.assertEqual((engine.gradient.shape, engine.phi.shape, engine.h_munu.shape), ((120,), (16, 16), (16, 16)))
        audio = engine.audio_mapping()
        self.assertIn(audio.brainwave_band, ("delta", "theta", "alpha", "beta", "gamma"))
        self.assertAlmostEqual(audio["beat_hz"], 0.5 + 39.5 * abs(math.cos(engine.theta[1])))
        engine.set_tcbo_p_h1(0.9)
        self.assertEqual(engine.outer_step().c4, 0)
        with self.assertRaises(ValueError):
            engine.set_tcbo_p_h1(1.5)
        small = SSGFEngine(n=5)
        self.assertEqual((small.n, small.w.shape), (5, (5, 5)))
        with self.assertRaisesRegex(ValueError, "n is 5, but there are 16 oscillators"):
            SSGFEngine(omega=standard_omega(), n=5)

    def test_results_are_dicts_with_attributes(self):
        found = SECFunctional().evaluate(THETA)
        self.assertEqual(found["v"], found.v)
        self.assertIn("v", dir(found))
        with self.assertRaisesRegex(AttributeError, "Values has no x; it has v, "):
            self.assertIsNone(found.x)


class ThreadsTest(unittest.TestCase):
    def test_ctrl_c_ends_a_long_run(self):
        for program in (
            "UPDEStepper().run([0.0] * 16, 10**12)",
            "SSGFEngine().run(10**12)",
        ):
            run_program(
                "import _thread, threading\n"
                "from backfire_kernel import SSGFEngine, UPDEStepper\n"
                "begun = threading.Event()\n"
                # It gets the GIL when the run below releases it.
                "threading.Thread(target=lambda: (begun.wait(), _thread.interrupt_main())).start()\n"
                f"try:\n    begun.set()\n    {program}\n"
                "except KeyboardInterrupt:\n    pass\nelse:\n    raise SystemExit('it ended')\n"
            )

    def test_an_engine_in_use_refuses_another_thread(self):
        engine = SSGFEngine()
        said = []
        running = threading.Thread(target=engine.run, args=(3000,))
        running.start()
        while running.is_alive():
            try:
                engine.outer_step()
            except RuntimeError as why:
                said.append(str(why))
        running.join()
        self.assertIn("another thread uses this engine: give each thread one of its own", said)


class NamesTest(unittest.TestCase):
    def test_every_class_has_both_names(self):
        for name in ("UPDEStepper", "SECFunctional", "L16Controller", "PGBOEngine", "TCBOObserver", "TCBOController"):
            self.assertIs(getattr(backfire_kernel, name), getattr(backfire_kernel, f"Rust{name}"))
        self.assertIs(backfire_kernel.SSGFEngine, backfire_kernel.RustSSGFEngine)


if __name__ == "__main__":
    unittest.main()
