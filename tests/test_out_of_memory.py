"""Where there is no memory left, the estimator stays as it was."""

import pytest
from faults import every_estimator, fitted_on_other_data, new
from helpers import fit_quietly, make_data, same_bits, snapshot

from skbackprop import _base
from skbackprop._training import chunks, loop, sampling


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize(
    "place",
    [
        (_base, "validate_data"),
        (sampling, "canonical_order"),
        (sampling, "Samples"),
        (sampling, "Draws"),
        (_base, "Network"),
        (_base, "start_weights"),
        (_base, "Rule"),
        (_base, "HeldOut"),
        (_base.Network, "folded"),
        (_base.Network, "views"),
        (chunks, "steps"),
        (loop.Epochs, "run"),
        (loop.Guard, "keep_best"),
        (_base.Progress, "copy"),
    ],
    ids=lambda place: place[1],
)
@every_estimator
def test_out_of_memory(estimator, place, n, monkeypatch):
    """At each place that allocates: the error is raised, the estimator is as it was, and works once there is memory."""
    X, y = make_data(estimator)
    model = fitted_on_other_data(estimator, new(estimator, "early_stopping"))
    before = snapshot(model)
    owner, name = place
    real, calls = getattr(owner, name), []

    def without_memory(*args, **kwargs):
        calls.append(name)
        if len(calls) == n:
            raise MemoryError("Unable to allocate")
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, without_memory)
        try:
            fit_quietly(model, X, y)
        except MemoryError:
            assert snapshot(model) == before
        else:
            assert len(calls) < n  # it allocates less often than that
    fit_quietly(model, X, y)
    assert same_bits(model, fit_quietly(new(estimator, "early_stopping"), X, y))


@every_estimator
def test_a_network_too_large_for_any_machine(estimator):
    X, y = make_data(estimator)
    model = fitted_on_other_data(estimator, new(estimator))
    model.set_params(hidden_layer_sizes=(10**13,))
    before = snapshot(model)
    for method in (model.fit, estimator(10**13).fit):
        with pytest.raises(MemoryError):
            method(X, y)
    assert snapshot(model) == before
