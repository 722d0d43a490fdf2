"""``learning_rate="auto"``: a constant step size τ, found in a short trial before training.

docs/start_weights.md compares it with the best of nine fixed step sizes.
"""

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from .chunks import total_loss
from .heldout import Split
from .progress import Progress
from .reference import constant_loss
from .sampling import Samples

__all__ = ["find_step_size"]

#: The candidates, a factor of √10 apart.
TAUS = tuple(10.0 ** (k / 2) for k in range(-7, 3))
#: The rounds of the trial: number of candidates, further epochs for each of them, number of candidates that stay in.
ROUNDS = ((10, 1, 4), (4, 1, 2), (2, 2, 1), (1, 4, 1))
#: The share of the distinct rows held out to compare the candidates, and the largest share of the trial's cost that
#: measuring their loss may take.
HELD_OUT, MEASURING = 1 / 5, 1 / 3
#: The cost of the trial, relative to that of the training.
COST = 1 / 10
#: The training is assumed to take at most this many epochs, as the stopping rule may end it early.
LONGEST = 200
#: The best τ hardly depends on the number of epochs up to about this number, and is inversely proportional beyond.
EPOCHS = 10
#: A trial has learned something if its loss is lower than that of the best constant prediction by this share.
LEARNED = 0.1


def find_step_size(progress, plan, epochs_of, *, classes, max_iter, usual):
    """Find a step size for a training run, which is left unchanged, including its random stream.

    All candidates make real steps from the training's weights, with the same draws. After each round, those with the
    lowest loss on held-out rows stay in. This loss is the mean over the second half of a candidate's epochs, since
    single ones are noisy. The τ that is best in a short trial is too large for the whole training: where there is noise
    to overfit, a network has learned enough after a certain sum of τ over the steps; elsewhere, the closer the loss is
    to its minimum, the more the noise of the last steps matters. So the winner's τ is multiplied by (10 + epochs of its
    trial) / (10 + epochs of the training).

    The trial processes, in steps and measurements, at most a tenth as many samples as the training.

    Parameters
    ----------
    progress : Progress
        The training, which is about to begin.
    plan : Plan
        Its samples and draws.
    epochs_of : callable
        ``epochs_of(progress, plan)`` returns the `Epochs` that run it.
    classes : ndarray of shape (n_samples,) or None
        The class of each sample, as in `Split`.
    max_iter : int
        Maximum number of epochs of the training.
    usual : float
        The step size to use if the trial learns nothing or there are too few samples for one.

    Returns
    -------
    tau : float
        The step size.
    losses : dict of float to list of float
        For each candidate, the loss on the held-out rows after each epoch of its trial, ending in `inf` if it diverged.
    """
    max_iter = min(max_iter, LONGEST)
    samples, batch_size = plan.samples, progress.rule.batch_size
    n_distinct = len(plan.distinct()[0])
    if n_distinct < 2:
        return usual, {}

    # number of samples per epoch of one candidate
    affordable = COST * max_iter * plan.draws.epoch_length / sum(n * n_epochs for n, n_epochs, _ in ROUNDS)
    rng = np.random.Generator(progress.rng.bit_generator.jumped())
    divide = Split(min(HELD_OUT, MEASURING * affordable / n_distinct), classes, rng)
    training, held_out = divide(samples.X, samples.targets, plan.order)
    rows, weights = plan.part(held_out).distinct()
    measured = Samples(samples.X, samples.targets, weights)
    trained = plan.part(training)
    size = min(int(affordable) - len(rows), trained.draws.n_places)
    if size < 1:
        return usual, {}
    size -= size % batch_size if size > batch_size else 0
    trained.draws = trained.draws.shortened(size)

    epochs = epochs_of(progress, trained)
    start = progress.copy()
    start.rng = rng
    candidates = (_Candidate(tau, start.copy(), []) for tau in TAUS)
    losses = {}
    for _, n_epochs, n_stay in ROUNDS:
        best = []  # only those that stay in, to save memory
        for candidate in candidates:
            candidate.run(n_epochs, epochs, measured, rows)
            losses[candidate.tau] = candidate.losses
            best = sorted([*best, candidate], key=_Candidate.loss)[:n_stay]
        candidates = best
    (winner,) = candidates
    constant = constant_loss(progress.network, samples.targets[rows], weights[rows])
    if not winner.loss() < (1 - LEARNED) * constant:
        return usual, losses
    trial = len(winner.losses) * size / plan.draws.epoch_length
    return winner.tau * (EPOCHS + trial) / (EPOCHS + max_iter), losses


@dataclass
class _Candidate:
    """A step size on trial: its training, and the loss on the held-out rows after each epoch so far."""

    tau: float
    progress: Progress
    losses: list

    def run(self, n_epochs, epochs, measured, rows):
        """Train for more epochs, measuring some rows after each; do nothing after a divergence."""
        for _ in range(n_epochs):
            if self.losses and self.losses[-1] == inf:
                return
            for _ in epochs.run(self.progress, self.tau):
                pass
            loss = total_loss(self.progress.network, measured, rows, epochs.steps) / measured.weights[rows].sum()
            self.losses.append(float(loss) if isfinite(loss) else inf)

    def loss(self):
        """The mean loss over the second half of the epochs."""
        later = self.losses[len(self.losses) // 2 :]
        return sum(later) / len(later)
