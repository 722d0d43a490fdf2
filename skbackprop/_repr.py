"""What a notebook shows of an estimator, within scikit-learn's own representation."""

try:
    from sklearn.utils._repr_html.estimator import _VisualBlock
except ImportError:  # scikit-learn 1.6
    from sklearn.utils._estimator_html_repr import _VisualBlock

__all__ = ["caption", "visual_block"]


def caption(estimator):
    """One line on a fitted network: sizes of its layers, number of weights, epochs, last loss.

    Parameters
    ----------
    estimator : BaseBackprop
        Fitted or not.

    Returns
    -------
    str or None
        None if it is not fitted.
    """
    if not hasattr(estimator, "coefs_"):
        return None
    sizes = [estimator.coefs_[0].shape[0], *map(len, estimator.intercepts_)]
    n_weights = sum(w.size for w in estimator.coefs_ + estimator.intercepts_)
    n_epochs = len(estimator.loss_curve_)
    return (
        f"{' → '.join(f'{m:,}' for m in sizes)} units · {n_weights:,} weights · "
        f"{n_epochs:,} epoch{'' if n_epochs == 1 else 's'} · loss {estimator.loss_:.4g}"
    )


def visual_block(estimator):
    """scikit-learn's block for one estimator, with the network in the line under its name."""
    return _VisualBlock(
        "single",
        estimator,
        names=type(estimator).__name__,
        name_details=str(estimator),
        name_caption=caption(estimator),
    )
