"""A fitted MLPClassifier or MLPRegressor in our terms: its parameters and the state of its optimizer."""

import copy
from math import inf, log

from sklearn.utils.validation import check_is_fitted

__all__ = ["check_mlp", "parameters_of", "take_over_optimizer"]

#: Number of samples per batch with MLP's batch_size="auto".
AUTO_BATCH = 200


def check_mlp(mlp, kind):
    """Raise unless `mlp` is a fitted estimator of the class `kind`."""
    if not isinstance(mlp, kind):
        raise TypeError(f"mlp must be a fitted {kind.__name__}; got {mlp!r}")
    check_is_fitted(mlp)


def parameters_of(mlp, given=()):
    """Our parameters with which training continues as that of `mlp` would.

    Our gradient of the squared error is twice theirs, whose loss has a factor ½, so half the step size and twice the
    penalty make the same step. Adam divides by the size of the gradient, so only its ε doubles.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        The fitted estimator.
    given : collection of str, default=()
        Names of our parameters that are given and need no equivalent.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If a parameter has no equivalent here and is not `given`.
    """
    _check_equivalents(mlp, given)
    parameters = dict(
        hidden_layer_sizes=tuple(W.shape[1] for W in mlp.coefs_[:-1]),
        activation=mlp.activation,
        loss=mlp.loss,
        solver=mlp.solver,
        max_iter=mlp.max_iter,
        max_fun=mlp.max_fun,
        n_iter_no_change=inf if mlp.n_iter_no_change == inf else "auto",
        early_stopping=mlp.early_stopping,
        validation_fraction=mlp.validation_fraction,
        warm_start=mlp.warm_start,
        random_state=copy.deepcopy(mlp.random_state),  # drawing from ours must not change theirs
        verbose=mlp.verbose,
    )
    if mlp.solver == "lbfgs":
        return parameters
    twice = 2 if mlp.loss == "squared_error" else 1
    batch_size = _batch_size(mlp)
    parameters |= dict(sampling="shuffle", batch_size=batch_size, alpha=twice * mlp.alpha / batch_size)
    if mlp.solver == "adam":
        return parameters | dict(
            learning_rate=mlp.learning_rate_init,
            beta_1=mlp.beta_1,
            beta_2=mlp.beta_2,
            epsilon=twice * mlp.epsilon,
        )
    return parameters | dict(
        learning_rate=mlp.learning_rate_init / twice,
        learning_rate_schedule=mlp.learning_rate,
        momentum=mlp.momentum,
        nesterovs_momentum=mlp.nesterovs_momentum,
    )


def _check_equivalents(mlp, given):
    """Raise ValueError if parameters of `mlp` have no equivalent and are not `given`."""
    reasons = []
    if mlp.solver == "lbfgs" and mlp.alpha > 0 and "alpha" not in given:
        twice = "2 * " if mlp.loss == "squared_error" else ""
        reasons.append(
            f"alpha={mlp.alpha:g} was divided by the number of samples, which is not known: "
            f"give alpha={twice}{mlp.alpha:g} / n_samples"
        )
    if mlp.solver == "sgd" and mlp.learning_rate == "invscaling" and "learning_rate_schedule" not in given:
        reasons.append('learning_rate="invscaling" counts samples, but epochs here: give learning_rate_schedule')
    if mlp.solver != "lbfgs" and not mlp.shuffle and "sampling" not in given:
        reasons.append("shuffle=False takes the samples in their order, which is not possible here: give sampling")
    if reasons:
        raise ValueError(f"{type(mlp).__name__} has parameters without an equivalent here: {'; '.join(reasons)}")


def _batch_size(mlp):
    """The number of samples per batch of `mlp`, which has seen t_ samples in all its epochs."""
    n_samples = round(mlp.t_ / len(mlp.loss_curve_)) if mlp.loss_curve_ else inf
    return int(min(AUTO_BATCH if mlp.batch_size == "auto" else mlp.batch_size, n_samples))


def take_over_optimizer(mlp, progress):
    """Copy the state of the optimizer of `mlp` to the state of a training run.

    This is its moments, its number of steps, and how often it has lowered the step size. Nothing is copied if the
    solvers differ or `mlp` has no optimizer ("lbfgs").
    """
    optimizer, rule = getattr(mlp, "_optimizer", None), progress.rule
    twice = 2 if mlp.loss == "squared_error" else 1
    if rule is None or optimizer is None:
        return
    if rule.name == "adam" and hasattr(optimizer, "ms"):
        moments = [(twice, optimizer.ms), (twice**2, optimizer.vs)]
        rule.t = optimizer.t
    elif rule.name != "adam" and hasattr(optimizer, "velocities"):
        moments = [(1, optimizer.velocities)]
        if optimizer.lr_schedule == "adaptive":
            progress.lowered = round(log(optimizer.learning_rate_init / optimizer.learning_rate, 5))
    else:
        return
    for own, (factor, theirs) in zip(rule.moments, moments, strict=False):  # the rule "sgd" has none
        coefs, intercepts = progress.network.views(own)
        for view, array in zip(coefs + intercepts, theirs, strict=True):
            view[...] = factor * array
