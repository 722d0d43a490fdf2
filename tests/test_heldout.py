"""Held-out samples: early stopping, validation sets of one's own, scoring."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from faults import every_estimator, new
from helpers import fit_quietly, make_data, same_bits, snapshot
from sklearn.metrics import log_loss, make_scorer, mean_absolute_error
from sklearn.model_selection import train_test_split

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop._training.heldout import Split
from skbackprop._training.sampling import canonical_order, distinct

X, Y = make_data(BackpropRegressor)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize(
    "bad",
    [
        dict(X_val=X[:9, :3], y_val=Y[:9]),
        dict(X_val=X[:9], y_val=Y[:8]),
        dict(X_val=X[:0], y_val=Y[:0]),
        dict(X_val=np.full((9, 4), np.inf), y_val=Y[:9]),
        dict(X_val="X", y_val=Y[:9]),
        dict(X_val=X[:9], y_val=np.full(9, np.nan)),
        dict(X_val=X[:9], y_val=Y[:9], sample_weight_val=np.zeros(9)),
        dict(X_val=X[:9], y_val=np.ones((9, 2))),
    ],
)
def test_bad_held_out_samples(bad, warm_start):
    model = fit_quietly(new(BackpropRegressor, "early_stopping", warm_start=warm_start), X, Y)
    before = snapshot(model)
    with pytest.raises(ValueError):
        model.fit(X, Y, **bad)
    assert snapshot(model) == before


def test_the_split():
    """The fraction of distinct rows, rounded up; stratified; equal rows together; whatever the order of the rows."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(60, 3)), 2, axis=0)
    labels = np.repeat(np.repeat([0, 1, 2], [30, 20, 10]), 2)
    training, validation = Split(0.2, labels, np.random.default_rng(1))(X, labels, canonical_order(X, labels))
    assert sorted([*training, *validation]) == list(range(120))
    np.testing.assert_array_equal(np.bincount(labels[validation]), [12, 8, 4])
    assert set(validation // 2) == {i // 2 for i in validation}
    assert len(set(validation // 2)) == 12
    p = rng.permutation(120)
    _, other = Split(0.2, labels[p], np.random.default_rng(1))(X[p], labels[p], canonical_order(X[p], labels[p]))
    np.testing.assert_array_equal(X[p][other], X[validation])


def test_the_split_of_classes_too_small():
    X, labels = np.arange(8.0).reshape(8, 1), np.array([0, 0, 0, 0, 0, 0, 0, 1])
    for fraction in (0.1, 0.5, 0.95):
        training, validation = Split(fraction, labels, np.random.default_rng(0))(X, labels, canonical_order(X, labels))
        assert len(validation) == int(np.clip(np.ceil(fraction * 8), 2, 7))
        assert len(training) == 8 - len(validation)
    with pytest.raises(ValueError, match="1 sample"):
        Split(0.5, None, np.random.default_rng(0))(X[:1], labels[:1], np.array([0]))


@pytest.mark.parametrize("settings", [{}, dict(solver="adam", batch_size=8, learning_rate=0.01), dict(solver="lbfgs")])
@every_estimator
def test_the_best_weights_are_kept(estimator, settings):
    X, y = make_data(estimator, n=200)
    X_val, y_val = make_data(estimator, n=100, seed=1)
    model = estimator(early_stopping=True, n_iter_no_change=5, max_iter=300, random_state=0, **settings)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    scores = model.validation_scores_
    assert len(scores) == len(model.validation_loss_curve_) == model.n_iter_ < 300
    assert model.stopped_ == "early_stopping"
    assert model.best_validation_score_ == max(scores) == pytest.approx(model.score(X_val, y_val), rel=1e-12)
    assert model.best_loss_ is None


def test_among_equal_scores_the_loss_chooses():
    """The accuracy of eight samples is a staircase: of the epochs on its highest step, the one of the least loss."""
    X, y = make_data(BackpropClassifier, n=60)
    model = BackpropClassifier(early_stopping=True, max_iter=40, random_state=0)
    fit_quietly(model, X, y, X_val=X[:8], y_val=y[:8])
    scores, losses = np.array(model.validation_scores_), np.array(model.validation_loss_curve_)
    best = losses[scores == scores.max()]
    assert len(best) > 1
    again = fit_quietly(BackpropClassifier(max_iter=1, learning_rate=1e-300, random_state=0), X, y)
    fit_quietly(again, X, y, X_val=X[:8], y_val=y[:8], coefs_init=model.coefs_, intercepts_init=model.intercepts_)
    assert again.validation_loss_curve_[0] == pytest.approx(best.min(), rel=1e-9)


@every_estimator
def test_watching_changes_nothing(estimator):
    """A validation set without early stopping is recorded, and leaves the model as it would be."""
    X, y = make_data(estimator)
    X_val, y_val = make_data(estimator, seed=1)
    plain = fit_quietly(estimator(max_iter=7, random_state=0), X, y)
    watched = fit_quietly(estimator(max_iter=7, random_state=0), X, y, X_val=X_val, y_val=y_val)
    assert same_bits(plain, watched)
    assert watched.validation_scores_[-1] == watched.score(X_val, y_val)
    assert plain.validation_scores_ is plain.validation_loss_curve_ is plain.best_validation_score_ is None


def test_the_validation_loss():
    X, y = make_data(BackpropClassifier)
    X_val, y_val = make_data(BackpropClassifier, seed=1)
    weight = np.linspace(0, 2, len(y_val))
    for sample_weight in (None, weight):
        model = BackpropClassifier(loss="log_loss", max_iter=5, random_state=0)
        fit_quietly(model, X, y, X_val=X_val, y_val=y_val, sample_weight_val=sample_weight)
        expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=sample_weight)
        assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-9)
        assert model.validation_scores_[-1] == pytest.approx(model.score(X_val, y_val, sample_weight), rel=1e-12)


@pytest.mark.parametrize(
    "scoring", ["neg_mean_absolute_error", make_scorer(mean_absolute_error, greater_is_better=False)]
)
def test_scoring(scoring):
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(scoring=scoring, max_iter=5, random_state=0)
    fit_quietly(model, X, y, X_val=X[:9], y_val=y[:9])
    assert model.validation_scores_[-1] == pytest.approx(-mean_absolute_error(y[:9], model.predict(X[:9])))


@pytest.mark.parametrize("estimator", [BackpropClassifier, BackpropRegressor])
def test_scoring_by_the_loss_keeps_the_weights_of_the_smallest_held_out_loss(estimator):
    X, y = make_data(estimator)
    X_val, y_val = make_data(estimator, seed=1)
    model = estimator(scoring="loss", early_stopping=True, learning_rate=0.1, max_iter=30, random_state=0)
    fit_quietly(model, X, y, X_val=X_val, y_val=y_val)
    assert model.validation_scores_ == [-f for f in model.validation_loss_curve_]
    assert model.best_validation_score_ == -min(model.validation_loss_curve_)
    plain = estimator(scoring="loss", learning_rate=0.1, random_state=0)
    plain.set_params(max_iter=1 + int(np.argmin(model.validation_loss_curve_)), n_iter_no_change=np.inf)
    fit_quietly(plain, X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])


