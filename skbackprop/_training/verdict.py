"""The warning at the end of training, if it diverged, was cut off or learned nothing, and why.

docs/stopping.md has the measurements behind the constants.
"""

from math import dist, sqrt

import numpy as np
from scipy.sparse import issparse

from .._network import forward
from .chunks import mean_loss
from .sampling import Samples
from .stopping import ERRORS, SHARE, decrease

__all__ = ["verdict"]

#: Shorter training runs are not judged by what they have learned.
EPOCHS_TO_JUDGE = 20
#: The loss must be below that of the best constant by at least this share.
CLEARLY = 0.01
#: A constant with a smaller loss than this, the log loss of a single class in float32, cannot be improved upon.
VANISHING = 1e-36
#: A unit is stuck, since no step moves it, if σ'(z) is below SMALLEST_SLOPE for each of up to SAMPLES samples. A share
#: STUCK of stuck units in a hidden layer is worth a warning.
SMALLEST_SLOPE = 0.001
SAMPLES = 200
STUCK = 0.9
#: The usual range of the standard deviation of y in regression, and the share below which a class is rare.
Y_SCALE = (0.1, 10)
RARE = 0.01


def verdict(progress, plan, estimator):
    """The message of the ConvergenceWarning for a training run; None if there is nothing to say.

    Parameters
    ----------
    progress : Progress
        The training, which has ended.
    plan : Plan
        Its samples and draws.
    estimator : estimator
        The estimator, for its parameters.

    Returns
    -------
    str or None
    """
    if progress.ended == "diverged":
        return _divergence(progress, plan.samples.X, estimator.alpha)
    if progress.partial:
        return None
    sentences = [_cut_off(progress, estimator)]
    if len(progress.losses) >= EPOCHS_TO_JUDGE:
        stuck, loss = _stuck_share(progress.network, _few(plan)), _loss_if_nothing_learned(progress, plan)
        if loss is not None:
            sentences.append(_nothing_learned(progress, plan, estimator, stuck, loss))
        elif stuck >= STUCK:
            sentences.append(_saturation(progress, plan, stuck))
    return " ".join(filter(None, sentences)) or None


def _divergence(progress, X, alpha):
    tau = progress.taus[-1] if progress.taus else None  # L-BFGS has none
    if tau is not None and tau * alpha > 1:  # W ← W − τ α W alone is prone to blow up
        cause, remedy = f"learning_rate={tau:g} is too large for alpha={alpha:g}", "Choose a smaller alpha"
    else:
        values = X.data if issparse(X) else X
        largest = max(values.max(initial=0), -values.min(initial=0))  # without a copy |X| of X
        cause = "the loss overflows with" if tau is None else f"learning_rate={tau:g} is too large for"
        cause += f" features of size up to {largest:.3g} and this loss"
        remedy = "Scale the features (StandardScaler) and, in regression, y"
    if tau is None:
        return f"Training diverged: {cause}. The initial weights are kept. {remedy}."
    return (
        f"Training diverged in epoch {len(progress.losses)}: {cause}. The weights of the best epoch are kept. "
        f"{remedy}; or choose a smaller learning_rate."
    )


