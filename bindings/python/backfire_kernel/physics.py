"""Coupled oscillators, what their coherence is worth, and what steers them.

Phases are radians, frequencies rad/s, times seconds. Arrays are taken from anything with the buffer protocol (arrays
of numpy, array.array, memoryview: doubles are read where they lie) and from sequences; they are given as numpy arrays,
or as memoryviews where numpy is not installed. ValueError "theta length mismatch: ..." and "input theta contains NaN or
Inf".

Every engine has random numbers of its own, from its seed: xorshift64, the same on every machine. seed=None is 42, and
seed 0 stands for 0xDEADBEEFCAFEBABE. One thread at a time uses an engine (RuntimeError otherwise); long runs release
the GIL and end at Ctrl-C. Formulas are those of docs/oversight.md, "Physics".
"""

from __future__ import annotations

import operator
from typing import Any

from . import _native
from .arrays import as_array

_SEED = 42


def whole(name: str, value: Any, bits: int = 32) -> int:
    number = operator.index(value)
    if not 0 <= number < 2**bits:
        raise ValueError(f"{name} must be in [0, 2^{bits}), is {number}")
    return number


def seed_of(seed: int | None) -> int:
    return _SEED if seed is None else whole("seed", seed, 64)


class Values(dict[str, Any]):
    """A dict whose keys are also attributes: result["v"] and result.v are the same."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name}; it has {', '.join(self)}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]


class RandomSource:
    """The random numbers of every engine: x ^= x << 13; x ^= x >> 7; x ^= x << 17, on 64 bits.

    RandomSource(seed=None)
    """

    def __init__(self, seed: int | None = None) -> None:
        self._engine = _native.Random(seed_of(seed))

    def next(self) -> int:
        """The next number of 64 bits."""
        return self._engine.next()

    def uniform(self, count: int) -> Any:
        """An array of so many numbers in [0, 1): (next() >> 11) / 2^53."""
        return as_array(self._engine.uniform(count), count)

    def normal(self, count: int) -> Any:
        """An array of standard normal numbers: sqrt(-2 ln max(u1, 1e-300)) cos(2 pi u2), of two uniform ones each."""
        return as_array(self._engine.normal(count), count)


def standard_omega() -> Any:
    """The natural frequencies of the standard network, rad/s: an array of 16."""
    return as_array(_native.standard_omega(), 16)


def standard_coupling() -> Any:
    """The coupling of the standard network: an array of 16 x 16, symmetric, with a zero diagonal."""
    return as_array(_native.standard_coupling(), 16, 16)


class UPDEState:
    """Phases on their way. Made by create_state() and random_state() of UPDEStepper; arrays are given as copies."""

    __slots__ = ("_theta", "_dtheta_dt", "t", "r_global", "step_count")

    def __init__(self, theta: bytearray, r_global: float) -> None:
        self._theta = theta
        self._dtheta_dt = bytearray(len(theta))
        self.t = 0.0
        self.r_global = r_global
        self.step_count = 0

    @property
    def theta(self) -> Any:
        """The phases, in [0, 2 pi) after the first step: an array of n."""
        return as_array(bytearray(self._theta), len(self._theta) // 8)

    @property
    def dtheta_dt(self) -> Any:
        """The velocities of the last step without its noise, rad/s; zeros before the first: an array of n."""
        return as_array(bytearray(self._dtheta_dt), len(self._dtheta_dt) // 8)

    def copy(self) -> UPDEState:
        """One that goes its own way."""
        other = UPDEState(bytearray(self._theta), self.r_global)
        other._dtheta_dt[:] = self._dtheta_dt
        other.t, other.step_count = self.t, self.step_count
        return other

    def to_dict(self) -> Values:
        """theta, dtheta_dt, t, r_global, step_count."""
        return Values(
            theta=self.theta, dtheta_dt=self.dtheta_dt, t=self.t, r_global=self.r_global, step_count=self.step_count
        )

    def __repr__(self) -> str:
        return f"<UPDEState after {self.step_count} steps, t {self.t:g} s, R {self.r_global:.4f}>"


class RustUPDEStepper:
    """Kuramoto oscillators with a field and noise, by Euler and Maruyama.

    d theta_n = Omega_n + sum over m of K_nm sin(theta_m - theta_n) + F cos theta_n;
    theta' = (theta + d theta dt + sigma sqrt(dt) xi_n) mod 2 pi, one normal xi_n per oscillator in index order, drawn
    at sigma 0 too, all from the old theta. R = |mean of e^(i theta)|.

    UPDEStepper(dt=0.01, field_pressure=0.1, noise_amplitude=0.05, omega=None, k=None, seed=None)

    dt               s, > 0
    field_pressure   F
    noise_amplitude  sigma, >= 0
    omega            n frequencies, rad/s; None: the standard ones
    k                n x n couplings, symmetric, zero diagonal; None: the standard ones
    """

    def __init__(
        self,
        dt: float = 0.01,
        field_pressure: float = 0.1,
        noise_amplitude: float = 0.05,
        omega: Any = None,
        k: Any = None,
        seed: int | None = None,
    ) -> None:
        self._engine = _native.Upde(dt, field_pressure, noise_amplitude, seed_of(seed), omega, k)

    def create_state(self, theta: Any) -> UPDEState:
        """The state of given phases, before its first step."""
        return UPDEState(*self._engine.begin(theta))

    def random_state(self) -> UPDEState:
        """The state of phases uniform in [0, 2 pi), from the random numbers of this stepper."""
        return UPDEState(*self._engine.begin_random())

    def step(self, state: Any) -> UPDEState:
        """One step on. A state is changed, and returned; of an array of phases a new state is made."""
        return self._advance(state, 1)

    def run(self, state: Any, n_steps: int) -> Values:
        """So many steps on: a dict with theta, dtheta_dt (rad/s, of the last step, without noise), t (s), r_global,
        step_count. A state is changed, so that the next run continues; of an array of phases a new one is made.
        """
        return self._advance(state, whole("n_steps", n_steps, 63)).to_dict()

    def _advance(self, state: Any, steps: int) -> UPDEState:
        at = state if isinstance(state, UPDEState) else self.create_state(state)
        at.t, at.r_global, at.step_count = self._engine.run(
            steps, at._theta, at._dtheta_dt, at.t, at.r_global, at.step_count
        )
        return at


_SEC_NAMES = "v v_normalised coherence_score r_global v_coupling v_frequency v_entropy dv_dt".split()


class RustSECFunctional:
    """How far phases are from coherence: V = Vc + Vf + Ve, and 1 - clamp(V / Vmax, 0, 1) as a score.

    Vc = sum over ordered pairs of K_nm (1 - cos(theta_n - theta_m));
    Vf = lambda_omega sum of (d_n / dt - Omega_n)^2, d_n = theta_n - prev_n on the branch nearest to Omega_n dt;
    Ve = lambda_entropy max(ln M - S, 0), S the entropy of the phases' density at M = max(n, 16) points, each phase
    spread as exp(2 cos). Vmax = max(2 sum of K, 1e-12).

    SECFunctional(lambda_omega=0.1, lambda_entropy=0.01, omega=None, k=None)
    """

    def __init__(
        self, lambda_omega: float = 0.1, lambda_entropy: float = 0.01, omega: Any = None, k: Any = None
    ) -> None:
        self._engine = _native.Sec(lambda_omega, lambda_entropy, omega, k)

    def evaluate(self, theta: Any, theta_prev: Any = None, dt: float = 0.01) -> Values:
        """A dict with v, v_normalised, coherence_score, r_global, v_coupling, v_frequency, v_entropy, dv_dt.

        theta_prev: the phases dt seconds before; without them v_frequency and dv_dt are 0. dv_dt is that of
        v_coupling + v_entropy.
        """
        return Values(zip(_SEC_NAMES, self._engine.evaluate(theta, theta_prev, dt), strict=True))

    def critical_coupling(self) -> float:
        """2 / (pi g(0)), g(0) = 1 / (sqrt(2 pi) s) with the population standard deviation s of Omega. rad/s."""
        return self._engine.critical_coupling()

    @property
    def v_max(self) -> float:
        """Vmax."""
        return self._engine.largest()


UPDEStepper = RustUPDEStepper
SECFunctional = RustSECFunctional
