"""The average of several networks that differ only by chance."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._base import fit_context

__all__ = ["AveragedClassifier", "AveragedRegressor"]


def _fitted(estimator, X, y, sample_weight):
    return estimator.fit(X, y) if sample_weight is None else estimator.fit(X, y, sample_weight)


class BaseAveraged(MetaEstimatorMixin, BaseEstimator):
    """What the two share: `fit` and the attributes of the features."""

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator, n_estimators=4, *, n_jobs=None, random_state=None):
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags, own = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags, tags.target_tags = own.input_tags, own.target_tags
        return tags

    @fit_context
    def fit(self, X, y, sample_weight=None):
        """Fit every member to all samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, passed to every member.

        Returns
        -------
        self : estimator
            The fitted average.
        """
        self._check_targets(y)
        seeds = check_random_state(self.random_state).randint(np.iinfo(np.int32).max, size=self.n_estimators)
        members = [clone(self.estimator).set_params(random_state=int(seed)) for seed in seeds]
        # threads, since the kernel lets others run while it works
        self.estimators_ = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(_fitted)(member, X, y, sample_weight) for member in members
        )
        self.n_features_in_ = self.estimators_[0].n_features_in_
        if hasattr(self.estimators_[0], "feature_names_in_"):
            self.feature_names_in_ = self.estimators_[0].feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        return self

    def _check_targets(self, y):
        """Raise ValueError if predictions of such a y cannot be averaged."""

    def _mean(self, method, X):
        check_is_fitted(self)
        first, *others = (getattr(member, method)(X) for member in self.estimators_)
        return sum(others, first) / first.dtype.type(len(self.estimators_))


class AveragedClassifier(ClassifierMixin, BaseAveraged):
    """Several classifiers that differ only in `random_state`; their probabilities are averaged.

    Networks with different initial weights, draws and held-out samples make different mistakes: their mean is more
    accurate than any one of them, and its probabilities are better. With `early_stopping`, a sample that one network
    holds out is learned by others. scikit-learn's BaggingClassifier without bootstrap does much the same, but since
    1.9 it ignores sample weights in that case.

    Parameters
    ----------
    estimator : estimator
        The classifier to clone; it needs `random_state` and `predict_proba`.

    n_estimators : int, default=4
        The number of members.

    n_jobs : int or None, default=None
        How many are trained at the same time, in threads; -1 is as many as there are cores. The result is the same, to
        the bit.

    random_state : int, RandomState instance or None, default=None
        Determines the `random_state` of each.

    Attributes
    ----------
    estimators_ : list of estimator
        The fitted classifiers.

    classes_ : ndarray of shape (n_classes,)
        The class labels, sorted.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features, if X had names and all were strings.

    See Also
    --------
    tabular_pipeline : Uses one as its last step.
    AveragedRegressor : The same for regression.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skbackprop import AveragedClassifier, BackpropClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = AveragedClassifier(BackpropClassifier(), random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (150, 3)
    """

    def _check_targets(self, y):
        shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
        if len(shape) == 2 and shape[1] > 1:
            raise ValueError("AveragedClassifier does not take multilabel y; give it to the classifier itself")

    @property
    def classes_(self):
        """The class labels."""
        return self.estimators_[0].classes_

    def predict_proba(self, X):
        """The mean probabilities of the classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            They sum to 1 in each row.
        """
        return self._mean("predict_proba", X)

    def predict_log_proba(self, X):
        """The logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Natural logarithms.
        """
        return np.log(self.predict_proba(X))

    def predict(self, X):
        """The class with the largest mean probability.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels.
        """
        p = self.predict_proba(X)
        return self.classes_[p.argmax(axis=1)]


class AveragedRegressor(RegressorMixin, BaseAveraged):
    """Several regressors that differ only in `random_state`; their predictions are averaged.

    See `AveragedClassifier` for the benefits.

    Parameters
    ----------
    estimator : estimator
        The regressor to clone; it needs `random_state`.

    n_estimators : int, default=4
        The number of members.

    n_jobs : int or None, default=None
        How many are trained at the same time, in threads; -1 is as many as there are cores. The result is the same, to
        the bit.

    random_state : int, RandomState instance or None, default=None
        Determines the `random_state` of each.

    Attributes
    ----------
    estimators_ : list of estimator
        The fitted regressors.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the features, if X had names and all were strings.

    See Also
    --------
    tabular_pipeline : Uses one as its last step.
    AveragedClassifier : The same for classes.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skbackprop import AveragedRegressor, BackpropRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = AveragedRegressor(BackpropRegressor(max_iter=20, tol=1), random_state=0).fit(X, y / 300)
    >>> model.predict(X).shape
    (442,)
    """

    def predict(self, X):
        """The mean of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the units of the targets.
        """
        return self._mean("predict", X)
