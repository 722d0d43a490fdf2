"""Sample weights, class weights, the order and the layout of the rows: what must not matter, and what must."""

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import ESTIMATORS, fit_quietly, make_data, same_bits, snapshot, trained_by, weights_of
from oracle_extensions import extended_backpropagation
from scipy.stats import chisquare
from sklearn.utils.class_weight import compute_class_weight

from skbackprop import BackpropClassifier, BackpropRegressor, _kernel

SAMPLINGS = ["uniform", "shuffle"]
CLASS_WEIGHTS = [None, "balanced", {0: 0.3, 1: 1, 2: 5}]
CONFIGURATIONS = [
    *[(BackpropRegressor, {"sampling": sampling}) for sampling in SAMPLINGS],
    *[
        (BackpropClassifier, {"sampling": sampling, "class_weight": class_weight})
        for sampling in SAMPLINGS
        for class_weight in CLASS_WEIGHTS
    ],
]
LAYOUTS = [np.ascontiguousarray, sp.csr_array]
each_configuration = pytest.mark.parametrize(
    ("estimator", "configuration"),
    CONFIGURATIONS,
    ids=["-".join(map(str, (estimator.__name__, *values.values()))) for estimator, values in CONFIGURATIONS],
)
each_layout = pytest.mark.parametrize("layout", LAYOUTS)


def few_values(estimator, n=40, seed=0):
    """Rows with zeros and with equal rows among them, and classes of unequal size."""
    X, y = make_data(estimator, n=n, seed=seed)
    X = np.round(X)
    X[::4] = X[0]
    y[::8] = y[0]
    return X, y


def fitted(estimator, configuration, X, y, sample_weight=None, max_iter=4, steps=_kernel.steps):
    model = trained_by(steps, estimator((6,), max_iter=max_iter, random_state=5, **configuration))
    return fit_quietly(model, X, y, sample_weight=sample_weight)


def assert_nearly_same(first, second):
    """The same but for rounding: had a single draw been another, the difference would be 1e-3 and more."""
    assert first.t_ == second.t_
    for a, b in zip(weights_of(first), weights_of(second), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


class Drawn:
    """The kernel's `steps`, with a record of the rows that training draws, and the Samples it draws them from."""

    def __init__(self):
        self.rows, self.samples = [], []

    def __call__(self, network, samples, draws, tau, *how):
        if tau:
            self.rows.extend(draws.tolist())
            self.samples.append(samples)
        return _kernel.steps(network, samples, draws, tau, *how)


# ---- what must not matter ------------------------------------------------------------------------------------------


@each_layout
@each_configuration
def test_whole_numbers_are_repetition(estimator, configuration, layout):
    X, y = few_values(estimator)
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, size=len(X))
    p = rng.permutation(weight.sum())
    weighted = fitted(estimator, configuration, layout(X), y, sample_weight=weight)
    repeated = fitted(estimator, configuration, layout(X.repeat(weight, axis=0)[p]), y.repeat(weight)[p])
    assert same_bits(weighted, repeated)
    assert weighted.t_ == 4 * weight.sum()


