"""LossCurveDisplay: the losses that the estimators recorded."""

import numpy as np
import pytest
from displays import IRIS_X, IRIS_Y, MOONS_X, MOONS_Y, classifier
from helpers import MAX_ITER
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropRegressor
from skbackprop.inspection import LossCurveDisplay

pytestmark = pytest.mark.filterwarnings(f"ignore:{MAX_ITER}:sklearn.exceptions.ConvergenceWarning")


def test_loss_curve():
    model = classifier().fit(IRIS_X, IRIS_Y)
    display = LossCurveDisplay.from_estimator(model, name="iris")
    (line,) = display.ax_.get_lines()
    assert line is display.training_lines_[0]
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, model.n_iter_ + 1))
    np.testing.assert_array_equal(line.get_ydata(), model.loss_curve_)
    assert display.validation_lines_ == display.best_markers_ == [None]
    assert display.ax_.get_yscale() == "log"
    assert "squared error" in display.ax_.get_ylabel()
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["iris"]
    assert LossCurveDisplay.from_estimator(model, log_scale=False).ax_.get_yscale() == "linear"


def test_loss_curve_of_early_stopping():
    model = classifier(early_stopping=True, n_iter_no_change=3, max_iter=100).fit(IRIS_X, IRIS_Y)
    display = LossCurveDisplay.from_estimator(model)
    validation, marker = display.validation_lines_[0], display.best_markers_[0]
    np.testing.assert_array_equal(validation.get_ydata(), model.validation_loss_curve_)
    np.testing.assert_array_equal(validation.get_xdata(), display.training_lines_[0].get_xdata())
    assert (display.training_lines_[0].get_linestyle(), validation.get_linestyle()) == ("-", "--")
    best = model.validation_scores_.index(model.best_validation_score_)
    assert marker.get_xdata() == [best + 1]
    assert marker.get_ydata() == [model.validation_loss_curve_[best]]
    assert any(f"epoch {best + 1} of" in text.get_text() for text in display.ax_.get_legend().get_texts())


def test_validation_of_a_later_training_begins_later():
    model = classifier(warm_start=True, max_iter=3).fit(IRIS_X, IRIS_Y)
    model.fit(IRIS_X, IRIS_Y, X_val=IRIS_X, y_val=IRIS_Y)
    validation = LossCurveDisplay.from_estimator(model).validation_lines_[0]
    np.testing.assert_array_equal(validation.get_xdata(), [4, 5, 6])
    model.fit(IRIS_X, IRIS_Y)
    validation = LossCurveDisplay.from_estimator(
        classifier(max_iter=3, warm_start=True).fit(IRIS_X, IRIS_Y, X_val=IRIS_X, y_val=IRIS_Y).fit(IRIS_X, IRIS_Y)
    ).validation_lines_[0]
    np.testing.assert_array_equal(validation.get_xdata(), [1, 2, 3])


def test_loss_curves_of_several():
    models = {tau: classifier(learning_rate=tau, early_stopping=tau > 0.1).fit(IRIS_X, IRIS_Y) for tau in (0.05, 0.2)}
    display = LossCurveDisplay.from_estimators(models)
    for model, line in zip(models.values(), display.training_lines_, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), model.loss_curve_)
    assert display.validation_lines_[0] is None
    colors = [line.get_color() for line in display.training_lines_]
    assert colors[0] != colors[1]
    assert display.validation_lines_[1].get_color() == display.best_markers_[1].get_color() == colors[1]
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["0.05", "0.2", "training", "validation", "best validation score"]
    display = LossCurveDisplay.from_estimators(list(models.values()))
    assert display.names == ["BackpropClassifier 1", "BackpropClassifier 2"]


@pytest.fixture(scope="module")
def converged():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    y = (X[:, 0] > 0) ^ (rng.random(500) < 0.2)
    return classifier((3,), n_iter_no_change=12, tol=0.05, max_iter=300).fit(X, y)


