"""Schedules: the step size τ of each epoch."""

from math import cos, pi
from numbers import Real

import numpy as np

__all__ = ["SCHEDULES", "Schedule"]

#: name -> factor of τ in epoch e = 0, 1, ..., with the parameters power_t and max_iter, and how often it was lowered.
SCHEDULES = {
    "constant": lambda e, power_t, max_iter, lowered: 1.0,
    "invscaling": lambda e, power_t, max_iter, lowered: (e + 1) ** -power_t,
    "adaptive": lambda e, power_t, max_iter, lowered: 0.2**lowered,
    "cosine": lambda e, power_t, max_iter, lowered: (1 + cos(pi * (e % max_iter) / max_iter)) / 2,
}
#: "adaptive" does not lower a τ that is not above it.
SMALLEST = 1e-6


class Schedule:
    """τ as a function of the epoch, counted over all trainings of an estimator.

    Parameters
    ----------
    learning_rate : float or callable
        τ, or a function of the epoch that returns it.
    name : str
        One of `SCHEDULES`, whose factor multiplies it.
    power_t : float
        Exponent of "invscaling".
    max_iter : int
        Period of "cosine".
    epoch : int
        Epochs already done.
    lowered : int
        How often "adaptive" has lowered τ already.
    """

    def __init__(self, learning_rate, name="constant", power_t=0.5, max_iter=1, epoch=0, lowered=0):
        self.learning_rate, self.name, self.power_t, self.max_iter = learning_rate, name, power_t, max_iter
        self.epoch, self.lowered = epoch, lowered

    def __call__(self, epoch):
        """τ in an epoch of this training."""
        epoch += self.epoch
        tau = self.learning_rate
        if callable(tau):
            tau = tau(epoch)
            if not (isinstance(tau, Real) and 0 < tau < np.inf):
                raise ValueError(
                    f"learning_rate must return a finite number > 0; for epoch {epoch} it returned {tau!r}"
                )
        return float(tau) * SCHEDULES[self.name](epoch, self.power_t, self.max_iter, self.lowered)

    def lower(self, tau):
        """Under "adaptive", go on with a fifth of τ instead of stopping; returns whether it does."""
        if self.name != "adaptive" or tau <= SMALLEST:
            return False
        self.lowered += 1
        return True
