"""A graph that learns: see physics.py for arrays, seeds and threads."""

from __future__ import annotations

from typing import Any

from . import _native
from .arrays import as_array
from .physics import Values, seed_of, whole


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
            omega, k, whole("n", n), lr_z, whole("n_micro", n_micro), noise_amp, pgbo_enabled, seed_of(seed)
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
        last = self._engine.run(whole("n", n, 63))
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


SSGFEngine = RustSSGFEngine
