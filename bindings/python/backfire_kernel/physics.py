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


def _whole(name: str, value: Any, bits: int = 32) -> int:
    number = operator.index(value)
    if not 0 <= number < 2**bits:
        raise ValueError(f"{name} must be in [0, 2^{bits}), is {number}")
    return number


def _seed(seed: int | None) -> int:
    return _SEED if seed is None else _whole("seed", seed, 64)


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
        self._engine = _native.Random(_seed(seed))

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
        self._engine = _native.Upde(dt, field_pressure, noise_amplitude, _seed(seed), omega, k)

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
        return self._advance(state, _whole("n_steps", n_steps, 63)).to_dict()

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


_L16_NAMES = (
    "lambda7 lambda8 lambda10 nu_star h_rec dh_rec_dt avg_plv lr_z_scale d_theta_scale tau_d_scale "
    "gate_open refusal lyapunov_stable"
).split()


class RustL16Controller:
    """Holds three costs at 0 and R at one half, each by a PI loop; refuses while the recursion error keeps rising.

    I = clamp(I + e dt, -10, 10); out = clamp(Kp e + Ki I, 0.01, 10); e = cost for lambda7, lambda8, lambda10 (Kp 0.3,
    Ki 0.03), e = 0.5 - R for nu_star (Kp 0.5, Ki 0.05). The gate is open where the mean of the last plv_window values
    is over plv_threshold. It refuses where the last h_rec_window + 1 values of h_rec strictly increase.

    L16Controller(n=16, plv_threshold=0.6, plv_window=10, h_rec_window=5, refusal_lr_factor=0.5, refusal_d_factor=0.5,
    refusal_tau_factor=1.5)
    """

    def __init__(
        self,
        n: int = 16,
        plv_threshold: float = 0.6,
        plv_window: int = 10,
        h_rec_window: int = 5,
        refusal_lr_factor: float = 0.5,
        refusal_d_factor: float = 0.5,
        refusal_tau_factor: float = 1.5,
    ) -> None:
        self._engine = _native.L16(
            _whole("n", n),
            plv_threshold,
            _whole("plv_window", plv_window),
            _whole("h_rec_window", h_rec_window),
            refusal_lr_factor,
            refusal_d_factor,
            refusal_tau_factor,
        )

    def step(
        self,
        theta: Any,
        r_global: float,
        plv: float,
        c7: float,
        c8: float,
        c10: float,
        p_h1: float,
        h_frob: float,
        dt: float,
        v: Any = None,
        phi: Any = None,
    ) -> Values:
        """A dict with lambda7, lambda8, lambda10, nu_star, h_rec, dh_rec_dt (per s), avg_plv, lr_z_scale,
        d_theta_scale, tau_d_scale, gate_open, refusal, lyapunov_stable (dh_rec_dt <= 0).

        v, phi: n x n eigenvectors now and for reference. With both, h_rec = |v - phi|_F^2 + (1 - R) + var(sin theta) +
        var(cos theta) + max(0.72 - p_h1, 0) + 0.01 h_frob; else (1 - clamp(R, 0, 1)) + max(0.72 - p_h1, 0).
        """
        found = self._engine.step(theta, r_global, plv, c7, c8, c10, p_h1, h_frob, dt, v, phi)
        return Values(zip(_L16_NAMES, found, strict=True))

    def reset(self) -> None:
        """Forgets integrals and windows."""
        self._engine.reset()


