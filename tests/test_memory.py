"""Data larger than memory: what a fit allocates, and that saving memory has not changed a bit."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import ESTIMATORS, fit_quietly, make_data, same_bits
from sklearn.model_selection import train_test_split

from skbackprop import BackpropClassifier
from skbackprop._training.heldout import split
from skbackprop._training.sampling import Draws, canonical_order, distinct, relative

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


# ---- a file, and what a fit on it allocates ------------------------------------------------------------------------

MIB = 2**20
ROWS, N_FEATURES = 500_000, 200
FILE = ROWS * N_FEATURES * 4
#: kind of fit in docs/benchmarks/memmap.py -> the most that it may allocate
ALLOWED = {
    "regression": FILE / 32,
    "classification, class_weight": FILE / 8,
    "classification, other weights": FILE / 8,
    "classification, X_val": FILE / 16,
    "classification, early_stopping": FILE / 10 + 110 * ROWS,  # a tenth of the rows is copied
    "classification, CSR": FILE / 16,
    "regression, diverging": FILE / 16,
}


@pytest.fixture(scope="module")
def allocated(tmp_path_factory):
    """What each kind of fit has allocated on a file of 400 MB, each in a process of its own."""
    command = [sys.executable, ROOT / "docs/benchmarks/memmap.py", f"--rows={ROWS}", *ALLOWED]
    command += ["--folder", tmp_path_factory.mktemp("memmap")]
    out = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    lines = [line.rsplit(maxsplit=8) for line in out.stdout.splitlines()[1:]]
    return {kind.strip(): (float(most) - float(before)) * MIB for kind, before, _, most, *_ in lines}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status")
@pytest.mark.parametrize("kind", ALLOWED)
def test_a_fit_on_a_memory_mapped_file(kind, allocated):
    assert allocated[kind] < ALLOWED[kind]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_memory_mapped_file_gives_the_same_bits(estimator, tmp_path):
    X, y = make_data(estimator, n=200, dtype=np.float32)
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype=np.float32, mode="r", shape=X.shape)
    for settings in ({}, {"early_stopping": True}):
        model = fit_quietly(estimator(max_iter=3, random_state=0, **settings), mapped, y)
        assert same_bits(model, fit_quietly(estimator(max_iter=3, random_state=0, **settings), X, y))


def test_the_example_of_a_stream():
    """It learns, and at its end has allocated no more than after its first batches."""
    pytest.importorskip("pyarrow")
    command = [sys.executable, ROOT / "examples/stream_parquet.py", "1000000"]
    out = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
    lines = out.splitlines()[1:]
    assert len(lines) == 10
    assert float(lines[-1].split()[-1].rstrip("%")) < 9
    if sys.platform == "linux":
        second, last = (float(re.search(r"allocated (\d+) MiB", lines[k])[1]) for k in (1, -1))
        assert last < second + 40


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
def test_relative_importance(importance, repeats):
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


def test_the_split():
    X = RNG.integers(3, size=(N, 4)).astype(float)
    y = RNG.integers(3, size=N)
    order = canonical_order(X, y)
    group = np.cumsum(distinct(X, y, order)) - 1
    groups, first = np.unique(group, return_index=True)
    assert len(groups) < N / 2
    seed = int(np.random.default_rng(7).integers(2**32))
    _, held_out = train_test_split(
        groups, test_size=int(np.ceil(0.2 * len(groups))), stratify=y[order[first]], random_state=seed
    )
    expected = order[~np.isin(group, held_out)], order[np.isin(group, held_out)]
    for own, plain in zip(split(X, y, order, 0.2, y, np.random.default_rng(7)), expected, strict=True):
        assert own.tobytes() == plain.tobytes()


def test_the_median_row_of_repeated_rows():
    """The start weights, which depend on it, are those of the rows repeated."""
    X, y = make_data(BackpropClassifier, n=60)
    X *= np.arange(1, 61)[:, np.newaxis] / 10
    weight = np.arange(60) % 4 + 1
    weighted = fit_quietly(BackpropClassifier(max_iter=1, random_state=0), X, y, sample_weight=weight)
    repeated = fit_quietly(BackpropClassifier(max_iter=1, random_state=0), X.repeat(weight, axis=0), y.repeat(weight))
    assert same_bits(weighted, repeated)
