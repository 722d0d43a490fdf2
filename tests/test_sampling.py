"""The canonical order of the rows, and the draws from it."""

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import as_layout
from scipy.stats import chisquare

from skbackprop._kernel import AVAILABLE_LEVELS
from skbackprop._training import sampling
from skbackprop._training.sampling import Draws, Samples, canonical_order, relative, repetitions

LAYOUTS = ["dense", "csr32", "csr64"]


def make_rows(n=60, seed=0):
    """Rows of few distinct small values, with zeros and with equal rows, in float32 numbers."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, size=(n, 4)) * np.float32(1.5)
    y = rng.integers(2, size=n) * 1.0
    assert len(np.unique(np.column_stack([X, y]), axis=0)) < n
    return X.astype(np.float64), y


@pytest.fixture(params=["hash", "collisions"])
def hashing(request, monkeypatch):
    """The hash as it is, and a hash of the same value for all rows, so that ties must be broken by value."""
    if request.param == "collisions":
        monkeypatch.setattr(sampling, "add_dense", lambda *args: None)
        monkeypatch.setattr(sampling, "add_csr", lambda *args: None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_order_does_not_depend_on_where_rows_stand(layout, hashing):
    X, y = make_rows()
    order = canonical_order(as_layout(X, layout), y)
    assert sorted(order) == list(range(len(X)))
    for seed in range(5):
        p = np.random.default_rng(seed).permutation(len(X))
        shuffled = canonical_order(as_layout(X[p], layout), y[p])
        np.testing.assert_array_equal(X[p][shuffled], X[order])
        np.testing.assert_array_equal(y[p][shuffled], y[order])


def test_order_is_the_same_in_every_layout_and_type(hashing):
    X, y = make_rows()
    order = canonical_order(X, y)
    for layout in LAYOUTS:
        for dtype in (np.float32, np.float64):
            np.testing.assert_array_equal(canonical_order(as_layout(X.astype(dtype), layout), y.astype(dtype)), order)


def test_stored_zeros_do_not_change_the_order(hashing):
    X, y = make_rows()
    stored = sp.csr_array(np.where(X == 0, 7, X))
    stored.data[stored.data == 7] = 0
    assert stored.nnz > np.count_nonzero(X)
    np.testing.assert_array_equal(canonical_order(stored, y), canonical_order(X, y))


def test_order_depends_on_every_column(hashing):
    """Rows that differ in one place only, wherever it is, are told apart."""
    X = np.zeros((6, 4))
    X[[0, 1, 2, 3], [0, 1, 2, 3]] = 1
    y = np.array([0, 0, 0, 0, 1, 0.0])
    weight = np.arange(6.0)
    for columns in ((y,), (y, weight), (np.column_stack([y, weight]),)):
        first = canonical_order(X, *columns)
        reverse = canonical_order(X[::-1].copy(), *(c[::-1].copy() for c in columns))
        np.testing.assert_array_equal(first, 5 - reverse)


def test_repetition_keeps_equal_rows_together(hashing):
    """A row of weight 3 stands where three equal rows stand."""
    X, y = make_rows(20, seed=1)
    repeats = np.random.default_rng(0).integers(1, 4, size=20)
    once = canonical_order(X, y)
    long_X, long_y = X.repeat(repeats, axis=0), y.repeat(repeats)
    order = canonical_order(long_X, long_y)
    np.testing.assert_array_equal(long_X[order], X[once].repeat(repeats[once], axis=0))
    np.testing.assert_array_equal(long_y[order], y[once].repeat(repeats[once]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [0, 1, 7, 64, 131])
def test_every_level_of_the_processor_gives_the_same_hash_as_csr(n_features, dtype):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(9, n_features)) * (rng.random((9, n_features)) < 0.5)).astype(dtype)
    X[::2] *= -1  # some zeros are negative
    sparse, expected = sp.csr_array(X), np.arange(9, dtype=np.uint64)
    sampling.add_csr(expected, sparse.data, sparse.indices, sparse.indptr)
    for level in [None, *range(len(AVAILABLE_LEVELS))]:
        hashes = np.arange(9, dtype=np.uint64)
        sampling.add_dense(hashes, X, 0, level)
        np.testing.assert_array_equal(hashes, expected)


def test_hashes_need_a_level_that_there_is_and_as_many_rows():
    X = np.ones((3, 2))
    for n, level in ((3, -1), (3, len(AVAILABLE_LEVELS)), (2, None), (4, None)):
        with pytest.raises(ValueError, match="levels 0 to"):
            sampling.add_dense(np.zeros(n, dtype=np.uint64), X, 0, level)


def test_hash_tells_rows_apart():
    """Among 16807 distinct rows of a few small numbers no two have the same hash."""
    rows = np.array(np.meshgrid(*[np.arange(-3, 4)] * 5)).reshape(5, -1).T.astype(float, order="C")
    hashes = np.zeros(len(rows), dtype=np.uint64)
    sampling.add_dense(hashes, rows)
    assert len(np.unique(hashes)) == len(rows) == 7**5


# ---- weights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1.0, 2.0, 3.0], [1, 2, 3]),
        ([100.0, 100.0], [100, 100]),
        ([1.0, 199.0], [1, 199]),
        ([1.0, 200.0], None),
        ([1.0, 2.5], None),
        ([1e300, 1.0], None),
    ],
)
def test_repetitions(weights, expected):
    """Whole numbers that sum to at most 100 times the rows."""
    got = repetitions(np.array(weights))
    assert got is None if expected is None else got.tolist() == expected


def test_relative_importance():
    np.testing.assert_allclose(relative(np.array([1.0, 2, 3]), None), [0.5, 1, 1.5])
    np.testing.assert_allclose(relative(np.array([1.0, 3]), np.array([3, 1])), [2 / 3, 2])
    assert relative(np.full(7, 0.1), None) is None  # equal importance is none


# ---- draws --------------------------------------------------------------------------------------------------------


def epochs(draws, n_epochs=1, seed=1, chunk=10**6):
    rng = np.random.default_rng(seed)
    return [np.concatenate(list(draws.epoch(rng, chunk))) for _ in range(n_epochs)]


def make_draws(n, **kwargs):
    return Draws(np.random.default_rng(1).permutation(n), **kwargs)


REPEATS = np.array([1, 2, 3, 4, 5])
IMPORTANCE = np.array([0.1, 0.2, 0.3, 0.4, 2.0])


@pytest.mark.parametrize(
    ("kwargs", "length"),
    [
        ({}, 5),
        ({"sampling": "shuffle"}, 5),
        ({"repeats": REPEATS}, 15),
        ({"sampling": "shuffle", "repeats": REPEATS}, 15),
        ({"importance": IMPORTANCE}, 5),
        ({"importance": IMPORTANCE, "repeats": REPEATS}, 15),
    ],
)
def test_length_of_an_epoch(kwargs, length):
    draws = make_draws(5, **kwargs)
    assert draws.epoch_length == length
    assert [len(epoch) for epoch in epochs(draws, 3)] == [length] * 3


@pytest.mark.parametrize(
    ("repeats", "importance"),
    [(None, None), (REPEATS, None), (None, IMPORTANCE), (REPEATS, IMPORTANCE), (None, np.array([0, 1.0, 1, 0, 2]))],
)
def test_rows_are_drawn_in_proportion_to_their_weights(repeats, importance):
    """Chi-square test on 30000 draws or more, with a fixed seed; rows of importance 0 are never drawn."""
    p = np.ones(5) * (1 if repeats is None else repeats) * (1 if importance is None else importance)
    draws = make_draws(5, repeats=repeats, importance=importance)
    count = np.bincount(np.concatenate(epochs(draws, 6000)), minlength=5)
    assert count[p == 0].sum() == 0
    expected = (p / p.sum() * count.sum())[p > 0]
    assert chisquare(count[p > 0], expected).pvalue > 1e-4


@pytest.mark.parametrize("repeats", [None, REPEATS])
@pytest.mark.parametrize(("sampling", "importance"), [("uniform", None), ("uniform", IMPORTANCE), ("shuffle", None)])
def test_expected_frequency(sampling, importance, repeats):
    """How often each row is drawn in an epoch, in the mean."""
    draws = make_draws(5, sampling=sampling, repeats=repeats, importance=importance)
    p = np.ones(5) * (1 if repeats is None else repeats) * (1 if importance is None else importance)
    np.testing.assert_allclose(draws.frequency(len(p)), p / p.sum() * draws.epoch_length, rtol=1e-12)


def test_uniform_draws_are_with_replacement():
    """The lecture's: a row is missing from an epoch with probability (1 - 1/n)^n, which tends to 1/e."""
    (epoch,) = epochs(make_draws(10000))
    assert 1 - len(np.unique(epoch)) / 10000 == pytest.approx(np.exp(-1), abs=0.02)


