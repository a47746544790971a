"""What steers coupled oscillators, and what watches their motion: see physics.py for arrays, seeds and threads."""

from __future__ import annotations

from typing import Any

from . import _native
from .arrays import as_array
from .physics import Values, whole

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
            whole("n", n),
            plv_threshold,
            whole("plv_window", plv_window),
            whole("h_rec_window", h_rec_window),
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
        self._engine = _native.Pgbo(whole("n", n), alpha, kappa, u_cap, traceless)

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
            whole("n", n),
            tau_h1,
            beta,
            s0,
            whole("window_size", window_size),
            whole("embed_dim", embed_dim),
            whole("tau_delay", tau_delay),
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


L16Controller = RustL16Controller
PGBOEngine = RustPGBOEngine
TCBOObserver = RustTCBOObserver
TCBOController = RustTCBOController
