"""Properties that hold for any network, any data and any draws (hypothesis)."""

import warnings

import numpy as np
import scipy.sparse as sp
from helpers import as_layout, distance, fit_quietly, lecture_weights, make_network, same_bits
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import backpropagation
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._activations import HIDDEN_ACTIVATIONS
from skbackprop._backprop import AVAILABLE_LEVELS, steps, use_level
from skbackprop._sampling import Samples, canonical_order

settings.register_profile("skbackprop", deadline=None, derandomize=True, database=None)
settings.load_profile("skbackprop")

seeds = st.integers(0, 2**32 - 1)
layouts = st.sampled_from(["dense", "csr32", "csr64"])


@settings(max_examples=100)
@given(
    sizes=st.lists(st.integers(1, 20), min_size=2, max_size=5),
    output=st.sampled_from(
        [
            *[(name, "squared_error") for name in ("identity", "logistic", "tanh", "exp", "softplus")],
            ("logistic", "binary_log_loss"),
            ("softmax", "multinomial_log_loss"),
        ]
    ),
    hidden=st.lists(st.sampled_from(HIDDEN_ACTIVATIONS), min_size=3, max_size=3),
    layout=layouts,
    dtype=st.sampled_from([np.float32, np.float64]),
    level=st.sampled_from(AVAILABLE_LEVELS),
    n=st.integers(1, 6),
    n_steps=st.integers(0, 40),
    tau=st.floats(1e-4, 0.01),
    alpha=st.sampled_from([0.0, 0.1, 1.0]),
    weighted=st.booleans(),
    seed=seeds,
)
def test_the_kernel_is_the_oracle(sizes, output, hidden, layout, dtype, level, n, n_steps, tau, alpha, weighted, seed):
    rng = np.random.default_rng(seed)
    activation, loss = output
    network = make_network(sizes, [*hidden[: len(sizes) - 2], activation], loss, dtype, seed=seed)
    X = (rng.normal(size=(n, sizes[0])) * (rng.random((n, sizes[0])) < 0.7)).astype(dtype)
    codes = rng.integers(sizes[-1], size=n).astype(np.int32)
    Y = np.eye(sizes[-1], dtype=dtype)[codes] if loss != "squared_error" else rng.random((n, sizes[-1])).astype(dtype)
    targets = codes if loss == "multinomial_log_loss" and seed % 2 else Y
    weights = rng.random(n) if weighted else None
    draws = rng.integers(n, size=n_steps)

    W, b = lecture_weights(network)
    X64, Y64 = X.astype(np.float64), Y.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        losses = backpropagation(W, b, X64, Y64, draws, tau, network.activations, loss, alpha, weights)
    assume((losses < 100).all())  # neither diverging nor about to: there rounding errors grow from step to step

    before = use_level(level)
    try:
        total = steps(network, Samples(as_layout(X, layout), targets, weights), draws, tau, alpha)
    finally:
        use_level(before)
    network.fold_scale()
    bound = 1e-12 if dtype == np.float64 else 1e-4
    assert distance(network, W, b) <= bound
    assert abs(total - losses.sum()) <= bound * max(1, abs(losses).sum())


rows = st.lists(
    st.tuples(st.integers(-1, 1), st.integers(-1, 1), st.sampled_from([0.0, -0.0, 1e-300, 2.5]), st.integers(0, 2)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=100)
@given(rows=rows, layout=layouts, seed=seeds)
def test_the_canonical_order_sorts_rows_by_what_they_are(rows, layout, seed):
    table = np.array(rows, dtype=float)
    p = np.random.default_rng(seed).permutation(len(table))
    one = table[canonical_order(table[:, :3].copy(), table[:, 3])]
    other = table[p][canonical_order(as_layout(table[p, :3], layout), table[p, 3])]
    np.testing.assert_array_equal(one, other)


@settings(max_examples=30)
@given(
    rows=rows,
    repeats=st.lists(st.integers(0, 3), min_size=12, max_size=12).filter(lambda repeats: repeats[0] > 0),
    classifier=st.booleans(),
    sparse=st.booleans(),
    sampling=st.sampled_from(["uniform", "shuffle"]),
    seed=seeds,
)
def test_a_fit_does_not_see_order_or_repetition(rows, repeats, classifier, sparse, sampling, seed):
    """Whole-number weights, equal rows written out, in any order: the same bits."""
    table = np.array(rows, dtype=float)
    weight = np.array(repeats[: len(table)])
    long = table.repeat(weight, axis=0)[np.random.default_rng(seed).permutation(weight.sum())]
    estimator = BackpropClassifier if classifier else BackpropRegressor
    models = []
    for data, sample_weight in ((table, weight), (long, None)):
        X = sp.csr_array(data[:, :3]) if sparse else data[:, :3]
        y = data[:, 3].astype(int) if classifier else data[:, 3]
        model = estimator((3,), sampling=sampling, max_iter=2, random_state=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            models.append(model.fit(X, y, sample_weight=sample_weight))
    assert same_bits(*models)


@settings(max_examples=50)
@given(
    kind=st.sampled_from(["binary", "multiclass", "multilabel"]),
    loss=st.sampled_from(["squared_error", "log_loss"]),
    exponent=st.integers(-10, 30),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=seeds,
)
def test_probabilities_are_probabilities(kind, loss, exponent, dtype, seed):
    """Whatever the weights: between 0 and 1, with sum 1, their logarithms finite."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 2)).astype(dtype)
    y = {"binary": [0, 1] * 6, "multiclass": [0, 1, 2] * 4, "multilabel": [[0, 1], [1, 1]] * 6}[kind]
    model = fit_quietly(BackpropClassifier((3,), loss=loss, max_iter=1, random_state=0), X, y)
    model.coefs_[-1][...] = rng.normal(size=model.coefs_[-1].shape) * 10.0**exponent
    model.intercepts_[-1][...] = rng.normal(size=model.intercepts_[-1].shape) * 10.0**exponent
    p, log_p = model.predict_proba(X), model.predict_log_proba(X)
    assert ((p >= 0) & (p <= 1)).all()
    assert np.isfinite(log_p).all()
    assert (log_p <= 0).all()
    if kind == "multilabel":
        assert ((p > 0) & (p < 1)).all()
    else:
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        if kind == "multiclass":
            np.testing.assert_array_equal(model.predict(X), model.decision_function(X).argmax(axis=1))
