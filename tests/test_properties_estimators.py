"""Properties of the estimators on random data, in every form that scikit-learn takes (hypothesis).

They either work, with finite results of the right shape, or say what is wrong.
"""

import re
import tempfile
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from helpers import same_bits
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop._network import HIDDEN_ACTIVATIONS

try:
    import polars
except ImportError:
    polars = None

seeds = st.integers(0, 2**32 - 1)


def mapped(X):
    """The same array in a file, read-only."""
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(X.tobytes())
        file.flush()
        return np.memmap(file.name, dtype=X.dtype, mode="r", shape=X.shape)  # lives on where its file has no name


def read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


def with_indices(X, dtype):
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


def doubled(X):
    """CSR with each entry in two halves, its columns from right to left."""
    X = sp.csr_array(X)
    rows = [slice(*ends) for ends in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    columns = np.concatenate([np.repeat(X.indices[row][::-1], 2) for row in rows])
    values = np.concatenate([np.repeat(X.data[row][::-1] / 2, 2) for row in rows])
    return sp.csr_array((values, columns, 2 * X.indptr), shape=X.shape)


DENSE = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "memory-mapped": mapped,
    "pandas": lambda X: pd.DataFrame(X, columns=[f"feature {k}" for k in range(X.shape[1])]),
    "pandas, columns by number": pd.DataFrame,
}
#: What scikit-learn makes float64 of, whatever it was.
FLOAT64 = {"list": lambda X: X.tolist(), "objects": lambda X: X.astype(object)}
if polars is not None:
    FLOAT64["polars"] = lambda X: polars.DataFrame(X, schema=[f"feature {k}" for k in range(X.shape[1])])
SPARSE = {
    "CSR, 32 bits": lambda X: with_indices(sp.csr_array(X), np.int32),
    "CSR, 64 bits": lambda X: with_indices(sp.csr_array(X), np.int64),
    "CSR matrix": sp.csr_matrix,
    "CSR, unsorted and double": doubled,
    "CSC": sp.csc_array,
    "CSC, 64 bits": lambda X: with_indices(sp.csc_array(X), np.int64),
    "COO": sp.coo_array,
    "LIL": sp.lil_matrix,
}

hidden = st.lists(st.integers(1, 9), max_size=3)
common = dict(
    learning_rate=st.floats(1e-4, 0.5),
    learning_rate_schedule=st.sampled_from(["constant", "invscaling", "adaptive", "cosine", "coslog4"]),
    max_iter=st.integers(1, 4),
    batch_size=st.sampled_from([1, 1, 3, 100]),
    sampling=st.sampled_from(["uniform", "shuffle"]),
    solver=st.sampled_from(["sgd", "sgd", "adam", "lbfgs"]),
    momentum=st.sampled_from([0.0, 0.9]),
    nesterovs_momentum=st.booleans(),
    alpha=st.sampled_from([0.0, 0.01]),
    early_stopping=st.booleans(),
    warm_start=st.booleans(),
    random_state=st.integers(0, 99),
)


@st.composite
def estimators(draw):
    """An estimator with valid parameters."""
    kind = draw(st.sampled_from([BackpropClassifier, BackpropRegressor, BackpropAutoencoder]))
    sizes = draw(hidden)
    activation = draw(
        st.sampled_from(HIDDEN_ACTIVATIONS)
        | st.lists(st.sampled_from(HIDDEN_ACTIVATIONS), min_size=len(sizes), max_size=len(sizes))
    )
    parameters = {name: draw(values) for name, values in common.items()}
    parameters |= dict(hidden_layer_sizes=sizes, activation=activation)
    if kind is BackpropAutoencoder:
        parameters |= dict(
            n_components=draw(st.integers(1, 3)),
            code_activation=draw(st.sampled_from(HIDDEN_ACTIVATIONS)),
            masking_noise=draw(st.sampled_from([0.0, 0.3])),
        )
    else:
        parameters["dropout"] = draw(st.sampled_from([0.0, 0.5, [0.25, *[0.5] * len(sizes)]]))
    if kind is BackpropClassifier:
        parameters["loss"] = draw(st.sampled_from(["squared_error", "log_loss"]))
        parameters["class_weight"] = draw(st.sampled_from([None, "balanced"]))
    if kind is BackpropRegressor:
        parameters["loss"] = draw(st.sampled_from(["squared_error", "absolute_error", "huber", "quantile", "poisson"]))
        parameters["quantile"] = draw(st.sampled_from([0.1, 0.5]))
    return kind(**parameters)


