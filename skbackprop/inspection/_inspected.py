"""The model inside an estimator, the steps before it, and the names of its features, classes and outputs."""

import numpy as np
from sklearn.base import is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils._set_output import _get_adapter_from_container
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from .._base import BaseBackprop

__all__ = ["Inspected", "check_names", "like_frame", "plain_text"]


class Inspected:
    """The fitted model inside an estimator, and the steps that samples pass through before they reach it.

    Parameters
    ----------
    estimator : estimator
        A fitted network or something that contains one: a Pipeline that ends in it, a search (``best_estimator_``) or
        a TransformedTargetRegressor (``regressor_``).

    Attributes
    ----------
    estimator : estimator
        The estimator given, which predicts from samples before the steps.
    model : BaseBackprop
        The network: an estimator of this package.
    steps : list of transformers
        The steps before it, in order.

    Raises
    ------
    TypeError
        If the estimator does not end in a network.
    NotFittedError
        If the network is not fitted.
    """

    def __init__(self, estimator):
        self.estimator, self.steps = estimator, []
        inner = estimator
        while not isinstance(inner, BaseBackprop):
            if isinstance(inner, Pipeline):
                self.steps += [step for _, step in inner.steps[:-1] if step not in (None, "passthrough")]
                inner = inner.steps[-1][1]
            elif isinstance(inner, TransformedTargetRegressor):
                check_is_fitted(inner)
                inner = inner.regressor_
            elif isinstance(inner, BaseSearchCV) or hasattr(inner, "best_estimator_"):
                check_is_fitted(inner)
                if not hasattr(inner, "best_estimator_"):
                    raise ValueError("the search has no best_estimator_, because it was made with refit=False")
                inner = inner.best_estimator_
            else:
                raise TypeError(
                    "estimator must be a fitted BackpropClassifier, BackpropRegressor or BackpropAutoencoder, "
                    f"a Pipeline that ends in one, or a search over them; got {estimator!r}"
                )
        check_is_fitted(inner)
        self.model = inner

    @property
    def sizes(self):
        """M_0, ..., M_L."""
        coefs = self.model.coefs_
        return [coefs[0].shape[0], *(W.shape[1] for W in coefs)]

    @property
    def activation_names(self):
        """The names of the activations of layers 1, ..., L."""
        return list(self.model._activations)

    @property
    def n_features(self):
        """The number of features before the steps."""
        first = self.steps[0] if self.steps else self.model
        return getattr(self.estimator, "n_features_in_", getattr(first, "n_features_in_", self.sizes[0]))

    def inputs(self, X):
        """The input of the network: X after the steps."""
        for step in self.steps:
            X = step.transform(X)
        return X

    def input_names(self, given=None):
        """Names of the network's inputs: those given, or those of the features if they have any, or x_1, x_2, ..."""
        n = self.sizes[0]
        if given is not None:
            return plain_text(check_names(given, n, "feature_names"))
        names = getattr(self.model, "feature_names_in_", None)
        if names is None and self.steps:
            names = self._names_after_steps()
        if names is None or len(names) != n or all(str(name) == f"x{k}" for k, name in enumerate(names)):
            return numbered_features(n)
        return plain_text(names)

    def _names_after_steps(self):
        names = getattr(self.steps[0], "feature_names_in_", None)
        try:
            for step in self.steps:
                names = step.get_feature_names_out(names)
        except (AttributeError, ValueError):  # a step without feature names
            return None
        return names

    def feature_names(self, given=None):
        """Names of the features before the steps."""
        n = self.n_features
        if given is not None:
            return plain_text(check_names(given, n, "feature_names"))
        first = self.steps[0] if self.steps else self.model
        names = getattr(self.estimator, "feature_names_in_", getattr(first, "feature_names_in_", None))
        return numbered_features(n) if names is None else plain_text(names)

    @property
    def is_classifier(self):
        """Whether the network predicts classes."""
        return hasattr(self.model, "classes_")

    def class_names(self, given=None):
        """Names of the classes: those given or the labels; empty without classes."""
        classes = getattr(self.model, "classes_", [])
        return plain_text(classes if given is None else check_names(given, len(classes), "class_names"))

    def target(self, y, class_names=None):
        """What to colour samples by: class codes and class names, or values and None."""
        if np.ndim(y) != 1:
            raise ValueError(f"y must be one column of labels or values; got shape {np.shape(y)}")
        y = np.asarray(y)
        if self.is_classifier:
            return class_codes(y, self.model.classes_), self.class_names(class_names)
        if is_regressor(self.model) or type_of_target(y) not in ("binary", "multiclass"):
            return y, None
        classes = np.unique(y)
        names = classes if class_names is None else check_names(class_names, len(classes), "class_names")
        return class_codes(y, classes), plain_text(names)

    def output_names(self, given=None, feature_names=None):
        """Names of the outputs: those given, or the classes, or ŷ_1, ŷ_2, ...

        Two classes share one output, which has the name of the second. The outputs of a network that reproduces its
        inputs have the names of the inputs.
        """
        n = self.sizes[-1]
        if self.is_classifier:
            names = self.class_names(given)
            return names if len(names) == n else names[-1:]
        if given is not None:
            return plain_text(check_names(given, n, "class_names"))
        if n == self.sizes[0] and not is_regressor(self.model):
            return self.input_names(feature_names)
        return [r"$\hat{y}$"] if n == 1 else [rf"$\hat{{y}}_{{{k}}}$" for k in range(1, n + 1)]


def class_codes(y, classes):
    """The position of each label in the sorted classes."""
    y = np.asarray(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(f"y has labels that the estimator does not know: {unknown}; its classes are {classes}")
    return np.searchsorted(classes, y)


def check_names(names, n, parameter):
    """`names` as a list of n strings."""
    if isinstance(names, str) or len(names) != n:
        raise ValueError(f"{parameter} must be {n} names; got {names!r}")
    return [str(name) for name in names]


def numbered_features(n):
    """x_1, ..., x_n, as formulas."""
    return [f"$x_{{{k}}}$" for k in range(1, n + 1)]


def plain_text(names):
    """The names with every $ escaped, so that matplotlib does not take them for formulas."""
    return [str(name).replace("$", r"\$") for name in names]


def like_frame(values, X):
    """The values as a data frame with the columns of X, if X is one, so that the estimator finds its feature names."""
    adapter = _get_adapter_from_container(X) if hasattr(X, "columns") else None
    return values if adapter is None else adapter.create_container(values, values, columns=list(X.columns))