def test_draws_are_independent():
    """Pairs of draws one after another are uniform over all pairs."""
    epoch = np.concatenate(epochs(make_draws(4), 10000))
    pairs = np.bincount(epoch[:-1] * 4 + epoch[1:], minlength=16)
    assert chisquare(pairs).pvalue > 1e-4


@pytest.mark.parametrize("repeats", [None, REPEATS])
def test_shuffle_takes_each_row_as_often_as_it_counts(repeats):
    draws = make_draws(5, sampling="shuffle", repeats=repeats)
    several = epochs(draws, 20)
    for epoch in several:
        np.testing.assert_array_equal(np.bincount(epoch), np.ones(5) if repeats is None else repeats)
    assert len({tuple(epoch) for epoch in several}) > 10  # in an order of its own each time


def test_shuffled_places_are_uniform():
    places = np.array(epochs(make_draws(4, sampling="shuffle"), 4000))
    for k in range(4):
        assert chisquare(np.bincount(places[:, k])).pvalue > 1e-4


@pytest.mark.parametrize("repeats", [None, REPEATS.repeat(40)])
@pytest.mark.parametrize(
    ("sampling", "importance"), [("uniform", None), ("uniform", IMPORTANCE.repeat(40)), ("shuffle", None)]
)
def test_chunks_make_no_difference(sampling, importance, repeats):
    draws = make_draws(200, sampling=sampling, repeats=repeats, importance=importance)
    whole = epochs(draws, 3)
    for chunk in (1, 7, 64, draws.epoch_length):
        rng = np.random.default_rng(1)
        for epoch in whole:
            parts = list(draws.epoch(rng, chunk))
            assert max(map(len, parts)) <= chunk
            assert all(part.dtype == np.int64 for part in parts)
            np.testing.assert_array_equal(np.concatenate(parts), epoch)


