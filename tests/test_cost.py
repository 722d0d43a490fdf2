"""What things cost, counted and not timed: partial_fit copies no curve, and every call of the kernel is short."""

import copy

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import (
    ESTIMATORS,
    fit_quietly,
    make_data,
    make_network,
    make_samples,
    same_bits,
    trained_by,
    weights_of,
)

from skbackprop import BackpropRegressor, _kernel
from skbackprop._training import chunks, sampling
from skbackprop._training.chunks import chunk_length, mean_loss, touched_weights


class LongCurve(list):
    """A list that counts, and refuses, what would read all of it."""

    def refuse(self, *args):
        raise AssertionError("the curve is read or copied as a whole")

    __iter__ = __add__ = __radd__ = __mul__ = __contains__ = __eq__ = copy = refuse

    def __getitem__(self, at):
        if isinstance(at, slice) and len(range(*at.indices(len(self)))) > 100:
            self.refuse()
        return super().__getitem__(at)


@pytest.mark.parametrize("schedule", ["constant", "adaptive"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_partial_fit_copies_no_curve(estimator, schedule):
    """So that it costs the same after ten million epochs as after ten."""
    X, y = make_data(estimator)
    model = estimator((3,), learning_rate_schedule=schedule, max_iter=2, random_state=0)
    fit_quietly(model, X, y, X_val=X, y_val=y)
    curves = {name: LongCurve(getattr(model, name) * 1000) for name in vars(model) if name.endswith("curve_")}
    curves["validation_scores_"] = LongCurve(model.validation_scores_ * 1000)
    assert len(curves) == 3
    vars(model).update(curves)
    model.partial_fit(X, y)
    for name, curve in curves.items():
        assert getattr(model, name) is curve
    assert len(model.loss_curve_) == 2001
    assert model.loss_curve_[-1] == model.loss_


def test_a_copy_has_a_curve_of_its_own():
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor((3,), random_state=0).partial_fit(X, y)
    twin = copy.copy(model)
    model.partial_fit(X, y)
    assert (len(model.loss_curve_), len(twin.loss_curve_)) == (2, 1)
    assert same_bits(twin.partial_fit(X, y), model)


def test_a_call_that_fails_leaves_the_curve_alone():
    X, y = make_data(BackpropRegressor)
    model = BackpropRegressor((3,), random_state=0).partial_fit(X, y)
    curve = list(model.loss_curve_)
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(X * np.nan, y)
    model.set_params(learning_rate=lambda epoch: 0.1 / 0 if epoch else 0.1)
    with pytest.raises(ZeroDivisionError):
        model.partial_fit(X, y)
    assert model.loss_curve_ == curve


# ---- calls of the kernel ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(4, 3), (4, 200, 1), (784, 800, 10), (3, 5000, 5000, 2)])
@pytest.mark.parametrize("layout", ["dense", "csr32"])
def test_a_chunk_of_draws_is_short(sizes, layout):
    """Of so many weights, or a single draw."""
    network = make_network(sizes, ["logistic"] * (len(sizes) - 1))
    samples = make_samples(sizes, layout=layout)
    chunk = chunk_length(network, samples)
    assert 1 <= chunk <= chunks.CHUNK_DRAWS
    assert chunk == 1 or chunk * touched_weights(network, samples) <= chunks.CHUNK_WEIGHTS


class Recorder:
    """The kernel's `steps`, with a record of how many draws each call had."""

    def __init__(self):
        self.lengths = []

    def __call__(self, network, samples, rows, *how):
        self.lengths.append(len(rows))
        return _kernel.steps(network, samples, rows, *how)


@pytest.mark.parametrize("batch_size", [1, 3, 4])
def test_every_call_in_a_fit_is_short(batch_size):
    """Batches stay whole."""
    X, y = make_data(BackpropRegressor, n=55)
    record = Recorder()
    model = BackpropRegressor((3,), batch_size=batch_size, max_iter=3, random_state=0)
    fit_quietly(trained_by(record, model, chunk=10), X, y)
    epochs = [length for length in record.lengths if length <= 10]
    assert sum(epochs) >= 3 * 55
    assert set(epochs) >= {10 // batch_size * batch_size}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_chunks_of_draws_make_no_difference(estimator):
    X, y = make_data(estimator)
    model = estimator(max_iter=3, random_state=0)
    whole = fit_quietly(model, X, y)
    parts = fit_quietly(trained_by(_kernel.steps, model, chunk=3), X, y)
    for a, b in zip(weights_of(whole), weights_of(parts), strict=True):
        np.testing.assert_array_equal(a, b)
    assert whole.loss_curve_ == pytest.approx(parts.loss_curve_, rel=1e-13)


def test_the_loss_of_many_samples_is_measured_in_parts():
    """As that of held-out samples is."""
    n = 2 * chunks.CHUNK_DRAWS + 5
    network, samples, record = make_network((4, 3), ["logistic"]), make_samples((4, 3), n=n), Recorder()
    frequency = np.ones(n)
    frequency[:3] = 7
    whole = _kernel.steps(network, samples, np.append(np.arange(n), np.repeat([0, 1, 2], 6)), 0.0)
    assert mean_loss(network, samples, frequency, record) == pytest.approx(whole / (n + 18))
    assert record.lengths == [chunks.CHUNK_DRAWS, chunks.CHUNK_DRAWS, 5]


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("values", [1, 30, 10**9])
def test_rows_are_hashed_in_parts(layout, values, monkeypatch):
    rng = np.random.default_rng(0)
    X, Y = layout(rng.integers(3, size=(50, 6)).astype(float)), rng.random((50, 2))
    whole = sampling.canonical_order(X, Y)
    monkeypatch.setattr(sampling, "HASHED_VALUES", values)
    np.testing.assert_array_equal(sampling.canonical_order(X, Y), whole)