class RustPGBOEngine:
    """The velocity of all phases, bounded, and the tensor that it spans.

    u_i = wrap(theta_i - prev_i) / dt (0 at first) - alpha A_i; with r = |u|: u /= 1 + r / u_cap; h = kappa u u^T,
    traceless: minus trace / n on the diagonal.

    PGBOEngine(n=16, alpha=0.5, kappa=0.3, u_cap=10.0, traceless=False)
    """

    def __init__(
        self, n: int = 16, alpha: float = 0.5, kappa: float = 0.3, u_cap: float = 10.0, traceless: bool = False
    ) -> None:
        self._engine = _native.Pgbo(_whole("n", n), alpha, kappa, u_cap, traceless)

    def compute(self, theta: Any, dt: float) -> Values:
        """A dict with u_mu (array of n, rad/s), h_munu (array of n x n), u_norm (< u_cap), h_trace, h_frob."""
        u, h, u_norm, h_trace, h_frob = self._engine.compute(theta, dt)
        n = len(u) // 8
        return Values(u_mu=as_array(u, n), h_munu=as_array(h, n, n), u_norm=u_norm, h_trace=h_trace, h_frob=h_frob)

    def set_boundary_potential(self, a: Any) -> None:
        """A: n numbers, zeros at first."""
        self._engine.set_boundary_potential(a)

    def reset(self) -> None:
        """Forgets the last phases, not the boundary potential."""
        self._engine.reset()


class RustTCBOObserver:
    """Whether the joint motion of the oscillators closes a loop: the longest hole of its delay embedding.

    Each sample's cosines and sines, embed_dim of them tau_delay apart, divided by sqrt(n embed_dim), are a point; the
    last window_size samples are a cloud. s_h1 is the lifetime of the longest H1 bar of its Vietoris-Rips filtration, 0
    where that is at most 0.05; p_h1 = 1 / (1 + exp(-beta (s_h1 - s0))), 0 until the window is full.

    TCBOObserver(n=16, tau_h1=0.72, beta=8.0, window_size=50, embed_dim=3, tau_delay=1, *, s0=0.5)
    """

    def __init__(
        self,
        n: int = 16,
        tau_h1: float = 0.72,
        beta: float = 8.0,
        window_size: int = 50,
        embed_dim: int = 3,
        tau_delay: int = 1,
        *,
        s0: float = 0.5,
    ) -> None:
        self._engine = _native.Tcbo(
            _whole("n", n),
            tau_h1,
            beta,
            s0,
            _whole("window_size", window_size),
            _whole("embed_dim", embed_dim),
            _whole("tau_delay", tau_delay),
        )

    def push(self, theta: Any) -> None:
        """The next sample: n phases."""
        self._engine.push(theta)

    def compute(self, force: bool = False) -> Values:
        """A dict with p_h1, s_h1, is_conscious (p_h1 > tau_h1), samples. Computed anew after a push, or if forced."""
        return Values(zip(("p_h1", "s_h1", "is_conscious", "samples"), self._engine.compute(force), strict=True))

    def push_and_compute(self, theta: Any, force: bool = False) -> Values:
        """push(theta), then compute(force)."""
        self._engine.push(theta)
        return self.compute(force)

    def reset(self) -> None:
        """Forgets the window."""
        self._engine.reset()


class RustTCBOController:
    """Raises a gain while p_h1 is under tau_h1.

    e = tau_h1 - p_h1; I = clamp(I + e dt, 0, kappa_max / ki); kappa = clamp(kp e + ki I, 0, kappa_max).

    TCBOController(tau_h1=0.72, kp=0.8, ki=0.2, kappa_max=5.0)
    """

    def __init__(self, tau_h1: float = 0.72, kp: float = 0.8, ki: float = 0.2, kappa_max: float = 5.0) -> None:
        self._engine = _native.TcboController(tau_h1, kp, ki, kappa_max)

    def step(self, p_h1: float, dt: float) -> float:
        """kappa, after dt seconds with this p_h1."""
        return self._engine.step(p_h1, dt)

    def reset(self) -> None:
        """Forgets the integral."""
        self._engine.reset()


