"""scikit-learn's own checks, over the defaults and over other configurations; none is expected to fail.

Exempt by nature, and not here: warm_start=True (a second fit is meant to differ from the first), and classifiers too
small to learn what a check wants learned (`hidden_layer_sizes` of `()` or `(1,)` under the squared error).
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop._activations import HIDDEN_ACTIVATIONS

CONFIGURATIONS = [
    BackpropClassifier(),
    BackpropClassifier(loss="log_loss"),
    BackpropClassifier(activation="tanh"),
    BackpropClassifier(activation="relu"),
    BackpropClassifier((50, 20), activation=("tanh", "relu")),
    BackpropClassifier(sampling="shuffle"),
    BackpropClassifier(alpha=1e-4),
    BackpropClassifier(class_weight="balanced"),
    BackpropClassifier(loss="log_loss", sampling="shuffle", class_weight="balanced", alpha=1e-3),
    BackpropClassifier((), loss="log_loss"),
    BackpropRegressor(),
    BackpropRegressor(sampling="shuffle"),
    BackpropRegressor(alpha=1e-4),
    BackpropRegressor((50, 20), activation="tanh"),
    BackpropRegressor((), learning_rate=0.003),
    # the checks fit features up to 100 and want others learned within 200 epochs: each activation at a tau for both
    *[
        BackpropRegressor(activation=name, learning_rate=0.003 if name in ("logistic", "tanh") else 0.001)
        for name in HIDDEN_ACTIVATIONS
    ],
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(CONFIGURATIONS)
def test_check_estimator(estimator, check):
    check(estimator)
