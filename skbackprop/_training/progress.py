"""Progress: the state of a training run, from the initial weights to the fitted attributes."""

import copy
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real

import numpy as np

from .._network import Network
from .rules import Rule

__all__ = ["LARGEST", "Progress", "fitted_names", "given_step_size", "upgraded"]

#: Fitted attributes that a training run continues from, as `Progress.earlier`.
EARLIER = ("loss_curve_", "best_loss_", "validation_loss_curve_", "validation_scores_", "n_iter_", "t_")
#: Replaces a loss that is infinite or not a number.
LARGEST = float(np.finfo(np.float64).max)


@dataclass
class Progress:
    """The state of a training run: everything that changes while it runs, and everything that it leaves behind.

    Parameters
    ----------
    network : Network
        The weights.
    rule : Rule or None
        How gradients become steps, including its moments; None for L-BFGS.
    rng : numpy.random.Generator
        The random stream.
    partial : bool, default=False
        Whether this is one epoch of `partial_fit`.
    by_score : bool, default=False
        Whether the best epoch is the one with the best validation score (`early_stopping`), not the smallest loss.
    earlier : dict, default={}
        Fitted attributes of the earlier training that this one continues from.
    lowered : int, default=0
        How often the schedule "adaptive" has lowered τ, including in earlier training.
    window_start : int, default=0
        The first epoch, counted from the first training on, whose loss and score the stopping rule takes into account.
    loss_scale : float, default=0.0
        The largest loss so far of initial weights and constant predictions, to which a divergence is compared.
    learning_rate : float or None, default=None
        The step size, found or given, that the schedule multiplies; None with a function of the epoch and with L-BFGS.
    trial : dict or None, default=None
        The losses of the trial that found it; None without a trial.

    Attributes
    ----------
    losses : list of float
        Mean f_i over the draws of each epoch of this training, each taken with the weights of its own step.
    objectives : list of float or None
        With L-BFGS, what it minimises, the loss plus the penalty, after each iteration.
    taus : list of float
        The step size of each epoch.
    validation_losses, validation_scores : list of float or None
        Loss and score on the held-out samples after each epoch; None without held-out samples.
    start_loss : float
        The loss of the initial weights on the first draws.
    n_steps : int
        Steps taken in this training.
    samples_per_second : float
        Number of draws in the last epoch divided by the time they took.
    best_params : ndarray or None
        The parameters with the best validation score.
    constant_loss : float or None
        The mean f_i of the best constant prediction, if it has been needed.
    ended : {"converged", "max_iter", "max_fun", "callback", "diverged", "interrupted"}
        Why the training ended. With "diverged", the last epoch is the one that diverged, and the weights are those of
        the best epoch before it.
    interrupt : KeyboardInterrupt or None
        Set on Ctrl-C. The weights are those learned so far; the last of `losses` may be that of a partial epoch.
    """

    network: Network
    rule: Rule | None
    rng: np.random.Generator
    partial: bool = False
    by_score: bool = False
    earlier: dict = field(default_factory=dict)
    lowered: int = 0
    window_start: int = 0
    loss_scale: float = 0.0
    learning_rate: float | None = None
    trial: dict | None = None
    losses: list = field(default_factory=list)
    objectives: list | None = None
    taus: list = field(default_factory=list)
    validation_losses: list | None = None
    validation_scores: list | None = None
    start_loss: float = np.nan
    n_steps: int = 0
    samples_per_second: float = np.nan
    best_params: np.ndarray | None = None
    constant_loss: float | None = None
    ended: str = "max_iter"
    interrupt: BaseException | None = None

    @property
    def n_earlier(self):
        """Number of epochs in earlier training."""
        return len(self.earlier.get("loss_curve_", ()))

    @property
    def n_epochs(self):
        """Number of epochs including those of earlier training."""
        return self.n_earlier + len(self.losses)

    @property
    def n_in_window(self):
        """Number of epochs that the stopping rule takes into account."""
        return self.n_epochs - self.window_start

    def last_losses(self, n):
        """What should fall: the losses of the last n epochs, including earlier training, or the objectives."""
        if self.objectives is not None:
            return self.objectives[-n:]
        first = len(self.losses) - n
        return self.losses[first:] if first >= 0 else self.earlier["loss_curve_"][first:] + self.losses

    # ---- copies ----

    def copy(self):
        """A copy of the current state. It shares the curves, which only grow."""
        other = copy.copy(self)
        other.network, other.rng = self.network.copy(), _copied(self.rng)
        other.rule = None if self.rule is None else self.rule.copy()
        return other

    def upcoming(self):
        """A copy of the random stream, to look ahead without advancing the training's own."""
        return _copied(self.rng)

    def return_to(self, other):
        """Go back to the weights, moments and random stream of a copy of this state."""
        self.network.params[:], self.network.scale[:] = other.network.params, other.network.scale
        self.rule.moments[:], self.rule.t = other.rule.moments, other.rule.t
        self.rng.bit_generator.state = other.rng.bit_generator.state

    def finish(self):
        """End the training: with `by_score`, take the weights with the best score; make every loss finite."""
        if self.by_score and self.best_params is not None:
            self.network.params[:] = self.best_params
        self.losses = [f if isfinite(f) else LARGEST for f in self.losses]
        self.start_loss = self.start_loss if isfinite(self.start_loss) else LARGEST

    # ---- from an estimator and back ----

    @classmethod
    def of(cls, estimator, network, rule, partial):
        """The state in which the last training of a fitted estimator ended, to continue from."""
        network.set(estimator.coefs_, estimator.intercepts_)
        if rule is not None and rule.name == estimator._rule:
            rule.moments[:], rule.t = estimator._moments, estimator._rule_t
        return cls(
            network,
            rule,
            _copied(estimator._rng),
            partial=partial,
            earlier={name: getattr(estimator, name) for name in EARLIER},
            lowered=estimator._lowered,
            window_start=estimator._window_start if partial else len(estimator.loss_curve_),
            loss_scale=estimator._loss_scale,
            learning_rate=estimator.learning_rate_,
            trial=estimator.learning_rate_trial_,
        )

    def fitted_attributes(self):
        """The attributes of an estimator trained up to here. The random stream and the moments are the live ones."""
        return self._all_but_the_loss_curve() | {"loss_curve_": self.earlier.get("loss_curve_", []) + self.losses}

    def snapshot(self):
        """`fitted_attributes` with copies of the random stream and moments, to be kept while training continues."""
        own = copy.copy(self)
        own.rng, own.rule = _copied(self.rng), None if self.rule is None else self.rule.copy()
        return own.fitted_attributes()

    def write_to(self, estimator):
        """Set the fitted attributes of the estimator. Its `loss_curve_` grows in place, so that nothing is copied."""
        attributes = self._all_but_the_loss_curve() | {"loss_curve_": self.earlier.get("loss_curve_", [])}
        attributes["loss_curve_"] += self.losses
        vars(estimator).update(attributes)  # all at once: an interrupt leaves either the old estimator or the new

    def _all_but_the_loss_curve(self):
        network, earlier = self.network, self.earlier
        coefs, intercepts = network.views(network.folded())
        # if no epoch was completed, or the last was undone, the loss of the initial weights counts
        start = [self.start_loss] if self.ended == "diverged" or not self.losses else []
        best = [*self.losses, *start, *([] if earlier.get("best_loss_") is None else [earlier["best_loss_"]])]
        return dict(
            coefs_=[np.ascontiguousarray(W) for W in coefs],
            intercepts_=[b.copy() for b in intercepts],
            n_layers_=len(network.M),
            n_outputs_=int(network.M[-1]),
            out_activation_=network.activations[-1],
            loss_=(self.losses or start)[-1],
            best_loss_=None if self.by_score else min(best),
            validation_loss_curve_=_joined(earlier.get("validation_loss_curve_"), self.validation_losses),
            validation_scores_=_joined(earlier.get("validation_scores_"), self.validation_scores),
            best_validation_score_=max(self.validation_scores or [], default=None),
            n_iter_=len(self.losses) + (earlier.get("n_iter_", 0) if self.partial else 0),
            t_=earlier.get("t_", 0) + self.n_steps,
            stopped_=self._stopped(),
            learning_rate_=self.learning_rate,
            learning_rate_trial_=self.trial,
            _hidden_activations=network.activations[:-1],
            _rng=self.rng,
            _rule=None if self.rule is None else self.rule.name,
            _moments=None if self.rule is None else self.rule.moments,
            _rule_t=0 if self.rule is None else self.rule.t,
            _lowered=self.lowered,
            _window_start=self.window_start,
            _loss_scale=self.loss_scale,
        )

    def _stopped(self):
        """Why the training ended, as reported to users."""
        if self.partial and self.ended == "max_iter":
            return None
        return "early_stopping" if self.by_score and self.ended == "converged" else self.ended