@each_layout
@each_configuration
@pytest.mark.parametrize("weights", [None, "whole", "fractions"])
def test_the_order_of_the_rows_does_not_matter(weights, estimator, configuration, layout):
    X, y = few_values(estimator)
    rng = np.random.default_rng(0)
    weight = {None: np.ones(40), "whole": rng.integers(1, 4, size=40), "fractions": rng.random(40)}[weights]
    model = fitted(estimator, configuration, layout(X), y, sample_weight=weight)
    for seed in range(3):
        p = np.random.default_rng(seed).permutation(40)
        assert same_bits(fitted(estimator, configuration, layout(X[p]), y[p], sample_weight=weight[p]), model)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_order_and_repetition_do_not_matter_at_the_edge_of_rounding(dtype):
    """The start weights go by the size of the features, in three digits: here 1.005 up to the last bit, 1 or 1.01."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        weight = 1 + np.arange(200) % (1 + seed)
        once, y = rng.normal(size=(200, 3)).astype(dtype), rng.random(200)
        factor = dtype(1.005 / np.sqrt((once.repeat(weight, axis=0).astype(float) ** 2).mean()))
        for ulps in range(-4, 5):
            X = once * (factor + dtype(ulps) * np.spacing(factor))
            model = fitted(BackpropRegressor, {}, X, y, sample_weight=weight, max_iter=1)
            for _ in range(5):
                rows = rng.permutation(np.arange(200).repeat(weight))
                assert same_bits(model, fitted(BackpropRegressor, {}, X[rows], y[rows], max_iter=1))


@each_configuration
@pytest.mark.parametrize("weights", ["whole", "fractions"])
def test_rows_of_weight_zero_are_as_if_absent(weights, estimator, configuration):
    X, y = few_values(estimator)
    rng = np.random.default_rng(1)
    weight = rng.integers(1, 4, size=40) if weights == "whole" else rng.random(40)
    weight = weight * (rng.random(40) < 0.6)
    keep = weight > 0
    model = fitted(estimator, configuration, X, y, sample_weight=weight)
    assert same_bits(model, fitted(estimator, configuration, X[keep], y[keep], sample_weight=weight[keep]))


def test_a_class_of_weight_zero_is_as_if_absent():
    X, y = make_data(BackpropClassifier)
    model = fitted(BackpropClassifier, {}, X, y, sample_weight=(y != 1) * 1.0)
    assert model.classes_.tolist() == [0, 2]
    assert same_bits(model, fitted(BackpropClassifier, {}, X[y != 1], y[y != 1]))


@each_configuration
def test_equal_weights_are_no_weights(estimator, configuration):
    X, y = few_values(estimator)
    plain = fitted(estimator, configuration, X, y)
    for value in (1, 0.1, 1e-9, 1e5, 1 / 40):
        model = fitted(estimator, configuration, X, y, sample_weight=np.full(40, value))
        if configuration.get("class_weight"):  # the product of both is rounded
            assert_nearly_same(model, plain)
        else:
            assert same_bits(model, plain)


@each_configuration
def test_a_common_factor_changes_nothing(estimator, configuration):
    X, y = few_values(estimator)
    weight = np.random.default_rng(0).random(40)
    model = fitted(estimator, configuration, X, y, sample_weight=weight)
    assert model.t_ == 4 * 40
    for factor in (1 / weight.sum(), 0.5, 3e-7, 1e6):
        scaled = fitted(estimator, configuration, X, y, sample_weight=factor * weight)
        assert_nearly_same(scaled, model)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_layouts_and_types_draw_the_same_rows(estimator, sampling):
    """Dense or CSR, 32- or 64-bit indices, float32 or float64: the same rows, and nearly the same model."""
    X, y = make_data(estimator, dtype=np.float32)
    X = np.round(X, 1)
    X[abs(X) < 0.5] = 0
    sparse = sp.csr_array(X)
    wide = sp.csr_array(X)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    rows, models = [], []
    for data in (X, sparse, wide, sp.csr_matrix(X), sp.csc_array(X), sp.coo_array(X), X.tolist(), X.astype(np.float64)):
        drawn = Drawn()
        models.append(fitted(estimator, {"sampling": sampling}, data, y, steps=drawn))
        rows.append(tuple(drawn.rows))
    assert len(set(rows)) == 1
    assert same_bits(models[1], models[2])  # the width of the indices makes no difference at all
    assert same_bits(models[1], models[3])
    for model in models:
        for a, b in zip(weights_of(model), weights_of(models[-1]), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    assert same_bits(models[-2], models[-1])  # a list is float64


@each_configuration
def test_dense_and_csr_in_float64(estimator, configuration):
    X, y = few_values(estimator)
    dense, sparse = (fitted(estimator, configuration, layout(X), y) for layout in LAYOUTS)
    assert_nearly_same(dense, sparse)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_stored_zeros_and_unsorted_indices(sampling):
    """The same matrix, stored differently."""
    X, y = few_values(BackpropRegressor)
    plain = sp.csr_array(X)
    untidy = sp.csr_array(np.where(X == 0, 9, X))
    untidy.data[untidy.data == 9] = 0
    for row in range(0, 40, 2):
        part = slice(untidy.indptr[row], untidy.indptr[row + 1])
        untidy.indices[part], untidy.data[part] = untidy.indices[part][::-1].copy(), untidy.data[part][::-1].copy()
    untidy.has_sorted_indices = False
    before = untidy.copy()
    a, b = (fitted(BackpropRegressor, {"sampling": sampling}, data, y) for data in (plain, untidy))
    for own, other in zip(weights_of(a), weights_of(b), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-12)
    for name in ("data", "indices", "indptr"):  # the caller's matrix is left alone
        np.testing.assert_array_equal(getattr(untidy, name), getattr(before, name))


# ---- what must -----------------------------------------------------------------------------------------------------


@each_configuration
def test_weights_matter(estimator, configuration):
    X, y = few_values(estimator)
    weight = np.random.default_rng(0).random(40)
    assert not same_bits(fitted(estimator, configuration, X, y, weight), fitted(estimator, configuration, X, y))


@pytest.mark.parametrize(
    ("weight", "length"),
    [
        (None, 4),
        ([1, 1, 1, 1], 4),
        ([1, 2, 3, 0], 6),
        ([97, 100, 100, 100], 397),
        ([101, 100, 100, 100], 4),  # more than a hundred times the rows
        ([101, 100, 99, 0], 300),  # the rows of positive weight count
        ([102, 100, 99, 0], 3),
        ([0.5, 0.1, 2, 3], 4),
        ([0.5, 0.1, 2, 0], 3),
        ([1e-3, 2e-3, 3e-3, 4e-3], 4),
    ],
)
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(("estimator", "class_weight"), [(BackpropRegressor, None), (BackpropClassifier, {0: 1, 1: 7})])
def test_the_length_of_an_epoch(estimator, class_weight, sampling, weight, length):
    """Whole numbers: their sum. Others: the number of rows of positive weight. Class weights do not count."""
    X, y = np.arange(8.0).reshape(4, 2) / 8, np.array([0, 1, 0, 1])
    kwargs = {"class_weight": class_weight} if class_weight else {}
    model = fitted(estimator, {"sampling": sampling, **kwargs}, X, y, sample_weight=weight, max_iter=3)
    assert model.t_ == 3 * length


def test_rows_are_drawn_in_proportion_to_sample_weight_times_class_weight():
    X, y = make_data(BackpropClassifier, n=12)
    class_weight = {0: 0.5, 1: 1.0, 2: 3.0}
    rng = np.random.default_rng(0)
    for weight in (rng.random(12), rng.integers(1, 5, size=12)):
        drawn = Drawn()
        model = BackpropClassifier(
            (2,), class_weight=class_weight, n_iter_no_change=np.inf, max_iter=1000, random_state=1
        )
        fit_quietly(trained_by(drawn, model), X, y, sample_weight=weight)
        p = weight * np.array([0.5, 1.0, 3.0])[y]
        assert chisquare(np.bincount(drawn.rows, minlength=12), p / p.sum() * len(drawn.rows)).pvalue > 1e-4


def test_class_weight_is_sample_weight():
    X, y = make_data(BackpropClassifier)
    by_class = np.array([0.5, 1.5, 2.25])
    for sampling in SAMPLINGS:
        a = fitted(BackpropClassifier, {"sampling": sampling, "class_weight": dict(enumerate(by_class))}, X, y)
        b = fitted(BackpropClassifier, {"sampling": sampling}, X, y, sample_weight=by_class[y])
        assert same_bits(a, b)


@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"], [0, 1]])
def test_balanced_classes(labels):
    """n / (n_classes * count), where the counts are sums of sample_weight."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.array(labels)[np.minimum(rng.integers(5, size=40), len(labels) - 1)]
    by_class = dict(zip(labels, compute_class_weight("balanced", classes=np.array(labels), y=y), strict=True))
    assert len(set(by_class.values())) > 1
    for sampling in SAMPLINGS:
        balanced = fitted(BackpropClassifier, {"sampling": sampling, "class_weight": "balanced"}, X, y)
        by_hand = fitted(BackpropClassifier, {"sampling": sampling, "class_weight": by_class}, X, y)
        assert_nearly_same(balanced, by_hand)

    weight = rng.random(40)
    count = np.array([weight[y == label].sum() for label in labels])
    by_class = dict(zip(labels, weight.sum() / (len(labels) * count), strict=True))
    for sampling in SAMPLINGS:
        balanced = fitted(BackpropClassifier, {"sampling": sampling, "class_weight": "balanced"}, X, y, weight)
        by_hand = fitted(BackpropClassifier, {"sampling": sampling, "class_weight": by_class}, X, y, weight)
        assert_nearly_same(balanced, by_hand)