@pytest.mark.parametrize("kind", ["str", "bool", "multilabel", "one class", "sparse", "float32"])
def test_kinds_of_y_and_X(kind):
    X, y = make_data(BackpropClassifier, n=100)
    if kind == "str":
        y = np.array(["a", "b", "c"])[y]
    elif kind == "bool":
        y = y == 1
    elif kind == "multilabel":
        y = np.eye(3, dtype=int)[y]
    elif kind == "one class":
        y = np.zeros(100)
    elif kind == "sparse":
        X = sp.csr_array(X)
    else:
        X = X.astype(np.float32)
    model = fit_quietly(BackpropClassifier(early_stopping=True, max_iter=30, random_state=0), X, y)
    assert len(model.validation_scores_) == model.n_iter_
    fit_quietly(model, X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert model.best_validation_score_ == model.score(X[80:], y[80:])


def test_names_of_features():
    X, y = make_data(BackpropClassifier)
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = BackpropClassifier(early_stopping=True, max_iter=5, random_state=0)
    fit_quietly(model, frame, y)
    fit_quietly(model, frame, y, X_val=frame, y_val=y)
    with pytest.raises(ValueError, match="feature names"):
        model.fit(frame, y, X_val=frame[list("abdc")], y_val=y)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(X_val=np.ones((3, 4))), "together"),
        (dict(y_val=[0, 1, 2]), "together"),
        (dict(sample_weight_val=[1, 1, 1]), "together"),
        (dict(X_val=np.ones((3, 3)), y_val=[0, 1, 2]), "3 features"),
        (dict(X_val=np.ones((3, 4)), y_val=[0, 1]), "inconsistent"),
        (dict(X_val=np.ones((3, 4)), y_val=[0, 1, 7]), "classes that y does not have"),
        (dict(X_val=np.ones((3, 4)), y_val=np.eye(3, dtype=int)), "like y"),
        (dict(X_val=np.ones((3, 4)), y_val=[0, 1, 2], sample_weight_val=[1, -1, 1]), "negative"),
        (dict(X_val=np.full((3, 4), np.nan), y_val=[0, 1, 2]), "NaN"),
        (dict(coefs_init=[np.ones((4, 100))]), "shapes"),
        (dict(coefs_init=[np.ones((4, 100)), np.full((100, 3), np.inf)]), "finite"),
        (dict(intercepts_init=[np.ones(3), np.ones(100)]), "shapes"),
    ],
)
def test_bad_input(given, message):
    X, y = make_data(BackpropClassifier)
    model = fit_quietly(BackpropClassifier(max_iter=2, random_state=0), X, y)
    before = snapshot(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **given)
    assert snapshot(model) == before


