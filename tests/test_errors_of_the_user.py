"""Errors in what the user gave to be called: scorers, callbacks, functions for the step size."""

import numpy as np
import pytest
from faults import Failing, every_estimator, fitted_on_other_data, new
from helpers import make_data, snapshot, weights_of


@pytest.mark.parametrize(
    "error", [RuntimeError("mine"), MemoryError("mine"), SystemExit("mine"), StopIteration("mine")]
)
@pytest.mark.parametrize("where", ["scorer", "learning_rate", "callback"])
@pytest.mark.parametrize("fitted", [False, True])
@every_estimator
def test_errors_in_functions_of_the_user(estimator, fitted, where, error):
    X, y = make_data(estimator)
    model = new(estimator)
    if fitted:
        fitted_on_other_data(estimator, model)
    failing = Failing(error, 3)
    if where == "callback":
        pytest.importorskip("sklearn.callback")
        model.set_callbacks(failing.callback())
    elif where == "scorer":
        model.set_params(early_stopping=True, scoring=failing.scorer)
    else:
        model.set_params(learning_rate=failing.learning_rate)
    before = {name: id(value) for name, value in vars(model).items()}
    kept = weights_of(model) if fitted else []
    with pytest.raises(type(error), match="mine"):
        model.fit(X, y)
    assert {name: id(value) for name, value in vars(model).items()} == before
    for own, weights in zip(weights_of(model) if fitted else [], kept, strict=True):
        np.testing.assert_array_equal(own, weights)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, "0.1", None, 1j])
@every_estimator
def test_a_learning_rate_that_turns_bad(estimator, bad):
    X, y = make_data(estimator)
    model = fitted_on_other_data(estimator, new(estimator))
    before = snapshot(model)
    model.learning_rate = lambda epoch: 0.01 if epoch < 2 else bad
    with pytest.raises(ValueError, match="learning_rate must return a finite number > 0; for epoch 2"):
        model.fit(X, y)
    model.learning_rate = new(estimator).learning_rate
    assert snapshot(model) == before