def test_a_class_weight_of_zero():
    """Its rows are never drawn; the class stays one of the classes."""
    X, y = make_data(BackpropClassifier)
    drawn = Drawn()
    model = fitted(BackpropClassifier, {"class_weight": {0: 1, 1: 0, 2: 1}}, X, y, steps=drawn)
    assert len(drawn.rows) == model.t_ > 0
    assert not (y[drawn.rows] == 1).any()
    assert model.classes_.tolist() == [0, 1, 2]


def test_a_part_of_the_data_that_counts_for_nothing_changes_nothing():
    X, y = make_data(BackpropClassifier)
    model = BackpropClassifier((3,), class_weight={0: 0, 1: 1, 2: 1}, alpha=0.1, random_state=0)
    model.partial_fit(X[y == 0], y[y == 0], classes=[0, 1, 2])  # no error in the first call either
    model.partial_fit(X, y)
    before = snapshot(model)
    model.partial_fit(X[y == 0], y[y == 0])
    assert snapshot(model) == before


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("weights", [None, "whole", "fractions"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_fit_is_the_lecture_on_the_rows_drawn(estimator, weights, sampling):
    """The oracle, on the rows that fit drew, from the same start weights: with shuffle, fractional weights of mean 1
    multiply the loss; with uniform draws they do not."""
    X, y = make_data(estimator)
    rng = np.random.default_rng(0)
    weight = {None: None, "whole": rng.integers(1, 4, size=40), "fractions": rng.random(40)}[weights]
    start = fitted(estimator, {"learning_rate": 1e-300}, X, y, sample_weight=weight, max_iter=1)
    W, b = [W.T.copy() for W in start.coefs_], [b.copy() for b in start.intercepts_]
    drawn = Drawn()
    model = fitted(estimator, {"sampling": sampling, "alpha": 0.01}, X, y, sample_weight=weight, steps=drawn)

    targets = np.eye(3)[y] if estimator is BackpropClassifier else y.reshape(-1, 1)
    factors = weight / weight.mean() if (weights, sampling) == ("fractions", "shuffle") else None
    losses = extended_backpropagation(
        W,
        b,
        X,
        targets,
        drawn.rows,
        model.learning_rate,
        ["logistic", model.out_activation_],
        alpha=0.01,
        weights=factors,
    )
    assert model.loss_curve_ == pytest.approx(losses.reshape(4, -1).mean(axis=1), rel=1e-12)
    for own, expected in zip(weights_of(model), [W.T for W in W] + b, strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-12, atol=1e-13)
    count = np.bincount(drawn.rows, minlength=40)
    if sampling == "shuffle":
        np.testing.assert_array_equal(count, 4 * (weight if weights == "whole" else np.ones(40, dtype=int)))
