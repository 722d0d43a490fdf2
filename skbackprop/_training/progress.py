"""Progress: the state of a training, from the start weights to the fitted attributes."""

import copy
from dataclasses import dataclass, field
from math import isfinite
from numbers import Real

import numpy as np

from .._network import Network
from .rules import Rule

__all__ = ["LARGEST", "Progress", "fitted_names", "given_step_size", "upgraded"]

#: Fitted attributes that a training goes on from, as `Progress.earlier`.
EARLIER = ("loss_curve_", "best_loss_", "validation_loss_curve_", "validation_scores_", "n_iter_", "t_")
#: What stands for a loss that is not a number or infinite.
LARGEST = float(np.finfo(np.float64).max)


@dataclass
class Progress:
    """How far a training has come: all that changes while it runs, and all that it leaves behind.

    Parameters
    ----------
    network : Network
        The weights.
    rule : Rule or None
        How gradients become steps, with its moments; None for L-BFGS.
    rng : numpy.random.Generator
        The random stream.
    partial : bool, default=False
        Whether this is one epoch of `partial_fit`.
    by_score : bool, default=False
        Whether the best epoch is that of the best validation score (`early_stopping`), not of the smallest loss.
    earlier : dict, default={}
        Fitted attributes of earlier trainings that this one goes on from.
    lowered : int, default=0
        How often the schedule "adaptive" has lowered τ, in all trainings.
    window_start : int, default=0
        The epoch, counted over all trainings, from which on the stopping rule looks at losses and scores.
    loss_scale : float, default=0.0
        The largest loss met so far of start weights and of constant predictions: what a divergence is measured by.
    learning_rate : float or None, default=None
        The step size that the schedule multiplies, found or given; None with a function of the epoch and with L-BFGS.
    trial : dict or None, default=None
        The losses of the trial that found it; None where there was none.

    Attributes
    ----------
    losses : list of float
        For each epoch of this training the mean f_i of its draws, each at the weights of its own step.
    objectives : list of float or None
        With L-BFGS, for each iteration what it minimises: the loss and the penalty.
    taus : list of float
        The step size of each epoch.
    validation_losses, validation_scores : list of float or None
        For each epoch those of the held-out samples; None where there are none.
    start_loss : float
        The loss of the start weights, on the first draws.
    n_steps : int
        Steps taken in this training.
    samples_per_second : float
        Draws in the last epoch, over the time that they took.
    best_params : ndarray or None
        The parameters of the best validation score.
    constant_loss : float or None
        The mean f_i of the best constant prediction, where it has been needed.
    ended : {"converged", "max_iter", "max_fun", "callback", "diverged", "interrupted"}
        Why the training ended. With "diverged", the last epoch is the one that did, and the weights are those of the
        best epoch before it.
    interrupt : KeyboardInterrupt or None
        Ctrl-C. The weights are what was learned so far; the last of `losses` may stem from a part of an epoch.
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
        """Number of epochs in earlier trainings."""
        return len(self.earlier.get("loss_curve_", ()))

    @property
    def n_epochs(self):
        """Number of epochs in all trainings."""
        return self.n_earlier + len(self.losses)

    @property
    def n_in_window(self):
        """Number of epochs that the stopping rule looks at."""
        return self.n_epochs - self.window_start

    def last_losses(self, n):
        """What should fall: the losses of the last n epochs, those of earlier trainings included, or the objectives."""
        if self.objectives is not None:
            return self.objectives[-n:]
        first = len(self.losses) - n
        return self.losses[first:] if first >= 0 else self.earlier["loss_curve_"][first:] + self.losses

    # ---- copies ----

    def copy(self):
        """The state as it is now; the curves, which only grow, are shared."""
        other = copy.copy(self)
        other.network, other.rng = self.network.copy(), _copied(self.rng)
        other.rule = None if self.rule is None else self.rule.copy()
        return other

    def upcoming(self):
        """A random stream that gives what the training's will give next, and leaves that where it is."""
        return _copied(self.rng)

    def return_to(self, other):
        """Take over weights, moments and random stream of a copy of this state."""
        self.network.params[:], self.network.scale[:] = other.network.params, other.network.scale
        self.rule.moments[:], self.rule.t = other.rule.moments, other.rule.t
        self.rng.bit_generator.state = other.rng.bit_generator.state

    def finish(self):
        """The training has ended: with `by_score` the weights of the best score count, and every loss is a number."""
        if self.by_score and self.best_params is not None:
            self.network.params[:] = self.best_params
        self.losses = [f if isfinite(f) else LARGEST for f in self.losses]
        self.start_loss = self.start_loss if isfinite(self.start_loss) else LARGEST

    # ---- from an estimator and back ----

    @classmethod
    def of(cls, estimator, network, rule, partial):
        """The state in which the last training of a fitted estimator ended, to go on from."""
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
        """The attributes of an estimator whose training has come so far; the random stream and the moments are live."""
        return self._all_but_the_loss_curve() | {"loss_curve_": self.earlier.get("loss_curve_", []) + self.losses}

    def snapshot(self):
        """`fitted_attributes` with random stream and moments of their own, to be kept while the training goes on."""
        own = copy.copy(self)
        own.rng, own.rule = _copied(self.rng), None if self.rule is None else self.rule.copy()
        return own.fitted_attributes()

    def write_to(self, estimator):
        """Make the estimator one that is fitted so far. Its `loss_curve_` grows in place: no epoch so far is copied."""
        attributes = self._all_but_the_loss_curve() | {"loss_curve_": self.earlier.get("loss_curve_", [])}
        attributes["loss_curve_"] += self.losses
        vars(estimator).update(attributes)  # all at once: an interrupt finds either the old estimator or the new

    def _all_but_the_loss_curve(self):
        network, earlier = self.network, self.earlier
        coefs, intercepts = network.views(network.folded())
        # where no epoch was done, or the last was taken back, the start weights' loss counts
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
        """Why the training ended, as users see it."""
        if self.partial and self.ended == "max_iter":
            return None
        return "early_stopping" if self.by_score and self.ended == "converged" else self.ended


def given_step_size(learning_rate, solver):
    """The parameter `learning_rate` as the attribute `learning_rate_`: None unless it is a number that is of use."""
    return float(learning_rate) if isinstance(learning_rate, Real) and solver != "lbfgs" else None


def _copied(rng):
    """A random stream of its own that goes on as this one does."""
    other = np.random.Generator(np.random.PCG64(0))
    other.bit_generator.state = rng.bit_generator.state
    return other


def _joined(earlier, curve):
    """The curve of all trainings; None where no epoch ever had held-out samples."""
    return earlier if curve is None else [*(earlier or ()), *curve]


def fitted_names():
    """Names of the attributes that a training writes."""
    network = Network((1, 1), ["identity"], "squared_error", np.float64)
    return list(Progress(network, None, np.random.default_rng(0)).fitted_attributes())


def upgraded(state):
    """The attributes of a fitted estimator in today's form.

    Version 0.1.0 had one dict, or None with L-BFGS, for the rule, its moments and the place in the schedule.
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