def test_importance_and_repetition_are_of_the_same_kind():
    """A row of weight 3 is drawn like three rows: the same stream gives the same samples."""
    repeats, importance = np.array([3, 1, 2, 1]), np.array([0.5, 0.5, 2.0, 0.1])
    weighted = Draws(np.arange(4), repeats=repeats, importance=importance)
    repeated = Draws(np.arange(7), importance=importance.repeat(repeats))
    which = np.arange(4).repeat(repeats)
    for a, b in zip(epochs(weighted, 50), epochs(repeated, 50), strict=True):
        np.testing.assert_array_equal(a, which[b])


def test_a_common_factor_of_the_importance_changes_nothing():
    for factor in (1e-12, 0.3, 1e9):
        for a, b in zip(
            epochs(make_draws(5, importance=IMPORTANCE), 50),
            epochs(make_draws(5, importance=factor * IMPORTANCE), 50),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


def test_values_per_row():
    """What a step has to look at: the features of a dense row, the nonzeros of a sparse one."""
    X = np.array([[1.0, 0, 0], [1, 1, 0]])
    assert Samples(X, X).values_per_row == 3
    sparse = Samples(sp.csr_array(X), X)
    assert (sparse.values_per_row, sparse.longest_row, len(sparse)) == (1.5, 2, 2)


# ---- the same numbers as by the plain formulas, which need more memory ---------------------------------------------

RNG = np.random.default_rng(0)
N = 1000
IMPORTANCES = {
    "all equal": np.full(N, 0.3),
    "classes": RNG.random(5)[RNG.integers(5, size=N)],
    "all different": RNG.random(N),
    "some zero": np.maximum(RNG.random(N) - 0.5, 0.0),
}
every_importance = pytest.mark.parametrize("importance", IMPORTANCES.values(), ids=IMPORTANCES)
every_repeats = pytest.mark.parametrize("repeats", [None, RNG.integers(1, 9, size=N)], ids=["", "repeats"])


@every_repeats
@every_importance
def test_relative_importance_is_that_of_the_plain_formula(importance, repeats):
    value, which = np.unique(importance, return_inverse=True)
    count = np.bincount(which, weights=repeats)
    plain = (value / (value @ count / count.sum()))[which]
    own = relative(importance, repeats)
    assert own is None if np.ptp(plain) <= 1e-15 else own.tobytes() == plain.tobytes()


@every_repeats
@every_importance
def test_the_distribution_function(importance, repeats):
    order = RNG.permutation(N)
    draws = Draws(order, importance=importance, repeats=repeats)
    plain_order = order[np.argsort(importance[order], kind="stable")]
    assert draws.order.tobytes() == plain_order.tobytes()
    ends = np.arange(1, N + 1) if repeats is None else np.cumsum(repeats[plain_order])
    value, first, block = np.unique(importance[plain_order], return_index=True, return_inverse=True)
    start = np.append(0, ends)[first]
    count = np.append(start[1:], ends[-1]) - start
    below = np.append(0.0, np.cumsum(value * count))
    assert draws.mass.tobytes() == (below[block] + value[block] * (ends - start[block])).tobytes()
