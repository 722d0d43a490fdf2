"""What a notebook shows of an estimator."""

import pytest
from helpers import fit_quietly, make_data
from sklearn.ensemble import BaggingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor


@pytest.mark.parametrize(
    "Estimator, network",
    [
        (BackpropClassifier, "4 → 1,100 → 2 → 3 units · 7,711 weights"),
        (BackpropRegressor, "4 → 1,100 → 2 → 1 units · 7,705 weights"),
        (BackpropAutoencoder, "4 → 1,100 → 2 → 2 → 2 → 1,100 → 4 units · 15,418 weights"),
    ],
)
def test_a_fitted_network_shows_itself(Estimator, network):
    X, y = make_data(Estimator)
    model = fit_quietly(Estimator(hidden_layer_sizes=(1100, 2), max_iter=2), X, y)
    html = estimator_html_repr(model)
    assert f"{network} · 2 epochs · loss {model.loss_:.4g}" in html
    assert "max_iter" in html  # scikit-learn's own part


def test_an_unfitted_one_does_not():
    html = estimator_html_repr(BackpropClassifier())
    assert "BackpropClassifier" in html and "weights ·" not in html


def test_within_other_estimators():
    X, y = make_data(BackpropClassifier)
    model = fit_quietly(make_pipeline(StandardScaler(), BackpropClassifier((3,), max_iter=1)), X, y)
    assert "4 → 3 → 3 units · 27 weights · 1 epoch · loss" in estimator_html_repr(model)
    assert "BackpropClassifier" in estimator_html_repr(BaggingClassifier(BackpropClassifier()))