def _cut_off(progress, estimator):
    """Says that training did not finish, and whether the loss was still falling."""
    losses = progress.losses
    if progress.ended == "max_fun":
        reached = (
            f"Maximum evaluations of the loss (max_fun={estimator.max_fun}) reached after {len(losses)} iterations"
        )
    elif progress.ended == "max_iter" and estimator.learning_rate_schedule != "coslog4":  # whose last cycle ends there
        reached = f"Maximum iterations ({estimator.max_iter}) reached"
    else:
        return None
    w = max(1, len(losses) // SHARE)
    if len(losses) < 2 * w or not losses[-1]:
        return f"{reached} and the optimization hasn't converged yet."
    difference, error = decrease(losses[-2 * w :])
    if difference <= ERRORS * error:
        return f"{reached}; the noise of the loss hides whether it was still falling."
    percent = 100 * difference / sum(losses[-w:])
    return f"{reached} while the loss was still falling, by about {percent:.2g} % per epoch."


def _loss_if_nothing_learned(progress, plan):
    """The mean loss of the final weights, if it is not clearly below that of the best constant, c; else None.

    It is not if m + 2 s > 0.99 c over the last quarter of the epochs and the loss of all samples with the final weights
    is above 0.99 c too. The latter is for `dropout`, whose curve is that of thinned networks.
    """
    c, losses = progress.constant_loss, progress.losses
    recent = losses[-max(2, len(losses) // SHARE) :]
    n = len(recent)
    error = dist(recent[1:], recent[:-1]) / sqrt(2 * (n - 1) * n)
    bound = (1 - CLEARLY) * c
    if c < VANISHING or sum(recent) / n + ERRORS * error <= bound:
        return None
    _, weights = plan.distinct()
    loss = mean_loss(progress.network, Samples(plan.samples.X, plan.samples.targets), weights)
    return loss if loss > bound else None


def _nothing_learned(progress, plan, estimator, stuck, loss):
    classifies = hasattr(estimator, "classes_")
    constant = "the frequencies of the classes" if classifies else "the same value"
    text = (
        f"The network has learned nothing: after {len(progress.losses)} epochs its loss is "
        f"{loss / progress.constant_loss:.3f} times that of always predicting {constant}. "
    )
    if stuck >= STUCK:
        return text + _saturation(progress, plan, stuck)
    targets, weights = plan.distinct_targets()
    if targets.ndim == 2 and not classifies:
        deviation = sqrt(progress.constant_loss / targets.shape[1])
        if progress.network.loss == "squared_error" and not Y_SCALE[0] < deviation < Y_SCALE[1]:
            return text + f"y has a standard deviation of {deviation:.3g}: standardise it (TransformedTargetRegressor)."
    elif classifies:
        codes = targets if targets.ndim == 1 else targets[:, 0].astype(np.intp)
        count = np.bincount(codes, weights, minlength=2)
        if count.min() < RARE * count.sum():
            share = count.min() / count.sum()
            return text + (
                f'The rarest class makes up {100 * share:.2g} % of the samples: try class_weight="balanced" or '
                'loss="log_loss".'
            )
    low, high = _feature_sizes(_few(plan))
    remedy = 'activation="relu"' + (' with loss="log_loss"' if classifies else "")
    return text + (
        f"Neither the sizes of the features ({low:.3g} to {high:.3g}) nor saturated units ({100 * stuck:.0f} % of a "
        "hidden layer) explain this: X may say nothing about y. Otherwise, try a larger learning_rate"
        f"{_now(progress)}, more epochs, or {remedy}."
    )


def _saturation(progress, plan, stuck):
    few = _few(plan)
    low, high = _feature_sizes(few)
    return (
        f"{100 * stuck:.0f} % of the units of a hidden layer cannot learn: they are saturated on all of {few.shape[0]} "
        f"samples examined (σ'(z) < {SMALLEST_SLOPE}), with feature sizes from {low:.3g} to {high:.3g}"
        f"{_now(progress)}. Scale the features (StandardScaler)."
    )


def _now(progress):
    return f" (learning_rate={progress.taus[-1]:g})" if progress.taus else ""


def _few(plan):
    """A few samples, which do not depend on the order of the rows."""
    return plan.samples.X[plan.order[:SAMPLES]]


def _feature_sizes(X):
    """The smallest and largest root mean square of the features that are not constantly 0."""
    squares = X.multiply(X) if issparse(X) else np.square(X, dtype=np.float64)
    sizes = np.sqrt(np.asarray(squares.mean(axis=0)).ravel())
    sizes = sizes[sizes > 0]
    return (sizes.min(), sizes.max()) if len(sizes) else (0.0, 0.0)


def _stuck_share(network, X):
    """The largest share of stuck units in a hidden layer."""
    layers = forward(X, network.coefs[:-1], network.intercepts[:-1], network.activations[:-1], keep=True)
    return max((np.mean(slope.max(axis=0) < SMALLEST_SLOPE) for _, _, slope in layers), default=0.0)
