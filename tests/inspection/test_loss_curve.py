"""LossCurveDisplay: the losses that the estimators recorded."""

import numpy as np
import pytest
from displays import IRIS_X, IRIS_Y, classifier
from helpers import MAX_ITER

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
