"""What a notebook shows of an estimator: scikit-learn's display, from version 1.9 on with the fitted attributes."""

import pytest
import sklearn
from helpers import fit_quietly, make_data
from sklearn.ensemble import BaggingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.fixes import parse_version

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor

shows_fitted_attributes = parse_version(sklearn.__version__) >= parse_version("1.9")


@pytest.mark.parametrize("Estimator", [BackpropClassifier, BackpropRegressor, BackpropAutoencoder])
def test_a_fitted_network_shows_itself(Estimator):
    X, y = make_data(Estimator)
    model = fit_quietly(Estimator(hidden_layer_sizes=(1100, 2), max_iter=2), X, y)
    for shown in (model, make_pipeline(StandardScaler(), model)):
        html = estimator_html_repr(shown)
        assert "hidden_layer_sizes" in html and "(1100, 2)" in html
        if shows_fitted_attributes:
            assert "loss_curve_" in html and f"{model.loss_:.4g}" in html


def test_within_other_estimators():
    assert "BackpropClassifier" in estimator_html_repr(BaggingClassifier(BackpropClassifier()))
