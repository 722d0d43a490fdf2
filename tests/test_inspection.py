"""The displays: what they draw is what the network holds."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import MAX_ITER
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris, make_moons
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skbackprop import BackpropClassifier, BackpropRegressor
from skbackprop.inspection import (
    HiddenUnitsDisplay,
    InputGradientDisplay,
    LatentSpaceDisplay,
    LossCurveDisplay,
    NetworkDisplay,
)

plt = pytest.importorskip("matplotlib.pyplot")
from matplotlib.colors import to_rgba  # noqa: E402

pytestmark = pytest.mark.filterwarnings(f"ignore:{MAX_ITER}:sklearn.exceptions.ConvergenceWarning")

IRIS_X, IRIS_Y = load_iris(return_X_y=True, as_frame=True)
MOONS_X, MOONS_Y = make_moons(120, noise=0.1, random_state=0)
rng = np.random.default_rng(0)
PLANE_X = rng.uniform(-2, 2, size=(80, 2))
PLANE_Y = PLANE_X[:, 0] - PLANE_X[:, 1] ** 2
IMAGES_X, IMAGES_Y = rng.random((40, 12)), np.arange(40) % 3


def classifier(hidden=(8,), activation="logistic", **kwargs):
    return BackpropClassifier(hidden, activation, **{"max_iter": 20, "random_state": 0} | kwargs)


@pytest.fixture(scope="module")
def iris():
    return make_pipeline(StandardScaler(), classifier()).fit(IRIS_X, IRIS_Y)


@pytest.fixture(scope="module")
def moons():
    return classifier((6,), learning_rate=0.3, max_iter=100).fit(MOONS_X, MOONS_Y)


@pytest.fixture(scope="module")
def plane():
    model = BackpropRegressor((5,), max_iter=100, random_state=0)
    return make_pipeline(StandardScaler(), model).fit(PLANE_X, PLANE_Y)


@pytest.fixture(scope="module")
def images():
    return classifier((7,)).fit(IMAGES_X, IMAGES_Y)


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


# ---- all displays -------------------------------------------------------------------------------------------------


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
    with pytest.raises(ImportError, match=r'from_estimators? needs matplotlib: pip install "skbackprop\[plot\]"'):
        draw(moons, MOONS_X, MOONS_Y)
    with pytest.raises(ImportError, match=r"plot needs matplotlib"):
        display.plot()


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


# ---- LossCurveDisplay ---------------------------------------------------------------------------------------------


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


# ---- NetworkDisplay -----------------------------------------------------------------------------------------------


def is_red(colors):
    return colors[:, 0] > colors[:, 2]


def test_network_edges_are_the_weights(iris):
    display = NetworkDisplay.from_estimator(iris)
    coefs = iris[-1].coefs_
    assert [len(edges.get_segments()) for edges in display.edges_] == [W.size for W in coefs]
    for l, (edges, W) in enumerate(zip(display.edges_, coefs, strict=True), start=1):
        starts, ends = (nodes.get_offsets() for nodes in display.nodes_[l - 1 : l + 1])
        segments = np.array(edges.get_segments()).reshape(*W.shape, 2, 2)
        for k, j in np.ndindex(W.shape):
            np.testing.assert_allclose(segments[k, j], [starts[k], ends[j]])
        np.testing.assert_array_equal(is_red(edges.get_colors()), W.ravel() > 0)
        np.testing.assert_allclose(edges.get_colors()[:, 3], np.abs(W).ravel() / np.abs(W).max())
        assert (np.diff(np.array(edges.get_linewidths())[np.argsort(np.abs(W).ravel())]) >= 0).all()


def test_network_fills_units_by_their_bias(iris):
    display = NetworkDisplay.from_estimator(iris)
    for nodes, b in zip(display.nodes_[1:], iris[-1].intercepts_, strict=True):
        colors = nodes.get_facecolors()
        strong = np.abs(b) > 0.1 * np.abs(b).max()
        np.testing.assert_array_equal(is_red(colors)[strong], b[strong] > 0)
        assert (colors[:, 3] == 1).all()
    assert (display.nodes_[0].get_facecolors() == 1).all()


def test_network_names(iris):
    """Names come from the data frame through the pipeline, from the network, or from the caller."""
    display = NetworkDisplay.from_estimator(iris)
    assert [text.get_text() for text in display.texts_] == [*IRIS_X.columns, "0", "1", "2"]
    assert [title.get_text().split("\n")[1:] for title in display.titles_] == [
        ["$M_0 = 4$", ""],
        ["$M_{1} = 8$", "logistic"],
        ["$M_{2} = 3$", "logistic"],
    ]
    display = NetworkDisplay.from_estimator(classifier().fit(IRIS_X, IRIS_Y), class_names=["a", "b", "c"])
    assert [text.get_text() for text in display.texts_] == [*IRIS_X.columns, "a", "b", "c"]
    model = make_pipeline(StandardScaler(), PCA(2), classifier()).fit(IRIS_X, IRIS_Y == 1)
    display = NetworkDisplay.from_estimator(model, class_names=["no", "yes"])
    assert [text.get_text() for text in display.texts_] == ["pca0", "pca1", "yes"]
    display = NetworkDisplay.from_estimator(model, feature_names=["u", "v"])
    assert [text.get_text() for text in display.texts_] == ["u", "v", "True"]
    display = NetworkDisplay.from_estimator(BackpropRegressor(max_iter=1).fit(MOONS_X, MOONS_X))
    assert [text.get_text() for text in display.texts_] == ["$x_{1}$", "$x_{2}$", r"$\hat{y}_{1}$", r"$\hat{y}_{2}$"]


def test_network_shows_the_first_and_last_of_many_units():
    model = classifier((30,), max_iter=1).fit(rng.random((20, 50)), np.arange(20) % 3)
    display = NetworkDisplay.from_estimator(model, max_units=5)
    assert [units.tolist() for units in display.units_] == [[0, 1, 2, 48, 49], [0, 1, 2, 28, 29], [0, 1, 2]]
    W = model.coefs_[0][np.ix_(display.units_[0], display.units_[1])]
    np.testing.assert_array_equal(is_red(display.edges_[0].get_colors()), W.ravel() > 0)
    heights = display.nodes_[1].get_offsets()[:, 1]
    np.testing.assert_allclose(np.diff(heights), [-1, -1, -2, -1])
    dots = [line for line in display.ax_.get_lines() if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in dots] == [0, 1]
    assert all(heights[2] > y > heights[3] for y in dots[1].get_ydata())
    assert "30" in display.titles_[1].get_text()


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_network_texts_stay_apart_and_inside(style):
    names = [f"a rather long name of a feature, number {k}" for k in range(30)]
    model = classifier((20, 6), max_iter=1).fit(rng.random((20, 30)), np.arange(20) % 3)
    deep = classifier((20, 10, 10, 10, 10), max_iter=1).fit(rng.random((20, 30)), np.arange(20) % 3)
    with plt.style.context(style):
        small = plt.subplots(2, 3, figsize=(12, 8))[1][0, 1]
        for display in (
            NetworkDisplay.from_estimator(model, feature_names=names, max_units=30),
            NetworkDisplay.from_estimator(deep, ax=small),
        ):
            display.figure_.canvas.draw()
            frame = display.ax_.get_window_extent()
            boxes = [text.get_window_extent() for text in display.texts_ + display.titles_]
            for k, box in enumerate(boxes):
                assert frame.x0 - 3 < box.x0 and box.x1 < frame.x1 + 3
                assert frame.y0 - 3 < box.y0 and box.y1 < frame.y1 + 3
                for other in boxes[:k]:
                    assert not (
                        box.x0 < other.x1 and other.x0 < box.x1 and box.y0 + 2 < other.y1 and other.y0 + 2 < box.y1
                    )


@pytest.mark.parametrize(
    "bad", [{"max_units": 1}, {"max_units": 2.5}, {"feature_names": ["a"]}, {"class_names": "abc"}]
)
def test_network_bad_arguments(iris, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        NetworkDisplay.from_estimator(iris, **bad)


# ---- HiddenUnitsDisplay: lines ------------------------------------------------------------------------------------


def vertices(contour):
    return np.concatenate(contour.get_paths()[0].to_polygons(closed_only=False))


@pytest.mark.parametrize("steps", [(), (StandardScaler(),), (PolynomialFeatures(2), StandardScaler())], ids=len)
def test_lines_are_where_z_is_zero(steps):
    """Also through steps that bend them."""
    model = make_pipeline(*steps, classifier((6,), learning_rate=0.3)).fit(MOONS_X, MOONS_Y)
    display = HiddenUnitsDisplay.from_estimator(model, MOONS_X, MOONS_Y)
    seen = 0
    W, b = model[-1].coefs_[0], model[-1].intercepts_[0]
    for j, line in zip(display.units, display.lines_, strict=True):
        a = model[:-1].transform if steps else np.asarray
        if line is None:
            z = a(np.column_stack([x.ravel() for x in display.grid])) @ W[:, j] + b[j]
            assert (z > 0).all() or (z < 0).all()
            continue
        seen += 1
        z = a(vertices(line)) @ W[:, j] + b[j]
        np.testing.assert_allclose(z, 0, atol=2e-3 * np.linalg.norm(W[:, j]))
    assert seen >= 3


def test_arrows_point_to_the_positive_side(moons):
    display = HiddenUnitsDisplay.from_estimator(moons, MOONS_X, MOONS_Y)
    arrows = display.arrows_
    units = [j for j, line in zip(display.units, display.lines_, strict=True) if line is not None]
    assert len(arrows.U) == len(units)
    to_screen, from_screen = display.ax_.transData.transform, display.ax_.transData.inverted().transform
    base = arrows.get_offsets()
    tips = from_screen(to_screen(base) + 20 * np.column_stack([arrows.U, arrows.V]))
    for j, start, tip in zip(units, base, tips, strict=True):
        z = np.stack([start, tip]) @ moons.coefs_[0][:, j] + moons.intercepts_[0][j]
        np.testing.assert_allclose(z[0], 0, atol=2e-2 * np.linalg.norm(moons.coefs_[0][:, j]))
        assert z[1] > 0.01
    labels = [text.get_text() for text in display.ax_.texts]
    assert labels == [str(j + 1) for j in units]


def test_regions_are_the_predictions(moons):
    display = HiddenUnitsDisplay.from_estimator(moons, MOONS_X, MOONS_Y)
    assert len(display.regions_) == 2
    points = np.random.default_rng(1).uniform(MOONS_X.min(axis=0), MOONS_X.max(axis=0), size=(200, 2))
    z = moons.decision_function(points)
    points, z = points[np.abs(z) > 0.05], z[np.abs(z) > 0.05]
    for sign, region in zip((-1, 1), display.regions_, strict=True):
        inside = region.get_paths()[0].contains_points(points)
        np.testing.assert_array_equal(inside, sign * z > 0)
    for boundary in display.boundaries_:
        np.testing.assert_allclose(moons.decision_function(vertices(boundary)), 0, atol=0.05)


def test_three_regions(iris):
    X = IRIS_X.iloc[:, 2:]
    model = make_pipeline(StandardScaler(), classifier((6,))).fit(X, IRIS_Y)
    display = HiddenUnitsDisplay.from_estimator(model, X, IRIS_Y, class_names=["a", "b", "c"])
    inside = [region.get_paths()[0].contains_points(X.to_numpy()) for region in display.regions_]
    agree = np.stack(inside).argmax(axis=0) == model.predict(X)
    assert agree.mean() > 0.97
    assert display.ax_.get_xlabel() == X.columns[0] and display.ax_.get_ylabel() == X.columns[1]
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels[:3] == ["a", "b", "c"]


def test_samples_have_the_colour_of_their_class(moons):
    labels = np.array(["left", "right"])[MOONS_Y]
    model = classifier((6,)).fit(MOONS_X, labels)
    display = HiddenUnitsDisplay.from_estimator(model, MOONS_X, labels)
    np.testing.assert_allclose(display.scatter_.get_offsets(), MOONS_X)
    colors = display.scatter_.get_facecolors()
    handles = display.ax_.get_legend().legend_handles
    for k, name in enumerate(model.classes_):
        assert (colors[labels == name] == to_rgba(handles[k].get_color())).all()
    with pytest.raises(ValueError, match="does not know"):
        HiddenUnitsDisplay.from_estimator(model, MOONS_X, MOONS_Y)


def test_regression_contours_are_the_prediction(plane):
    display = HiddenUnitsDisplay.from_estimator(plane, PLANE_X, PLANE_Y)
    (contour,) = display.regions_
    np.testing.assert_allclose(
        display.response[0].ravel(), plane.predict(np.column_stack([x.ravel() for x in display.grid]))
    )
    for low, high, path in zip(contour.levels[:-1], contour.levels[1:], contour.get_paths(), strict=True):
        if len(path.vertices):
            y = plane.predict(np.concatenate(path.to_polygons()))
            assert low - 0.1 < y.min() and y.max() < high + 0.1
    np.testing.assert_array_equal(display.scatter_.get_array(), PLANE_Y)
    assert display.colorbar_ is not None


def test_output_of_several(plane):
    model = BackpropRegressor((5,), max_iter=3, random_state=0).fit(PLANE_X, np.column_stack([PLANE_Y, -PLANE_Y]))
    display = HiddenUnitsDisplay.from_estimator(model, PLANE_X, np.column_stack([PLANE_Y, -PLANE_Y]), output=1)
    points = np.column_stack([x.ravel() for x in display.grid])
    np.testing.assert_allclose(display.response[0].ravel(), model.predict(points)[:, 1])
    np.testing.assert_array_equal(display.scatter_.get_array(), -PLANE_Y)
    with pytest.raises(ValueError, match="output must be"):
        HiddenUnitsDisplay.from_estimator(model, PLANE_X, output=2)


def test_multilabel_has_a_boundary_for_each_label():
    Y = (MOONS_X > MOONS_X.mean(axis=0)).astype(int)
    model = classifier((6,), learning_rate=0.3).fit(MOONS_X, Y)
    display = HiddenUnitsDisplay.from_estimator(model, MOONS_X, Y)
    assert len(display.boundaries_) == 2 and not display.regions_
    for k, boundary in enumerate(display.boundaries_):
        np.testing.assert_allclose(model.decision_function(vertices(boundary))[:, k], 0, atol=0.05)


def test_lines_without_a_prediction():
    """Of a network that predicts neither classes nor a target, the lines and the samples."""
    grid = np.meshgrid([-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0])
    display = HiddenUnitsDisplay(
        units=[4],
        grid=grid,
        z=[grid[0] - 0.5],
        samples=np.eye(2),
        target=np.array([1, 0]),
        class_names=["a", "b"],
    ).plot()
    assert not display.regions_ and not display.boundaries_ and display.colorbar_ is None
    np.testing.assert_allclose(vertices(display.lines_[0])[:, 0], 0.5)
    assert (display.arrows_.U > 0).all() and np.allclose(display.arrows_.V, 0)
    assert [text.get_text() for text in display.ax_.texts] == ["5"]
    handles = display.ax_.get_legend().legend_handles
    assert [to_rgba(handles[k].get_color()) for k in (1, 0)] == [tuple(c) for c in display.scatter_.get_facecolors()]


def test_one_class():
    model = classifier((3,), max_iter=2).fit(MOONS_X, np.zeros(120))
    display = HiddenUnitsDisplay.from_estimator(model, MOONS_X, np.zeros(120))
    assert len(display.regions_) == 1 and not display.boundaries_


def test_most_units_drawn(moons):
    display = HiddenUnitsDisplay.from_estimator(moons, MOONS_X, max_units=2)
    norms = np.linalg.norm(moons.coefs_[0], axis=0)
    assert set(display.units) == set(np.argsort(norms)[-2:])
    assert len(display.lines_) == 2


def test_hidden_units_bad_arguments(moons, iris):
    with pytest.raises(ValueError, match="two features"):
        HiddenUnitsDisplay.from_estimator(iris, IRIS_X)
    with pytest.raises(ValueError, match="X is needed"):
        HiddenUnitsDisplay.from_estimator(moons)
    with pytest.raises(ValueError, match="X must have two features"):
        HiddenUnitsDisplay.from_estimator(moons, IRIS_X)
    with pytest.raises(ValueError, match="max_units"):
        HiddenUnitsDisplay.from_estimator(moons, MOONS_X, max_units=0)
    with pytest.raises(ValueError, match="grid_resolution"):
        HiddenUnitsDisplay.from_estimator(moons, MOONS_X, grid_resolution=1)
    for shape in ((2, 2), (2,), 2, (1, 2, 1), (1.0, 2.0)):
        with pytest.raises(ValueError, match="image_shape"):
            HiddenUnitsDisplay.from_estimator(moons, image_shape=shape)


# ---- HiddenUnitsDisplay: images -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", [True, False])
def test_images_are_the_weights(images, sort):
    display = HiddenUnitsDisplay.from_estimator(images, image_shape=(3, 4), max_units=5, sort=sort)
    W = images.coefs_[0]
    norms = np.linalg.norm(W, axis=0)
    expected = np.argsort(-norms)[:5] if sort else np.arange(5)
    np.testing.assert_array_equal(display.units, expected)
    assert len(display.images_) == 5
    for j, image in zip(expected, display.images_, strict=True):
        np.testing.assert_array_equal(image.get_array(), W[:, j].reshape(3, 4))
        assert image.get_clim() == display.images_[0].get_clim()
        left, right, bottom, top = image.get_extent()
        assert (right - left, bottom - top) == (4, pytest.approx(3))  # square pixels, the first row above
    low, high = display.images_[0].get_clim()
    assert low == -high and high == pytest.approx(np.abs(W[:, expected]).max())
    assert [text.get_text() for text in display.ax_.texts] == [str(j + 1) for j in expected]


def test_images_do_not_overlap():
    model = classifier((100,), max_iter=1).fit(IMAGES_X, IMAGES_Y)
    display = HiddenUnitsDisplay.from_estimator(model, image_shape=(4, 3), max_units=100)
    display.figure_.canvas.draw()
    boxes = [artist.get_window_extent() for artist in [*display.images_, *display.ax_.texts]]
    for k, box in enumerate(boxes):
        for other in boxes[:k]:
            assert box.x0 >= other.x1 - 1 or other.x0 >= box.x1 - 1 or box.y0 >= other.y1 - 1 or other.y0 >= box.y1 - 1


def test_colour_images(images):
    display = HiddenUnitsDisplay.from_estimator(images, image_shape=(2, 2, 3))
    W = images.coefs_[0]
    for j, image in zip(display.units, display.images_, strict=True):
        np.testing.assert_allclose(image.get_array(), 0.5 + W[:, j].reshape(2, 2, 3) / (2 * np.abs(W).max()))
    assert display.colorbar_ is None


# ---- LatentSpaceDisplay -------------------------------------------------------------------------------------------


def test_two_units_are_the_axes():
    model = make_pipeline(StandardScaler(), classifier((6, 2), "tanh")).fit(IRIS_X, IRIS_Y)
    display = LatentSpaceDisplay.from_estimator(model, IRIS_X, IRIS_Y)
    np.testing.assert_allclose(display.scatter_.get_offsets(), model.transform(IRIS_X))
    assert display.ax_.get_xlabel() == "$a^{2}_{1}$" and display.ax_.get_ylabel() == "$a^{2}_{2}$"
    colors = display.scatter_.get_facecolors()[:, :3]
    handles = display.ax_.get_legend().legend_handles
    assert len(handles) == 3
    for k, handle in enumerate(handles):
        assert (colors[IRIS_Y == k] == to_rgba(handle.get_color())[:3]).all()


def test_default_layer_is_the_narrowest(iris):
    model = classifier((4, 2, 5, 2, 3), "tanh", max_iter=2).fit(IRIS_X, IRIS_Y)
    display = LatentSpaceDisplay.from_estimator(model, IRIS_X)
    np.testing.assert_allclose(display.scatter_.get_offsets(), model.activations(IRIS_X)[3])
    assert display.ax_.get_legend() is None
    display = LatentSpaceDisplay.from_estimator(model, IRIS_X, layer=2)
    np.testing.assert_allclose(display.scatter_.get_offsets(), model.activations(IRIS_X)[1])
    model = classifier((2, 5, 2, 5, 2), "tanh", max_iter=2).fit(IRIS_X, IRIS_Y)
    display = LatentSpaceDisplay.from_estimator(model, IRIS_X)
    np.testing.assert_allclose(display.scatter_.get_offsets(), model.activations(IRIS_X)[2])


def test_more_units_are_projected(iris):
    display = LatentSpaceDisplay.from_estimator(iris, IRIS_X, IRIS_Y)
    pca = PCA(2)
    expected = pca.fit_transform(iris.transform(IRIS_X))
    offsets = display.scatter_.get_offsets()
    np.testing.assert_allclose(np.abs(offsets), np.abs(expected), atol=1e-10)
    assert display.ax_.get_xlabel() == f"PC 1 of $a^{{1}}$ ({pca.explained_variance_ratio_[0]:.0%} of variance)"


def test_one_unit_is_a_strip_for_each_class():
    model = classifier((5, 1), "tanh").fit(IRIS_X, IRIS_Y)
    display = LatentSpaceDisplay.from_estimator(model, IRIS_X, IRIS_Y, class_names=["a", "b", "c"])
    offsets = display.scatter_.get_offsets()
    np.testing.assert_allclose(offsets[:, 0], model.transform(IRIS_X).ravel())
    np.testing.assert_array_equal(np.round(offsets[:, 1]), IRIS_Y)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["a", "b", "c"]
    display = LatentSpaceDisplay.from_estimator(model, IRIS_X)
    np.testing.assert_array_equal(np.round(display.scatter_.get_offsets()[:, 1]), 0)


def test_targets_have_a_colour_bar(plane):
    display = LatentSpaceDisplay.from_estimator(plane, PLANE_X, PLANE_Y)
    np.testing.assert_array_equal(display.scatter_.get_array(), PLANE_Y)
    assert display.colorbar_.mappable is display.scatter_
    display = LatentSpaceDisplay.from_estimator(plane, PLANE_X, PLANE_Y, layer=2)
    np.testing.assert_allclose(display.scatter_.get_offsets(), np.column_stack([plane.predict(PLANE_X), PLANE_Y]))


def test_latent_space_bad_arguments(iris):
    for layer in (0, 3, 1.0, True):
        with pytest.raises(ValueError, match="layer must be an integer from 1 to 2"):
            LatentSpaceDisplay.from_estimator(iris, IRIS_X, layer=layer)
    with pytest.raises(ValueError, match="no hidden layer"):
        LatentSpaceDisplay.from_estimator(classifier(()).fit(IRIS_X, IRIS_Y), IRIS_X)
    with pytest.raises(ValueError, match="inconsistent"):
        LatentSpaceDisplay.from_estimator(iris, IRIS_X, IRIS_Y[:10])
    with pytest.raises(ValueError, match="one column"):
        LatentSpaceDisplay.from_estimator(iris, IRIS_X, np.column_stack([IRIS_Y, IRIS_Y]))


# ---- InputGradientDisplay -----------------------------------------------------------------------------------------


def bars_of(display):
    return np.array([bar.get_width() for bar in display.bars_])


def labels_of(display):
    return [label.get_text() for label in display.ax_.get_yticklabels()]


def test_bars_are_the_mean_gradients(iris):
    display = InputGradientDisplay.from_estimator(iris, IRIS_X, output=1)
    expected = np.abs(iris[-1].input_gradients(iris[:-1].transform(IRIS_X), output=1)).mean(axis=0)
    np.testing.assert_allclose(bars_of(display), np.sort(expected)[::-1])
    assert labels_of(display) == list(IRIS_X.columns[np.argsort(-expected)])
    first, last = display.bars_[0], display.bars_[-1]
    assert (
        display.ax_.transData.transform((0, first.get_y()))[1] > display.ax_.transData.transform((0, last.get_y()))[1]
    )
    assert "class 1" in display.ax_.get_xlabel() and "mean" in display.ax_.get_xlabel()


def test_bars_of_the_predicted_class(iris):
    display = InputGradientDisplay.from_estimator(iris, IRIS_X)
    gradients = iris[-1].input_gradients(iris[:-1].transform(IRIS_X))
    expected = np.abs(gradients[np.arange(150), iris.predict(IRIS_X)]).mean(axis=0)
    np.testing.assert_allclose(bars_of(display), np.sort(expected)[::-1])
    assert "predicted class" in display.ax_.get_xlabel()


def test_bars_of_one_sample_have_signs(iris):
    sample = IRIS_X[70:71]
    display = InputGradientDisplay.from_estimator(iris, sample, max_features=3, class_names=["a", "b", "c"])
    k = iris.predict(sample)[0]
    expected = iris[-1].input_gradients(iris[:-1].transform(sample), output=k)[0]
    largest = np.argsort(-np.abs(expected))[:3]
    np.testing.assert_array_equal(display.features_, largest)
    np.testing.assert_allclose(bars_of(display), expected[largest])
    assert (expected[largest] < 0).any() and (expected[largest] > 0).any()
    colors = np.array([bar.get_facecolor() for bar in display.bars_])
    np.testing.assert_array_equal(is_red(colors), expected[largest] > 0)
    assert f"class {'abc'[k]} (3 largest of 4)" in display.ax_.get_xlabel()


def test_gradients_of_a_regressor(plane):
    display = InputGradientDisplay.from_estimator(plane, PLANE_X, feature_names=["u", "v"])
    expected = np.abs(plane[-1].input_gradients(plane[:-1].transform(PLANE_X))).mean(axis=0)
    np.testing.assert_allclose(bars_of(display), np.sort(expected)[::-1])
    assert labels_of(display) == [["u", "v"][k] for k in np.argsort(-expected)]
    assert r"\hat{y}" in display.ax_.get_xlabel()


def test_gradients_of_several_outputs():
    model = BackpropRegressor((5,), "tanh", max_iter=3, random_state=0).fit(PLANE_X, PLANE_X**2)
    display = InputGradientDisplay.from_estimator(model, PLANE_X)
    expected = np.abs(model.input_gradients(PLANE_X)).mean(axis=(0, 1))
    np.testing.assert_allclose(bars_of(display), np.sort(expected)[::-1])
    with pytest.raises(ValueError, match="say by output which of the 2"):
        InputGradientDisplay.from_estimator(model, PLANE_X[:1])


def test_gradient_images_lie_below_their_samples(images):
    X = IMAGES_X[:4]
    display = InputGradientDisplay.from_estimator(images, X, image_shape=(3, 4), kind="sample")
    assert len(display.images_) == len(display.sample_images_) == 4
    predicted = images.predict(X)
    for x, k, sample, image in zip(X, predicted, display.sample_images_, display.images_, strict=True):
        expected = images.input_gradients(x[None], output=k).reshape(3, 4)
        np.testing.assert_allclose(image.get_array(), expected)
        assert np.corrcoef(sample.get_array().ravel(), x)[0, 1] == pytest.approx(1)
        assert image.get_extent()[:2] == sample.get_extent()[:2]
        assert image.get_extent()[3] > sample.get_extent()[2]
    low, high = display.images_[0].get_clim()
    assert low == -high
    assert [text.get_text() for text in display.ax_.texts][:4] == [f"class {k}" for k in predicted]


def test_sample_is_shown_as_it_was_before_scaling():
    model = make_pipeline(StandardScaler(), classifier()).fit(IMAGES_X, IMAGES_Y)
    display = InputGradientDisplay.from_estimator(model, IMAGES_X[:1], image_shape=(3, 4))
    assert np.corrcoef(display.sample_images_[0].get_array().ravel(), IMAGES_X[0])[0, 1] == pytest.approx(1)


def test_mean_gradient_image(images):
    display = InputGradientDisplay.from_estimator(images, IMAGES_X, image_shape=(3, 4), output=2)
    expected = np.abs(images.input_gradients(IMAGES_X, output=2)).mean(axis=0).reshape(3, 4)
    np.testing.assert_allclose(display.images_[0].get_array(), expected)
    assert display.images_[0].get_clim() == (0, pytest.approx(expected.max()))
    assert not display.sample_images_


def test_colours_are_summed(images):
    display = InputGradientDisplay.from_estimator(images, IMAGES_X[:1], image_shape=(2, 2, 3), output=0)
    expected = images.input_gradients(IMAGES_X[:1], output=0).reshape(2, 2, 3).sum(axis=2)
    np.testing.assert_allclose(display.images_[0].get_array(), expected)
    assert display.sample_images_[0].get_array().shape == (2, 2, 3)


def test_input_gradients_of_a_frame():
    """The network has names of its own: no warning about them."""
    model = classifier().fit(IRIS_X, IRIS_Y)
    display = InputGradientDisplay.from_estimator(model, IRIS_X)
    assert set(labels_of(display)) == set(IRIS_X.columns)


def test_hidden_units_of_a_frame():
    X = pd.DataFrame(MOONS_X, columns=["u", "v"])
    for model in (classifier((3,)), make_pipeline(StandardScaler().set_output(transform="pandas"), classifier((3,)))):
        display = HiddenUnitsDisplay.from_estimator(model.fit(X, MOONS_Y), X, MOONS_Y)
        assert display.ax_.get_xlabel() == "u"


@pytest.mark.parametrize(
    "bad",
    [{"kind": "all"}, {"kind": "sample"}, {"output": 3}, {"output": 0.5}, {"max_features": 0}, {"image_shape": 4}],
)
def test_input_gradients_bad_arguments(iris, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        InputGradientDisplay.from_estimator(iris, IRIS_X, **bad)
