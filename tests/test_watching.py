"""Watching a training (verbose, X_val, a callback, all of them) changes not one bit of it; and it hears Ctrl-C."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, Observer, make_data, same_bits
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._callbacks import CallbackSupportMixin


def breaks(epoch):
    """A step size that is good for three epochs and breaks everything in the fourth."""
    return 0.01 if epoch < 3 else 1e9


CONFIGURATIONS = {
    "the lecture": {},
    "penalty": dict(alpha=0.05),
    "shuffle": dict(sampling="shuffle"),
    "batches": dict(batch_size=8, alpha=0.05),
    "one batch an epoch": dict(batch_size=1000, learning_rate=0.1),
    "momentum": dict(momentum=0.9, alpha=0.05),
    "nesterov": dict(momentum=0.9, nesterovs_momentum=True, batch_size=4),
    "adam": dict(solver="adam", alpha=0.05, dropout=0.3),
    "adaptive": dict(learning_rate_schedule="adaptive", n_iter_no_change=1, tol=0.1),
    "lbfgs": dict(solver="lbfgs", alpha=0.05),
    "divergence": dict(learning_rate=breaks, activation="relu"),
    "divergence with a penalty": dict(learning_rate=breaks, activation="relu", alpha=0.05),
    "divergence of batches": dict(learning_rate=breaks, activation="relu", batch_size=16),
    "divergence of one batch an epoch": dict(learning_rate=breaks, activation="relu", batch_size=1000),
}
WATCHERS = ["verbose", "X_val", "all of them"]
if CallbackSupportMixin.__module__.startswith("sklearn"):
    WATCHERS.append("callback")


def data_in(layout, estimator, dtype):
    X, y = make_data(estimator, n=40, dtype=dtype)
    if layout == "dense":
        return X, y
    if layout == "csr":
        return sp.csr_array(X), y
    rng = np.random.default_rng(0)  # so wide that looking at all weights would cost more than an epoch
    columns = np.sort([rng.choice(20_000, size=4, replace=False) for _ in y])
    return sp.csr_array((X.ravel(), columns.ravel(), np.arange(0, 4 * len(y) + 1, 4)), shape=(len(y), 20_000)), y


def fitted(estimator, X, y, parameters, watcher=None):
    """The fitted estimator, and the messages of its warnings."""
    model = estimator((5,), max_iter=6, random_state=0).set_params(**parameters)
    given = {}
    if watcher in ("verbose", "all of them"):
        model.set_params(verbose=True)
    if watcher in ("X_val", "all of them"):
        given = dict(X_val=X[:10], y_val=y[:10])
    if watcher in ("callback", "all of them") and "callback" in WATCHERS:
        model.set_callbacks(Observer(lambda epoch: None))
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(X, y, **given)
    return model, [str(warning.message) for warning in record]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", ["dense", "csr", "wide csr"])
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_watching_changes_nothing(configuration, layout, dtype, capsys):
    """Neither weights, curves, counters and warnings nor the result of further training."""
    for estimator in ESTIMATORS:
        X, y = data_in(layout, estimator, dtype)
        plain, message = fitted(estimator, X, y, CONFIGURATIONS[configuration])
        for watcher in WATCHERS:
            watched, watched_message = fitted(estimator, X, y, CONFIGURATIONS[configuration], watcher)
            assert same_bits(watched, plain), watcher
            assert (watched.n_iter_, watched.best_loss_, watched.loss_) == (
                plain.n_iter_,
                plain.best_loss_,
                plain.loss_,
            )
            assert watched_message == message
            if watcher in ("X_val", "all of them"):
                assert len(watched.validation_loss_curve_) == len(watched.validation_scores_) == watched.n_iter_
            if plain.solver != "lbfgs":
                watched._callbacks = None
                again = [model.set_params(learning_rate=0.01).partial_fit(X, y) for model in (watched, plain)]
                assert same_bits(*again), watcher
                plain, message = fitted(estimator, X, y, CONFIGURATIONS[configuration])


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_after_a_divergence_there_is_a_score_of_each_epoch(estimator, early_stopping):
    """Also where it is the first: then loss and score are those of the start weights, which come back."""
    X, y = make_data(estimator)
    given = {} if early_stopping else dict(X_val=X[:9], y_val=y[:9])
    model = estimator((5,), "relu", alpha=1e6, early_stopping=early_stopping, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y, **given)
    assert model.n_iter_ == len(model.validation_scores_) == len(model.validation_loss_curve_) == 1
    assert model.best_validation_score_ == model.validation_scores_[0]
    if not early_stopping:
        assert model.validation_scores_[0] == pytest.approx(model.score(X[:9], y[:9]))
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.set_params(early_stopping=False).fit(X, y)
    assert model.validation_scores_ is model.validation_loss_curve_ is model.best_validation_score_ is None


def test_weights_that_are_not_finite_have_no_score():
    """They may go unnoticed for an epoch where the network is wide: the scorer is not given predictions of NaN."""
    X, y = data_in("wide csr", BackpropRegressor, np.float64)
    X.data[-4:] = 1e200  # of the last row, whose step overflows; the others never meet its weights
    model = BackpropRegressor((5,), "relu", learning_rate=1e-3, max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y, X_val=X, y_val=y)
    assert len(model.validation_scores_) == model.n_iter_
    assert all(np.isfinite(w).all() for w in model.coefs_)


# ---- scorers ---------------------------------------------------------------------------------------------------------


def plain_score(estimator, X, y):
    return estimator.score(X, y)


def metric(y_true, y_pred):
    return 0.0


def test_a_scorer_without_weights_is_refused_before_training():
    """Where there are weights for it; without weights it will do."""
    X, y = make_data(BackpropClassifier)
    model = BackpropClassifier(scoring=plain_score, early_stopping=True, max_iter=2, random_state=0)
    epochs = []
    with pytest.raises(TypeError, match=r"scorer\(estimator, X, y, sample_weight=...\).*make_scorer.*plain_score"):
        model.set_params(learning_rate=lambda epoch: epochs.append(epoch) or 0.1).fit(X, y, np.ones(len(y)))
    assert not epochs
    with pytest.warns(ConvergenceWarning):
        model.set_params(learning_rate=0.1).fit(X, y)
    assert len(model.validation_scores_) == 2


def test_a_metric_is_no_scorer():
    X, y = make_data(BackpropClassifier)
    with pytest.raises(TypeError, match=r"scorer\(estimator, X, y\).*make_scorer.*metric"):
        BackpropClassifier(scoring=metric, early_stopping=True).fit(X, y)


def test_a_scorer_that_returns_no_number():
    X, y = make_data(BackpropClassifier)
    model = BackpropClassifier(scoring=lambda estimator, X, y: "good", early_stopping=True)
    with pytest.raises(TypeError, match="scoring must return a number; got 'good'"):
        model.fit(X, y)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_scorer_is_given_one_column_as_a_vector(estimator):
    """As predict returns it: or (n, 1) against (n,) would compare every label with every prediction."""
    X, y = make_data(estimator)
    shapes = []

    def scorer(model, X, y):
        shapes.append((y.shape, model.predict(X).shape))
        return 0.0

    model = estimator((3,), scoring=scorer, max_iter=2, random_state=0)
    with pytest.warns(DataConversionWarning), pytest.warns(ConvergenceWarning):
        model.fit(X, y.reshape(-1, 1), X_val=X[:9], y_val=y[:9].reshape(-1, 1))
    with pytest.warns(DataConversionWarning), pytest.warns(ConvergenceWarning):
        model.set_params(early_stopping=True).fit(X, y.reshape(-1, 1))
    assert len(shapes) == 4
    assert all(own == predicted for own, predicted in shapes)


def test_errors_of_held_out_samples_say_so():
    X, y = make_data(BackpropRegressor)
    with pytest.raises(ValueError, match="NaN") as caught:
        BackpropRegressor().fit(X, y, X_val=X * np.nan, y_val=y)
    assert caught.value.__notes__ == ["X, y and sample_weight are X_val, y_val and sample_weight_val here"]
