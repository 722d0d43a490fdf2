"""scikit-learn's own checks, over the defaults and over other configurations; none is expected to fail.

Each value of each parameter stands in one of the configurations, with others wherever the checks see them one by one:
types, shapes, messages, cloning, the order and the weights of samples, predictions. Which combinations compute the
right numbers is not their question, but that of test_properties.py and test_properties_estimators.py.

Exempt by nature, and not here: warm_start=True (a second fit is meant to differ from the first), and classifiers too
small to learn what a check wants learned (`hidden_layer_sizes` of `()` or `(1,)` under the squared error).
"""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor

# for a check that wants something learned, and no more than that
FEW_ITERATIONS = dict(solver="lbfgs", hidden_layer_sizes=(20,), max_iter=40)

# the checks fit features up to 100 and want others learned within 200 epochs: each with a tau for both
CONFIGURATIONS = [
    BackpropClassifier(),
    BackpropClassifier(loss="log_loss", sampling="shuffle", class_weight="balanced", alpha=1e-3),
    BackpropClassifier((), loss="log_loss"),
    BackpropClassifier((50, 20), activation=("tanh", "relu"), learning_rate_schedule="invscaling"),
    BackpropClassifier(momentum=0.9, nesterovs_momentum=True, learning_rate=0.01),
    BackpropClassifier(batch_size=8, dropout=0.2, learning_rate=0.3),
    BackpropClassifier(solver="adam", learning_rate=0.01, batch_size=16, learning_rate_schedule="cosine"),
    BackpropClassifier(loss="log_loss", activation="tanh", **FEW_ITERATIONS),
    BackpropClassifier(early_stopping=True, n_iter_no_change=20, max_iter=40),
    BackpropClassifier(learning_rate="auto", batch_size=2),
    BackpropRegressor(),
    BackpropRegressor(learning_rate="auto"),
    BackpropRegressor(sampling="shuffle", alpha=1e-4, activation="silu", learning_rate=0.001),
    BackpropRegressor((), learning_rate=0.003),
    BackpropRegressor((50, 20), activation="tanh"),
    BackpropRegressor(momentum=0.9, learning_rate=0.0005),
    BackpropRegressor(batch_size=4, learning_rate_schedule="adaptive"),
    BackpropRegressor(solver="adam", learning_rate=0.01, batch_size=16, activation="gelu"),
    BackpropRegressor(**FEW_ITERATIONS),
    BackpropRegressor(early_stopping=True, n_iter_no_change=20, max_iter=40),
    BackpropRegressor(loss="absolute_error", activation="leaky_relu", learning_rate=0.001),
    BackpropRegressor(loss="huber", activation="softplus", learning_rate=0.001),
    BackpropRegressor(loss="quantile", quantile=0.4, learning_rate=0.02),
    BackpropRegressor(activation="relu", learning_rate=0.001),
    BackpropRegressor(activation="identity", learning_rate=0.001),
    BackpropAutoencoder(),
    BackpropAutoencoder(learning_rate="auto"),
    BackpropAutoencoder(1, hidden_layer_sizes=(), solver="adam", learning_rate=0.01),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(CONFIGURATIONS)
def test_check_estimator(estimator, check):
    check(estimator)
