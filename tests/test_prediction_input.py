"""What predictions are given: the same arrays, warnings and errors as from validate_data, also where it is avoided."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from helpers import fit_quietly
from sklearn.utils.validation import validate_data

from skbackprop import BackpropRegressor, _base

N = 20
NAMES = [f"x{k}" for k in range(4)]
X = np.random.default_rng(0).normal(size=(N, 4))
LARGE = np.random.default_rng(1).normal(size=(_base.BATCH + 1, 4))


def with_value(value, a=X, row=1):
    a = a.copy()
    a[row, 2] = value
    return a


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


class Subclass(np.ndarray):
    """An array that is not NumPy's own."""


def frame(a, names=NAMES):
    return pd.DataFrame(a, columns=names)


INPUTS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "one row": X[:1],
    "a batch": LARGE[:-1],
    "more than a batch": LARGE,
    "read-only": read_only(X),
    "not contiguous": X[::3],
    "Fortran order": np.asfortranarray(X),
    "another byte order": X.astype(">f8"),
    "float16": X.astype(np.float16),
    "longdouble": X.astype(np.longdouble),
    "integers": X.astype(np.int64),
    "bool": X > 0,
    "objects": X.astype(object),
    "text": X.astype(str),
    "words": np.full((2, 4), "word"),
    "complex": X.astype(complex),
    "list": X.tolist(),
    "subclass": X.view(Subclass),
    "masked": np.ma.masked_array(X),
    "CSR": sp.csr_array(X),
    "CSC": sp.csc_array(X),
    "nan": with_value(np.nan),
    "infinity": with_value(np.inf),
    "minus infinity": with_value(-np.inf),
    "both infinities": with_value(np.inf, with_value(-np.inf), 2),
    "float32 nan": with_value(np.nan).astype(np.float32),
    "too large for float32": with_value(1e300),
    "an overflowing sum": np.full((2, 4), 1.7e308),
    "an overflowing float32 sum": np.full((2, 4), 3e38, dtype=np.float32),
    "one row of nan": with_value(np.nan)[1:2],
    "nan in more than a batch": with_value(np.nan, LARGE),
    "no rows": X[:0],
    "no columns": X[:, :0],
    "too few columns": X[:, :3],
    "too many columns": np.hstack([X, X]),
    "one dimension": X[0],
    "no dimension": np.float64(1),
    "three dimensions": X[None],
    "None": None,
    "frame": frame(X),
    "frame of one row": frame(X[:1]),
    "frame of float32": frame(X.astype(np.float32)),
    "frame of more than a batch": frame(LARGE),
    "frame of no rows": frame(X[:0]),
    "frame without names": pd.DataFrame(X),
    "frame of other names": frame(X, ["a", *NAMES[1:]]),
    "frame of another order": frame(X)[NAMES[::-1]],
    "frame of mixed names": frame(X, [0, *NAMES[1:]]),
    "frame of too few columns": frame(X)[NAMES[:3]],
    "frame of nan": frame(with_value(np.nan)),
    "frame of nan and other names": frame(with_value(np.nan), ["a", *NAMES[1:]]),
    "frame of several types": frame(X).astype({"x1": np.float32, "x2": np.int64}),
    "frame of integers": frame(X).astype(np.int64),
    "frame of objects": frame(X).astype(object),
    "frame of nullable floats": frame(X).astype("Float64"),
    "frame of sparse columns": frame(X).astype(pd.SparseDtype(np.float64, 0.0)),
    "frame of one sparse column": frame(X).astype({"x1": pd.SparseDtype(np.float64, 0.0)}),
    "series": pd.Series(X[0]),
}


def outcome(validate, given):
    """What comes of it: the array with its type and order, or the error; and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            out = validate(given)
        except Exception as error:
            result = type(error), str(error)
        else:
            sparse = sp.issparse(out)
            values = out.toarray() if sparse else out
            result = type(out), out.dtype, values.flags.c_contiguous, values.shape, values.tobytes(), out is given
    return result, [(w.category, str(w.message)) for w in caught]


@pytest.mark.parametrize("assume_finite", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize("given", INPUTS)
def test_as_validate_data(given, names, dtype, assume_finite):
    train = X.astype(dtype)
    model = fit_quietly(BackpropRegressor((3,), max_iter=1), frame(train) if names else train, X[:, 0])
    assert hasattr(model, "feature_names_in_") == names

    def reference(given):
        return validate_data(model, given, accept_sparse="csr", dtype=dtype, reset=False)

    with sklearn.config_context(assume_finite=assume_finite):
        assert outcome(model._validate_for_output, INPUTS[given]) == outcome(reference, INPUTS[given])


def test_one_row_is_not_sent_through_all_checks(monkeypatch):
    """The purpose of all this: an array is not checked again, and of a DataFrame only the names are."""
    model = fit_quietly(BackpropRegressor((3,), max_iter=1), X, X[:, 0])
    named = fit_quietly(BackpropRegressor((3,), max_iter=1), frame(X), X[:, 0])
    calls = []
    monkeypatch.setattr(_base, "validate_data", lambda *args, **kwargs: calls.append(kwargs))
    model.predict(X[:1])
    assert not calls
    np.testing.assert_array_equal(named.predict(frame(X[:1])), named.predict(X[:1]))
    assert calls == [{"reset": False, "skip_check_array": True}] * 2