def given_step_size(learning_rate, solver):
    """The parameter `learning_rate` as the attribute `learning_rate_`: None unless it is a number and is used."""
    return float(learning_rate) if isinstance(learning_rate, Real) and solver != "lbfgs" else None


def _copied(rng):
    """An independent copy of a random stream."""
    other = np.random.Generator(np.random.PCG64(0))
    other.bit_generator.state = rng.bit_generator.state
    return other


def _joined(earlier, curve):
    """The curve including earlier training; None if no epoch ever had held-out samples."""
    return earlier if curve is None else [*(earlier or ()), *curve]


def fitted_names():
    """The names of the attributes that training sets."""
    network = Network((1, 1), ["identity"], "squared_error", np.float64)
    return list(Progress(network, None, np.random.default_rng(0)).fitted_attributes())


def upgraded(state):
    """The attributes of a fitted estimator in their current form.

    Version 0.1.0 kept the rule, its moments and the place in the schedule in one dict, or None with L-BFGS.
    """
    state = dict(state)
    if "_solver_state" in state:
        old = state.pop("_solver_state") or {"rule": None, "moments": None, "t": 0, "lowered": 0, "lowered_at": 0}
        state["_rule"], state["_moments"], state["_rule_t"] = old["rule"], old["moments"], old["t"]
        state["_lowered"], state["_window_start"], state["_loss_scale"] = old["lowered"], old["lowered_at"], 0.0
        state["stopped_"] = None  # it did not say
        state["learning_rate_"] = given_step_size(state["learning_rate"], state["solver"])
        state["learning_rate_trial_"] = None
    return state