class RustSSGFEngine:
    """A graph that learns while oscillators run on it.

    z (n (n - 1) / 2 numbers) -> W = softplus(z), symmetric, zero diagonal; n_micro Kuramoto steps under
    K + 0.1 W + 0.1 h (0.001 s each, field pressure 0.05); L = I - D^-1/2 W D^-1/2, eigenpairs ascending;
    U = c_micro + 0.5 c7 + 0.3 c8 + 0.2 c9 + 0.4 c10 + 0.1 r_graph + 0.3 c4 + 0.05 c_pgbo; z -= lr_z dU/dz.

    SSGFEngine(omega=None, k=None, n=16, lr_z=0.01, n_micro=10, noise_amp=0.02, pgbo_enabled=True, seed=42)
    """

    def __init__(
        self,
        omega: Any = None,
        k: Any = None,
        n: int = 16,
        lr_z: float = 0.01,
        n_micro: int = 10,
        noise_amp: float = 0.02,
        pgbo_enabled: bool = True,
        seed: int | None = 42,
    ) -> None:
        self._engine = _native.Ssgf(
            omega, k, _whole("n", n), lr_z, _whole("n_micro", n_micro), noise_amp, pgbo_enabled, _seed(seed)
        )
        self._n: int = self._engine.status()[2]

    def outer_step(self) -> Values:
        """One outer step. A dict with step, u_total, r_global, lambda1 (of the new graph), the costs before the step
        (c_micro, c4, c7, c8, c9, c10, r_graph, c_pgbo), and of the controller h_rec, dh_rec_dt, lr_z_scale,
        d_theta_scale, tau_d_scale, lambda7, lambda8, lambda10, nu_star, gate_open, refusal.
        """
        return Values(self._engine.run(1) or {})

    def run(self, n: int) -> Values | None:
        """So many outer steps; what outer_step() gives of the last, None of none."""
        last = self._engine.run(_whole("n", n, 63))
        return None if last is None else Values(last)

    def audio_mapping(self) -> Values:
        """A dict with r_global, entrainment_intensity (R), beat_hz (0.5 + 39.5 |cos theta1|), pulse_hz
        (1 + 19 |cos theta3|), spatial_angle_deg (theta6), brainwave_band (of beat_hz: delta < 4, theta < 8, alpha < 12,
        beta < 30, gamma), fiedler_stability (lambda1), spectral_gap (lambda2 - lambda1), geometry_density (mean
        weight), gate_open, refusal.
        """
        return Values(self._engine.audio())

    def set_tcbo_p_h1(self, p_h1: float) -> None:
        """What a TCBOObserver has found, in [0, 1]: it enters c4."""
        self._engine.set_tcbo_p_h1(p_h1)

    @property
    def log(self) -> list[Values]:
        """The newest outer steps, oldest first, at most 1000."""
        return [Values(step) for step in self._engine.log()]

    @property
    def r_global(self) -> float:
        """|mean of e^(i theta)|, in [0, 1]."""
        return self._engine.status()[0]

    @property
    def step_count(self) -> int:
        """Outer steps so far."""
        return self._engine.status()[1]

    @property
    def n(self) -> int:
        """Oscillators."""
        return self._n

    @property
    def z(self) -> Any:
        """The parameters: an array of n (n - 1) / 2, the upper triangle row by row."""
        return self._vector(0, self._n * (self._n - 1) // 2)

    @property
    def theta(self) -> Any:
        """The phases: an array of n."""
        return self._vector(1, self._n)

    @property
    def w(self) -> Any:
        """The weights: an array of n x n, symmetric, zero diagonal, else positive."""
        return self._square(2)

    @property
    def eigenvalues(self) -> Any:
        """Of L, ascending: an array of n."""
        return self._vector(3, self._n)

    @property
    def eigenvectors(self) -> Any:
        """Of L, one a column: an array of n x n."""
        return self._square(4)

    @property
    def h_munu(self) -> Any:
        """The tensor of the PGBO: an array of n x n."""
        return self._square(5)

    @property
    def phi(self) -> Any:
        """The reference, eigenvectors of the coupling: an array of n x n."""
        return self._square(6)

    @property
    def gradient(self) -> Any:
        """dU/dz of the last step: an array as z; zeros before the first."""
        return self._vector(7, self._n * (self._n - 1) // 2)

    def _vector(self, which: int, count: int) -> Any:
        return as_array(self._engine.read(which, count), count)

    def _square(self, which: int) -> Any:
        return as_array(self._engine.read(which, self._n * self._n), self._n, self._n)


UPDEStepper = RustUPDEStepper
SECFunctional = RustSECFunctional
L16Controller = RustL16Controller
PGBOEngine = RustPGBOEngine
TCBOObserver = RustTCBOObserver
TCBOController = RustTCBOController
SSGFEngine = RustSSGFEngine