@st.composite
def tables(draw, min_rows):
    """A dense array: some zeros, some equal rows, one scale or several."""
    n, p = draw(st.integers(min_rows, 14)), draw(st.integers(1, 6))
    dtype = draw(st.sampled_from([np.float32, np.float64, np.float64, np.int64, np.int8, np.bool_]))
    rng = np.random.default_rng(draw(seeds))
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.7) * draw(st.sampled_from([1.0, 1e-3, 30.0]))
    X[rng.integers(n)] = X[0]
    return X.astype(dtype)


@st.composite
def targets(draw, model, n):
    """y of any kind that the estimator takes."""
    rng = np.random.default_rng(draw(seeds))
    if isinstance(model, BackpropAutoencoder):
        return None
    if isinstance(model, BackpropRegressor):
        shape = (n,) if draw(st.booleans()) else (n, draw(st.integers(2, 3)))
        y = rng.normal(size=shape)
        return np.abs(np.round(y)) if model.loss == "poisson" else y.astype(draw(st.sampled_from([np.float32, float])))
    labels = draw(
        st.sampled_from(
            [
                np.array(["a", "β", "long label"]),
                np.array(["x", "y", "z"], dtype=object),
                np.array([False, True]),
                np.array([-7, 3, 10**12]),
                np.array([0.0, 1.0, 2.0], dtype=np.float32),
                np.array([5]),
            ]
        )
    )
    if model.class_weight is None and n > 2 and draw(st.booleans()) and draw(st.booleans()):
        y = rng.integers(2, size=(n, 3))
        y[:2] = [[0, 1, 0], [1, 0, 1]]  # every label with and without
        return y
    return labels[rng.integers(len(labels), size=n)]


@st.composite
def weights(draw, n):
    rng = np.random.default_rng(draw(seeds))
    kind = draw(st.sampled_from(["none", "none", "whole", "zeros", "fractions", "tiny"]))
    if kind == "none":
        return None
    weight = {"whole": rng.integers(1, 4, size=n), "zeros": rng.integers(0, 2, size=n)}.get(kind, rng.random(n) + 0.01)
    weight = weight * (1e-9 if kind == "tiny" else 1)
    weight[0] = weight[1] = 1
    return weight