def test_regression_wants_columns_alike():
    X, y = make_data(BackpropRegressor)
    for given in (y, np.column_stack([y, y, y])):
        with pytest.raises(ValueError, match=r"y_val has . column\(s\), y has 2"):
            BackpropRegressor().fit(X, np.column_stack([y, y]), X_val=X, y_val=given)


def test_errors_name_the_held_out_targets():
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor(output_activation="logistic")
    with pytest.raises(ValueError, match="; y_val goes from"):
        model.fit(X, y, X_val=X, y_val=y + 1)
    with pytest.raises(ValueError, match=r"^y_val has values that float32"):
        model.fit(X.astype(np.float32), y, X_val=X, y_val=y * 1e300)
    with pytest.raises(ValueError, match="; X_val goes from"):
        BackpropAutoencoder(output_activation="softplus").fit(abs(X), X_val=X)
    classifier, y = BackpropClassifier(), np.digitize(y, [0.4, 0.6])
    for bad in (np.column_stack([y, y]), np.column_stack([y > 0, y > 1])):
        with pytest.raises(ValueError, match=r"^y_val must be like y, one column"):
            classifier.fit(X, y, X_val=X, y_val=bad)
    with pytest.raises(ValueError, match=r"^y_val must be like y, a matrix of 0 and 1 with 4 columns"):
        classifier.fit(X, X > 0, X_val=X, y_val=7 * (X > 0))


def test_a_validation_set_too_small_for_its_score():
    X, y = make_data(BackpropRegressor, n=3)
    with pytest.warns(UserWarning, match="R\\^2"), pytest.raises(ValueError, match="validation set is too small"):
        BackpropRegressor(early_stopping=True).fit(X, y)


def test_partial_fit_holds_nothing_out():
    X, y = make_data(BackpropRegressor)
    early, plain = (BackpropRegressor(early_stopping=e, random_state=0).partial_fit(X, y) for e in (True, False))
    assert same_bits(early, plain)


def test_the_split_is_scikit_learns():
    """To the bit, though the rows are never copied."""
    rng, n = np.random.default_rng(0), 1000
    X = rng.integers(3, size=(n, 4)).astype(float)
    y = rng.integers(3, size=n)
    order = canonical_order(X, y)
    group = np.cumsum(distinct(X, y, order)) - 1
    groups, first = np.unique(group, return_index=True)
    assert len(groups) < n / 2
    seed = int(np.random.default_rng(7).integers(2**32))
    _, held_out = train_test_split(
        groups, test_size=int(np.ceil(0.2 * len(groups))), stratify=y[order[first]], random_state=seed
    )
    expected = order[~np.isin(group, held_out)], order[np.isin(group, held_out)]
    for own, plain in zip(Split(0.2, y, np.random.default_rng(7))(X, y, order), expected, strict=True):
        assert own.tobytes() == plain.tobytes()
