"""Properties that hold for any network, any data and any draws (hypothesis)."""

import warnings

import numpy as np
import scipy.sparse as sp
from helpers import as_layout, distance, fit_quietly, lecture_weights, same_bits
from hypothesis import assume, given
from hypothesis import strategies as st
from oracle_extensions import batches, extended_backpropagation
from sklearn.exceptions import ConvergenceWarning
from strategies import layouts, problems, seeds

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._kernel import AVAILABLE_LEVELS, steps, use_level
from skbackprop._network import LOSSES
from skbackprop._training.rules import RULES, Rule
from skbackprop._training.sampling import canonical_order


def by_oracle(algorithm, network, samples, draws, tau, alpha, **kwargs):
    """W, b and the losses by the oracle."""
    W, b = lecture_weights(network)
    X = samples.X.toarray() if sp.issparse(samples.X) else samples.X
    Y = samples.targets if samples.targets.ndim == 2 else np.eye(network.M[-1])[samples.targets]
    X, Y, loss = X.astype(np.float64), Y.astype(np.float64), LOSSES[network.loss_code]
    with np.errstate(over="ignore", invalid="ignore"):
        losses = algorithm(
            W, b, X, Y, draws, tau, network.activations, loss, alpha, samples.weights, network.quantile, **kwargs
        )
    assume((losses < 100).all())  # neither diverging nor about to: there rounding errors grow from step to step
    return W, b, losses


def assert_equal(network, total, W, b, losses):
    network.fold_scale()
    bound = 1e-12 if network.params.dtype == np.float64 else 1e-4
    assert distance(network, W, b) <= bound
    assert abs(total - losses.sum()) <= bound * max(1, abs(losses).sum())


@given(
    problem=problems(),
    tau=st.floats(1e-4, 0.01),
    alpha=st.sampled_from([0.0, 0.1, 1.0]),
    level=st.sampled_from(AVAILABLE_LEVELS),
)
def test_the_kernel_is_the_oracle(problem, tau, alpha, level):
    network, samples, draws = problem
    expected = by_oracle(extended_backpropagation, network, samples, draws, tau, alpha)
    before = use_level(level)
    try:
        total = steps(network, samples, draws, tau, alpha)
    finally:
        use_level(before)
    assert_equal(network, total, *expected)


@given(
    problem=problems(),
    tau=st.floats(1e-4, 0.01),
    alpha=st.sampled_from([0.0, 0.1]),
    rule=st.sampled_from(sorted(RULES)),
    batch_size=st.integers(1, 9),
    level=st.sampled_from(AVAILABLE_LEVELS),
)
def test_batches_and_rules_are_the_oracles(problem, tau, alpha, rule, batch_size, level):
    network, samples, draws = problem
    # with an epsilon that is not tiny, Adam's step is smooth where all gradients are rounding errors
    settings = dict(batch_size=batch_size, momentum=0.9, beta_2=0.99, epsilon=0.1)
    expected = by_oracle(
        batches, network, samples, draws, tau, alpha, rule=rule, lazy=sp.issparse(samples.X), **settings
    )
    before = use_level(level)
    try:
        total = steps(network, samples, draws, tau, alpha, Rule(network, rule, **settings))
    finally:
        use_level(before)
    assert_equal(network, total, *expected)


rows = st.lists(
    st.tuples(st.integers(-1, 1), st.integers(-1, 1), st.sampled_from([0.0, -0.0, 1e-300, 2.5]), st.integers(0, 2)),
    min_size=1,
    max_size=12,
)


@given(rows=rows, layout=layouts, seed=seeds)
def test_the_canonical_order_sorts_rows_by_what_they_are(rows, layout, seed):
    table = np.array(rows, dtype=float)
    p = np.random.default_rng(seed).permutation(len(table))
    one = table[canonical_order(table[:, :3].copy(), table[:, 3])]
    other = table[p][canonical_order(as_layout(table[p, :3], layout), table[p, 3])]
    np.testing.assert_array_equal(one, other)


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