def quietly(method, *args, **kwargs):
    """Call a function; cut-off or diverged training and warnings of splits about rare classes are not errors here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        return method(*args, **kwargs)


def check_outputs(model, X, n):
    """Everything that a fitted estimator gives is finite and has the shape that it should have."""
    assert all(np.isfinite(w).all() for w in model.coefs_ + model.intercepts_)
    assert np.isfinite([model.loss_, *model.loss_curve_]).all()
    if model.loss_ > 1e12:
        return  # about to diverge, call by call; sums of finite weights may overflow
    features = model.transform(X)
    assert features.shape[0] == n and (sp.issparse(features) or np.isfinite(features).all())
    if isinstance(model, BackpropAutoencoder):
        assert np.isfinite(model.inverse_transform(features)).all()
        return
    y = model.predict(X)
    if isinstance(model, BackpropRegressor):
        assert y.shape == ((n,) if model.n_outputs_ == 1 else (n, model.n_outputs_))
        assert np.isfinite(y).all()
    else:
        assert y.shape == ((n, model.n_outputs_) if model._multilabel else (n,))
        p = model.predict_proba(X)
        assert p.shape == (n, len(model.classes_)) and (p >= 0).all() and (p <= 1).all()
        if not model._multilabel:
            assert np.isin(y, model.classes_).all()
            np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


@st.composite
def models_and_tables(draw, min_rows):
    """An estimator and an X for it: where a part is held out, both parts have different rows."""
    model, X = draw(estimators()), draw(tables(min_rows))
    if len(np.unique(X, axis=0)) < 10:
        model.set_params(early_stopping=False)
    return model, X


@given(data=st.data())
def test_every_valid_fit_gives_finite_results(data):
    model, X = data.draw(models_and_tables(2))
    n = len(X)
    y, sample_weight = data.draw(targets(model, n)), data.draw(weights(n))
    forms = DENSE | FLOAT64 | ({} if isinstance(model, BackpropAutoencoder) else SPARSE)
    form = forms[data.draw(st.sampled_from(sorted(forms)))]
    quietly(model.fit, form(X), y, sample_weight=sample_weight)
    check_outputs(model, form(X), n)
    if model.warm_start and sample_weight is None:
        quietly(model.fit, form(X), y)
        check_outputs(model, form(X), n)


@given(data=st.data())
def test_every_valid_partial_fit_gives_finite_results(data):
    model, X = data.draw(models_and_tables(1))
    model.set_params(solver="adam" if model.solver == "lbfgs" else model.solver)
    if isinstance(model, BackpropClassifier):
        model.set_params(class_weight=None)
    n = len(X)
    y = data.draw(targets(model, n))
    forms = DENSE | FLOAT64 | ({} if isinstance(model, BackpropAutoencoder) else SPARSE)
    form = forms[data.draw(st.sampled_from(sorted(forms)))]
    first = {}
    if isinstance(model, BackpropClassifier):
        first = dict(classes=np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y))
    for k in range(3):
        quietly(model.partial_fit, form(X), y, **(first if k == 0 else {}))
        check_outputs(model, form(X), n)
    assert model.n_iter_ == 3


@given(data=st.data())
def test_the_form_of_the_data_does_not_matter(data):
    """Dense arrays of equal numbers give equal bits, whatever their layout, and so do sparse ones.

    From dense to sparse sums are rounded in another order; momentum, Adam and dropout make other steps.
    """
    model, X = data.draw(models_and_tables(12))
    X = X.astype(data.draw(st.sampled_from([np.float32, np.float64])))
    y = data.draw(targets(model, len(X)))
    forms = DENSE | ({} if X.dtype == np.float32 else FLOAT64)
    if not isinstance(model, BackpropAutoencoder) and data.draw(st.booleans()):
        forms, X = SPARSE, with_indices(sp.csr_array(X), np.int32)
        form = forms[data.draw(st.sampled_from(sorted(forms)))](X.toarray())
    else:
        form = forms[data.draw(st.sampled_from(sorted(forms)))](X)
    one, other = quietly(clone(model).fit, X, y), quietly(clone(model).fit, form, y)
    assert same_bits(one, other)


# ---- one thing wrong ------------------------------------------------------------------------------------------------

#: what is wrong -> (how X, y and sample_weight become so, what the message names)
BAD_DATA = {
    "NaN in X": (lambda X, y, w: (spoiled(X, np.nan), y, w), "X contains NaN"),
    "infinity in X": (lambda X, y, w: (spoiled(X, np.inf), y, w), "X contains infinity"),
    "1-D X": (lambda X, y, w: (X[:, 0], y, w), "1D array"),
    "3-D X": (lambda X, y, w: (X[:, :, None], y, w), "dim 3|3 dim"),
    "no rows": (lambda X, y, w: (X[:0], None if y is None else y[:0], w), r"0 sample\(s\)"),
    "no columns": (lambda X, y, w: (X[:, :0], y, w), r"0 feature\(s\)"),
    "complex X": (lambda X, y, w: (X + 1j, y, w), "[Cc]omplex"),
    "text in X": (lambda X, y, w: (np.full(X.shape, "text"), y, w), "could not convert string|dtype"),
    "dicts in X": (lambda X, y, w: (np.full(X.shape, {}, dtype=object), y, w), "dict"),
    "short y": (lambda X, y, w: (X, y[:-1], w), "inconsistent numbers of samples"),
    "no y": (lambda X, y, w: (X, None, w), "y"),
    "NaN in y": (lambda X, y, w: (X, np.where(np.arange(len(y)) == 1, np.nan, 1.0), w), "NaN|continuous"),
    "complex y": (lambda X, y, w: (X, np.ones(len(y)) * 1j, w), "[Cc]omplex"),
    "3-D y": (lambda X, y, w: (X, np.ones((len(y), 2, 2)), w), "dim|shape|y"),
    "short weights": (lambda X, y, w: (X, y, np.ones(len(X) - 1)), "sample_weight|inconsistent"),
    "a negative weight": (lambda X, y, w: (X, y, -np.ones(len(X))), "sample_weight must not be negative"),
    "NaN weight": (lambda X, y, w: (X, y, np.full(len(X), np.nan)), "weight.* NaN"),
    "all weights 0": (
        lambda X, y, w: (X, y, np.zeros(len(X))),
        "sample_weight is 0 for every|Sample weights must contain",
    ),
}
BAD_PARAMETERS = {
    "hidden_layer_sizes": [(0,), (3, -1), (2.5,), "10", None, [[3]]],
    "activation": ["sigmoid", ["tanh"] * 7, 3, None],
    "learning_rate": [0, -1.0, np.inf, np.nan, "constant", None],
    "learning_rate_schedule": ["optimal", None],
    "power_t": [-1, "1"],
    "max_iter": [0, 1.5, None],
    "batch_size": [0, "auto", 2.0],
    "sampling": ["random", None],
    "solver": ["newton", None],
    "momentum": [1.0, -0.1],
    "beta_1": [1.0],
    "beta_2": [-0.5],
    "epsilon": [0.0],
    "alpha": [-1.0, "0"],
    "tol": [-1e-4],
    "n_iter_no_change": [0, 1.5],
    "early_stopping": ["yes", 2],
    "validation_fraction": [0.0, 1.0],
    "warm_start": ["no"],
    "random_state": ["seed", -1],
}


def spoiled(X, value):
    X = X.astype(float)
    X[-1, -1] = value
    return X


def message_of(call):
    """What the ValueError or TypeError says; any other outcome is a failure."""
    with pytest.raises((ValueError, TypeError)) as error:
        quietly(call)
    return str(error.value)


@given(data=st.data())
def test_bad_data_are_named(data):
    model, X = data.draw(models_and_tables(12))
    what = data.draw(st.sampled_from(sorted(BAD_DATA)))
    spoil, name = BAD_DATA[what]
    y = data.draw(targets(model, len(X)))
    if y is None and "y" in what.split():
        return  # an autoencoder has none
    X, y, sample_weight = spoil(X, y, None)
    before = set(vars(model))
    assert re.search(name, message_of(lambda: model.fit(X, y, sample_weight=sample_weight)))
    assert set(vars(model)) == before


@given(data=st.data())
def test_bad_parameters_are_named(data):
    model, X = data.draw(models_and_tables(12))
    name = data.draw(st.sampled_from(sorted(BAD_PARAMETERS)))
    y = data.draw(targets(model, len(X)))
    model.set_params(**{name: data.draw(st.sampled_from(BAD_PARAMETERS[name]))})
    before = set(vars(model))
    assert name in message_of(lambda: model.fit(X, y))
    assert set(vars(model)) == before
