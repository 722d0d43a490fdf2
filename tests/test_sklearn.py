"""scikit-learn's own checks, over the defaults and over other configurations; none is expected to fail.

Exempt by nature, and not here: warm_start=True (a second fit is meant to differ from the first), and classifiers too
small to learn what a check wants learned (`hidden_layer_sizes` of `()` or `(1,)` under the squared error).
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop._network import HIDDEN_ACTIVATIONS

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
    BackpropClassifier(momentum=0.9, nesterovs_momentum=True, learning_rate=0.01),
    BackpropClassifier(batch_size=8, learning_rate=0.3),
    BackpropClassifier(solver="adam", learning_rate=0.003, loss="log_loss", activation="relu"),
    BackpropClassifier(solver="adam", learning_rate=0.01, batch_size=16, sampling="shuffle", alpha=1e-3),
    BackpropClassifier(solver="lbfgs", loss="log_loss", activation="tanh"),
    BackpropClassifier(dropout=0.2, learning_rate=0.1),
    BackpropClassifier(early_stopping=True, n_iter_no_change=30),
    BackpropClassifier(learning_rate=0.2, learning_rate_schedule="cosine"),
    BackpropRegressor(),
    BackpropRegressor(momentum=0.9, learning_rate=0.0005),
    BackpropRegressor(solver="adam", learning_rate=0.003),
    BackpropRegressor(solver="adam", learning_rate=0.01, batch_size=16),
    BackpropRegressor(solver="lbfgs"),
    BackpropRegressor(batch_size=4, learning_rate_schedule="adaptive"),
    BackpropRegressor(loss="absolute_error"),
    BackpropRegressor(loss="huber"),
    BackpropRegressor(loss="quantile", quantile=0.4, learning_rate=0.02),
    BackpropRegressor(early_stopping=True, n_iter_no_change=30),
    BackpropRegressor(sampling="shuffle"),
    BackpropRegressor(alpha=1e-4),
    BackpropRegressor((50, 20), activation="tanh"),
    BackpropRegressor((), learning_rate=0.003),
    # the checks fit features up to 100 and want others learned within 200 epochs: each activation at a tau for both
    *[
        BackpropRegressor(activation=name, learning_rate=0.003 if name in ("logistic", "tanh") else 0.001)
        for name in HIDDEN_ACTIVATIONS
    ],
    BackpropAutoencoder(),
    BackpropAutoencoder(1, hidden_layer_sizes=(), solver="adam", learning_rate=0.01),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(CONFIGURATIONS)
def test_check_estimator(estimator, check):
    check(estimator)
