"""What all displays have in common."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from displays import MOONS_X, MOONS_Y, PLANE_X, PLANE_Y, classifier
from helpers import MAX_ITER
from matplotlib.colors import to_rgba
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropRegressor
from skbackprop.inspection import (
    HiddenUnitsDisplay,
    InputGradientDisplay,
    LatentSpaceDisplay,
    LossCurveDisplay,
    NetworkDisplay,
)

pytestmark = pytest.mark.filterwarnings(f"ignore:{MAX_ITER}:sklearn.exceptions.ConvergenceWarning")


#: Each display of an estimator of two features.
DRAW = {
    "loss": lambda model, X, y, **kw: LossCurveDisplay.from_estimator(model, **kw),
    "losses": lambda model, X, y, **kw: LossCurveDisplay.from_estimators([model, model], **kw),
    "network": lambda model, X, y, **kw: NetworkDisplay.from_estimator(model, **kw),
    "hidden": lambda model, X, y, **kw: HiddenUnitsDisplay.from_estimator(model, X, y, **kw),
    "latent": lambda model, X, y, **kw: LatentSpaceDisplay.from_estimator(model, X, y, **kw),
    "gradients": lambda model, X, y, **kw: InputGradientDisplay.from_estimator(model, X, **kw),
}
every_display = pytest.mark.parametrize("draw", DRAW.values(), ids=DRAW.keys())


@every_display
def test_draws_on_the_given_axes_alone(draw, moons):
    figure, (left, right) = plt.subplots(1, 2)
    display = draw(moons, MOONS_X, MOONS_Y, ax=left)
    assert display.ax_ is left and display.figure_ is figure
    assert left.has_data() or left.images
    assert not right.has_data()
    assert plt.get_fignums() == [figure.number]


@every_display
def test_plot_draws_again(draw, moons):
    display = draw(moons, MOONS_X, MOONS_Y)
    first = display.ax_
    assert display.plot() is display
    assert display.ax_ is not first
    assert len(display.ax_.get_children()) == len(first.get_children())
    display.figure_.canvas.draw()


@every_display
def test_estimators_around_the_network(draw, moons):
    """A pipeline in a search, a search in a pipeline."""
    pipeline = make_pipeline(StandardScaler(), classifier((3,)))
    grid = {"backpropclassifier__alpha": [0.0]}
    draw(GridSearchCV(pipeline, grid, cv=2).fit(MOONS_X, MOONS_Y), MOONS_X, MOONS_Y)
    inner = GridSearchCV(classifier((3,)), {"alpha": [0.0]}, cv=2)
    draw(make_pipeline(StandardScaler(), inner).fit(MOONS_X, MOONS_Y), MOONS_X, MOONS_Y)


@every_display
def test_transformed_target_regressor(draw):
    model = make_pipeline(StandardScaler(), BackpropRegressor((3,), max_iter=5, random_state=0))
    draw(TransformedTargetRegressor(model, transformer=StandardScaler()).fit(PLANE_X, PLANE_Y), PLANE_X, PLANE_Y)


@every_display
def test_not_a_network(draw):
    for other in (LogisticRegression(), LogisticRegression().fit(MOONS_X, MOONS_Y), make_pipeline(StandardScaler())):
        with pytest.raises(TypeError, match="BackpropClassifier"):
            draw(other, MOONS_X, MOONS_Y)


@every_display
def test_not_fitted(draw):
    network = classifier()
    around = TransformedTargetRegressor(BackpropRegressor())
    for model in (network, make_pipeline(StandardScaler(), network), GridSearchCV(network, {"alpha": [0.0]}), around):
        with pytest.raises(NotFittedError):
            draw(model, MOONS_X, MOONS_Y)


@every_display
def test_search_without_refit(draw):
    search = GridSearchCV(classifier((3,)), {"alpha": [0.0]}, cv=2, refit=False).fit(MOONS_X, MOONS_Y)
    with pytest.raises(ValueError, match="refit=False"):
        draw(search, MOONS_X, MOONS_Y)


@every_display
def test_without_matplotlib(draw, moons, monkeypatch):
    display = draw(moons, MOONS_X, MOONS_Y)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'from_estimators? needs matplotlib: .* pip install -e "\.\[plot\]"'):
        draw(moons, MOONS_X, MOONS_Y)
    with pytest.raises(ImportError, match=r"plot needs matplotlib.*\(import of matplotlib"):
        display.plot()


@pytest.mark.parametrize(
    ("display", "given"),
    [
        ("loss", dict(name="${$")),
        ("losses", dict(names=["${$", "$_$"])),
        ("network", dict(feature_names=["${$", "$"], class_names=["$_$", "$^$"])),
        ("hidden", dict(feature_names=["${$", "$"], class_names=["$_$", "$^$"])),
        ("latent", dict(class_names=["$_$", "$^$"])),
        ("gradients", dict(feature_names=["${$", "$"], class_names=["$_$", "$^$"])),
    ],
)
def test_names_are_no_formulas(display, given):
    """Not those that the data have, and not those that the caller gives."""
    X, labels = pd.DataFrame(MOONS_X, columns=["$a{$", "$b$ in $"]), np.array(["$_$", "$^$"])[MOONS_Y]
    for hidden in ((3, 2), (3, 1)):
        model = classifier(hidden).fit(X, labels)
        for names in ({}, given):
            DRAW[display](model, X, labels, **names).figure_.canvas.draw()


def test_import_leaves_matplotlib_alone():
    code = "import sys, skbackprop.inspection; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@every_display
def test_dark_background(draw, moons):
    """What is drawn in the text's colour is drawn in the style's."""
    with plt.style.context("dark_background"):
        display = draw(moons, MOONS_X, MOONS_Y)
        texts = [text for text in display.ax_.texts if text.get_text()]
        assert all(to_rgba(text.get_color()) == (1, 1, 1, 1) for text in texts)
        display.figure_.canvas.draw()
