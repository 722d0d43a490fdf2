"""Schedules: the step size τ of each epoch."""

from dataclasses import dataclass
from math import cos, log2, pi
from numbers import Real

import numpy as np

__all__ = ["SCHEDULES", "Schedule"]


def _coslog4(e, power_t, max_iter, lowered):
    """Four cycles, each twice as long as the one before (Holzmüller et al. 2024), taken in the middle of each epoch."""
    t = (e % max_iter + 0.5) / max_iter
    return (1 - cos(2 * pi * log2(1 + 15 * t))) / 2


#: Name -> factor of τ in epoch e = 0, 1, ..., given power_t, max_iter and how often τ has been lowered.
SCHEDULES = {
    "constant": lambda e, power_t, max_iter, lowered: 1.0,
    "invscaling": lambda e, power_t, max_iter, lowered: (e + 1) ** -power_t,
    "adaptive": lambda e, power_t, max_iter, lowered: 0.2**lowered,
    "cosine": lambda e, power_t, max_iter, lowered: (1 + cos(pi * (e % max_iter) / max_iter)) / 2,
    "coslog4": _coslog4,
}
#: "adaptive" only lowers a τ above this.
SMALLEST = 1e-6


@dataclass
class Schedule:
    """τ as a function of the epoch, counted from the first training of an estimator on.

    Parameters
    ----------
    learning_rate : float or callable
        τ, or a function of the epoch that returns it.
    name : str
        One of `SCHEDULES`, whose factor multiplies τ.
    power_t : float
        Exponent of "invscaling".
    max_iter : int
        Period of "cosine" and "coslog4".
    """

    learning_rate: object
    name: str = "constant"
    power_t: float = 0.5
    max_iter: int = 1

    def __call__(self, epoch, lowered=0):
        """τ in an epoch, if "adaptive" has lowered it `lowered` times."""
        tau = self.learning_rate
        if callable(tau):
            tau = tau(epoch)
            if not (isinstance(tau, Real) and 0 < tau < np.inf):
                raise ValueError(
                    f"learning_rate must return a finite number > 0; for epoch {epoch} it returned {tau!r}"
                )
        return float(tau) * SCHEDULES[self.name](epoch, self.power_t, self.max_iter, lowered)

    @property
    def adapts(self):
        """Whether τ depends on the loss."""
        return self.name == "adaptive"

    def can_lower(self, tau):
        """Whether "adaptive" continues with a fifth of τ instead of stopping."""
        return self.adapts and tau > SMALLEST