def test_the_mean_is_what_the_stopping_rule_compares(converged):
    """Its last point is the mean of the last window, and one window before its middle is the mean of the one before."""
    losses = np.array(converged.loss_curve_)
    n, w = len(losses), max(12, -(-len(losses) // 4))
    display = LossCurveDisplay.from_estimator(converged)
    middles, means = display.mean_lines_[0].get_data()
    assert middles[-1] == n and middles[-2] == n - (w - 1) / 2
    np.testing.assert_allclose(means[-2:], losses[-w:].mean())
    for end, at, mean in zip(range(12, n + 1), middles, means, strict=False):
        width = max(12, -(-end // 4))
        assert at == end - (width - 1) / 2
        np.testing.assert_allclose(mean, losses[end - width : end].mean())
    raw = display.training_lines_[0]
    np.testing.assert_array_equal(raw.get_ydata(), losses)
    assert raw.get_alpha() < 0.5 and raw.get_linewidth() < display.mean_lines_[0].get_linewidth()


def test_why_and_where_it_stopped(converged):
    n = converged.n_iter_
    assert converged.stopped_ == "converged"
    display = LossCurveDisplay.from_estimator(converged)
    assert display.ending_.get_text() == f"converged, epoch {n}"
    assert display.end_markers_[0].get_xdata() == [n]
    cut_off = classifier((3,), max_iter=3).fit(MOONS_X, MOONS_Y)
    display = LossCurveDisplay.from_estimator(cut_off)
    assert display.ending_.get_text() == "max_iter, epoch 3" and display.end_markers_ == [None]
    several = LossCurveDisplay.from_estimators({"a": converged, "b": cut_off})
    assert several.ending_ is None and several.end_markers_[1] is None
    assert several.end_markers_[0].get_xdata() == [n]
    labels = [text.get_text() for text in several.ax_.get_legend().get_texts()]
    assert labels == ["a", "b", "each epoch", "moving mean", "converged"]
    streamed = classifier((3,)).partial_fit(MOONS_X, MOONS_Y, classes=[0, 1])
    assert LossCurveDisplay.from_estimator(streamed).ending_ is None


def test_a_divergence_is_drawn_up_to_where_it_is():
    model = BackpropRegressor((3,), "relu", learning_rate=1.0, max_iter=30, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(1e6 * MOONS_X, 1e6 * MOONS_X[:, 0])
    display = LossCurveDisplay.from_estimator(model)
    assert display.ending_.get_text() == f"diverged, epoch {len(model.loss_curve_)}"
    display.figure_.canvas.draw()


def test_there_is_no_mean_where_no_means_are_compared(converged):
    X, y = MOONS_X, MOONS_Y
    for parameters in (
        dict(n_iter_no_change=np.inf),
        dict(n_iter_no_change=20),
        dict(solver="lbfgs"),
        dict(early_stopping=True, n_iter_no_change=5),
    ):
        model = classifier((3,), **{"n_iter_no_change": 3, "max_iter": 39} | parameters).fit(X, y)
        assert LossCurveDisplay.from_estimator(model).mean_lines_ == [None]


def test_the_means_of_a_warm_start_are_those_of_its_own_epochs():
    model = classifier((3,), n_iter_no_change=4, max_iter=9, warm_start=True, tol=0).fit(MOONS_X, MOONS_Y)
    model.fit(MOONS_X, MOONS_Y)
    assert len(model.loss_curve_) == 18
    middles = LossCurveDisplay.from_estimator(model).mean_lines_[0].get_xdata()
    assert middles[0] == 9 + 2.5 and middles[-1] == 18


@pytest.mark.parametrize(
    ("low", "high", "some"),
    [(0.001, 1, "0.01"), (0.11, 0.19, "0.16"), (0.03, 0.4, "0.05"), (1e-7, 10, "0.001"), (3, 900, "100")],
)
def test_tick_labels_are_plain_numbers(low, high, some):
    curve = np.geomspace(high, low, 50)
    display = LossCurveDisplay(loss_curves=[curve], validation_loss_curves=[None], best_epochs=[None], names=[None])
    axis = display.plot().ax_.yaxis
    display.figure_.canvas.draw()
    bottom, top = display.ax_.get_ylim()
    labels = [tick.label1.get_text() for tick in axis.get_major_ticks() if bottom <= tick.get_loc() <= top]
    assert some in labels and 3 <= len(labels) <= 12 and "$" not in "".join(labels)
    assert not any(tick.label1.get_text() for tick in axis.get_minor_ticks())


def test_a_loss_of_zero_has_a_linear_scale():
    curves = dict(
        loss_curves=[[1.0, 0.5]], validation_loss_curves=[([1, 2], [1.0, 0.0])], best_epochs=[2], names=[None]
    )
    assert LossCurveDisplay(**curves).plot().ax_.get_yscale() == "linear"
    curves["validation_loss_curves"] = [([1, 2], [1.0, 0.1])]
    assert LossCurveDisplay(**curves).plot().ax_.get_yscale() == "log"


def test_loss_curves_bad_arguments(moons):
    with pytest.raises(ValueError, match="empty"):
        LossCurveDisplay.from_estimators([])
    with pytest.raises(ValueError, match="names must be 1 names"):
        LossCurveDisplay.from_estimators([moons], names=["a", "b"])
    with pytest.raises(ValueError, match="a dict has its own"):
        LossCurveDisplay.from_estimators({"a": moons}, names=["a"])
