"""HiddenUnitsDisplay: lines in the plane, or images of weights."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from displays import IMAGES_X, IMAGES_Y, IRIS_X, IRIS_Y, MOONS_X, MOONS_Y, PLANE_X, PLANE_Y, classifier
from helpers import MAX_ITER
from matplotlib.colors import to_rgba
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skbackprop import BackpropAutoencoder, BackpropRegressor
from skbackprop.inspection import HiddenUnitsDisplay

pytestmark = pytest.mark.filterwarnings(f"ignore:{MAX_ITER}:sklearn.exceptions.ConvergenceWarning")


# ---- lines ---------------------------------------------------------------------------------------------------------


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


def test_hidden_units_bad_arguments(moons):
    with pytest.raises(ValueError, match="X is needed"):
        HiddenUnitsDisplay.from_estimator(moons)
    with pytest.raises(ValueError, match="X must have 2 features"):
        HiddenUnitsDisplay.from_estimator(moons, IRIS_X)
    with pytest.raises(ValueError, match="at least two samples"):
        HiddenUnitsDisplay.from_estimator(classifier((3,), max_iter=1).fit(IRIS_X, IRIS_Y), IRIS_X[:1])
    with pytest.raises(ValueError, match="which BackpropAutoencoder does not make"):
        HiddenUnitsDisplay.from_estimator(BackpropAutoencoder(1, max_iter=1).fit(LINE_X), LINE_X)
    with pytest.raises(ValueError, match="max_units"):
        HiddenUnitsDisplay.from_estimator(moons, MOONS_X, max_units=0)
    with pytest.raises(ValueError, match="grid_resolution"):
        HiddenUnitsDisplay.from_estimator(moons, MOONS_X, grid_resolution=1)
    for shape in ((2, 2), (2,), 2, (1, 2, 1), (1.0, 2.0)):
        with pytest.raises(ValueError, match="image_shape"):
            HiddenUnitsDisplay.from_estimator(moons, image_shape=shape)


def test_hidden_units_of_a_frame():
    X = pd.DataFrame(MOONS_X, columns=["u", "v"])
    for model in (classifier((3,)), make_pipeline(StandardScaler().set_output(transform="pandas"), classifier((3,)))):
        display = HiddenUnitsDisplay.from_estimator(model.fit(X, MOONS_Y), X, MOONS_Y)
        assert display.ax_.get_xlabel() == "u"


def test_samples_of_the_wrong_class_have_a_ring():
    rng = np.random.default_rng(0)
    y = MOONS_Y ^ (rng.random(len(MOONS_Y)) < 0.2)
    model = classifier((6,), learning_rate=0.3).fit(MOONS_X, y)
    wrong = model.predict(MOONS_X) != y
    assert 5 < wrong.sum() < 100
    display = HiddenUnitsDisplay.from_estimator(model, MOONS_X, y)
    np.testing.assert_array_equal(display.misclassified_.get_offsets(), MOONS_X[wrong])
    assert display.misclassified_.get_sizes() > display.scatter_.get_sizes()
    assert "misclassified" in [text.get_text() for text in display.ax_.get_legend().get_texts()]
    right = HiddenUnitsDisplay.from_estimator(model, MOONS_X, model.predict(MOONS_X))
    assert right.misclassified_ is None
    assert "misclassified" not in [text.get_text() for text in right.ax_.get_legend().get_texts()]
    assert HiddenUnitsDisplay.from_estimator(model, MOONS_X).misclassified_ is None


def luminance(rgb):
    """As WCAG 2 defines it."""
    rgb = np.asarray(rgb)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("style", ["default", "dark_background", "ggplot"])
def test_samples_stand_out_from_every_region(style):
    """By their outline, whose contrast with each region, and with the background, is at least 3 : 1."""
    with plt.style.context(style):
        y = np.arange(120) % 10
        display = HiddenUnitsDisplay.from_estimator(classifier((9,), max_iter=50).fit(MOONS_X, y), MOONS_X, y)
        background = np.array(to_rgba(display.ax_.get_facecolor())[:3])
        colors = [region.get_facecolor()[0] for region in display.regions_]
        outline = luminance(display.scatter_.get_edgecolors()[0][:3])
    assert len(colors) > 3
    for behind in [background, *(c[3] * c[:3] + (1 - c[3]) * background for c in colors)]:
        light, dark = np.maximum(outline, luminance(behind)), np.minimum(outline, luminance(behind))
        assert (light + 0.05) / (dark + 0.05) >= 3


def test_a_plane_without_predictions():
    X = np.random.default_rng(0).normal(size=(30, 4))
    model = BackpropAutoencoder(2, hidden_layer_sizes=(5,), max_iter=1, random_state=0).fit(X)
    display = HiddenUnitsDisplay.from_estimator(model, X)
    assert len(display.lines_) == 5 and not display.regions_


# ---- more than two features: a plane through the data ----------------------------------------------------------------


def test_plane_of_the_principal_components(iris):
    """Its regions are the predictions for the points of the plane, its lines those where their z is 0."""
    display = HiddenUnitsDisplay.from_estimator(iris, IRIS_X, IRIS_Y)
    plane = make_pipeline(StandardScaler(), PCA(2, random_state=0)).fit(IRIS_X)
    np.testing.assert_allclose(display.scatter_.get_offsets(), plane.transform(IRIS_X))
    rng = np.random.default_rng(0)
    inside = rng.uniform([x.min() for x in display.grid], [x.max() for x in display.grid], size=(300, 2))
    points = plane.inverse_transform(inside)
    predicted = iris.predict(pd.DataFrame(points, columns=IRIS_X.columns))
    z = np.sort(iris.decision_function(pd.DataFrame(points, columns=IRIS_X.columns)), axis=1)
    clear = z[:, -1] - z[:, -2] > 0.1
    for k, region in enumerate(display.regions_):
        np.testing.assert_array_equal(region.get_paths()[0].contains_points(inside[clear]), predicted[clear] == k)
    W, b = iris[-1].coefs_[0], iris[-1].intercepts_[0]
    for j, line in zip(display.units, display.lines_, strict=True):
        if line is not None:
            on_line = pd.DataFrame(plane.inverse_transform(vertices(line)), columns=IRIS_X.columns)
            np.testing.assert_allclose(iris[0].transform(on_line) @ W[:, j] + b[j], 0, atol=1e-6)
    assert display.ax_.get_xlabel() == "PC 1 (73% of variance)"
    wrong = iris.predict(IRIS_X) != IRIS_Y
    np.testing.assert_allclose(display.misclassified_.get_offsets(), plane.transform(IRIS_X)[wrong])


def test_plane_of_a_regressor():
    X = np.random.default_rng(0).normal(size=(60, 5))
    model = BackpropRegressor((4,), max_iter=5, random_state=0).fit(X, X[:, 0])
    display = HiddenUnitsDisplay.from_estimator(model, X, X[:, 0])
    plane = make_pipeline(StandardScaler(), PCA(2, random_state=0)).fit(X)
    points = plane.inverse_transform(np.column_stack([x.ravel() for x in display.grid]))
    np.testing.assert_allclose(display.response[0].ravel(), model.predict(points))


# ---- one feature: a curve and its parts ------------------------------------------------------------------------------

LINE_X = np.linspace(-3, 3, 90)[:, None]


@pytest.mark.parametrize("hidden", [(5,), (6, 4)], ids=str)
def test_the_parts_of_a_curve_sum_to_the_prediction(hidden):
    """Each has the output's bias, which counts once."""
    model = BackpropRegressor(hidden, "tanh", max_iter=30, random_state=0).fit(LINE_X, np.sin(LINE_X[:, 0]))
    display = HiddenUnitsDisplay.from_estimator(model, LINE_X, np.sin(LINE_X[:, 0]))
    x = display.grid[0]
    prediction = display.prediction_lines_[0]
    np.testing.assert_allclose(prediction.get_ydata(), model.predict(x[:, None]))
    parts = np.array([line.get_ydata() for line in display.part_lines_])
    a, V, b = model.activations(x[:, None])[-2], model.coefs_[-1], model.intercepts_[-1]
    np.testing.assert_allclose(parts, (a * V[:, 0] + b).T[display.units])
    np.testing.assert_allclose(parts.sum(axis=0) - (len(parts) - 1) * b, prediction.get_ydata())
    ranges = np.ptp(parts, axis=1)
    assert len(parts) == hidden[-1] and (np.diff(ranges) <= 0).all()
    np.testing.assert_allclose(display.scatter_.get_offsets(), np.column_stack([LINE_X, np.sin(LINE_X)]))
    assert [text.get_text() for text in display.ax_.texts] == [str(j + 1) for j in display.units]
    first = HiddenUnitsDisplay.from_estimator(model, LINE_X, max_units=2, sort=False)
    assert first.units.tolist() == [0, 1] and len(first.part_lines_) == 2
    assert not display.lines_ and display.misclassified_ is None


def test_the_curve_of_a_scaled_target():
    """The parts, too, are in the target's unit; and the estimator stays as it is."""
    network = make_pipeline(StandardScaler(), BackpropRegressor((4,), max_iter=30, random_state=0))
    model = TransformedTargetRegressor(network, transformer=StandardScaler()).fit(LINE_X, 50 + 9 * LINE_X[:, 0])
    before = model.predict(LINE_X)
    display = HiddenUnitsDisplay.from_estimator(model, LINE_X, 50 + 9 * LINE_X[:, 0])
    parts = np.array([line.get_ydata() for line in display.part_lines_])
    bias = model.transformer_.inverse_transform(model.regressor_[-1].intercepts_[-1][None])[0]
    np.testing.assert_allclose(parts.sum(axis=0) - 3 * bias, display.prediction_lines_[0].get_ydata())
    np.testing.assert_array_equal(model.predict(LINE_X), before)


def test_the_curve_of_two_classes():
    labels = np.where(np.sin(LINE_X[:, 0]) > 0, "up", "down")
    model = classifier((5,), learning_rate=0.3, max_iter=300).fit(LINE_X, labels)
    noisy = labels.copy()
    noisy[[3, 60]] = "up", "down"
    display = HiddenUnitsDisplay.from_estimator(model, LINE_X, noisy)
    x = display.grid[0]
    (line,) = display.prediction_lines_
    np.testing.assert_allclose(line.get_ydata(), model.predict_proba(x[:, None])[:, 1])
    np.testing.assert_allclose(display.scatter_.get_offsets()[:, 1], noisy == "up")
    np.testing.assert_array_equal(display.misclassified_.get_offsets()[:, 0], LINE_X[model.predict(LINE_X) != noisy, 0])
    assert display.ax_.get_ylabel() == "probability of up"
    to_data = display.ax_.transData.inverted()
    bounds = [to_data.transform(region.get_window_extent())[0, 0] for region in display.regions_]
    predicted = model.predict(x[:, None])
    changes = x[1:][predicted[1:] != predicted[:-1]]
    np.testing.assert_allclose(bounds[1:], changes, atol=x[1] - x[0])


@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_the_curves_of_three_classes(loss):
    X, names = IRIS_X[["petal length (cm)"]], ["a", "b", "c"]
    model = classifier((5,), loss=loss).fit(X, IRIS_Y)
    display = HiddenUnitsDisplay.from_estimator(model, X, IRIS_Y, class_names=names, output=2)
    points = pd.DataFrame(display.grid[0][:, None], columns=X.columns)
    np.testing.assert_allclose([line.get_ydata() for line in display.prediction_lines_], model.predict_proba(points).T)
    alone = model.coefs_[-1].copy()
    model.coefs_[-1][np.arange(5) != display.units[0]] = 0
    np.testing.assert_allclose(display.part_lines_[0].get_ydata(), model.predict_proba(points)[:, 2])
    model.coefs_[-1] = alone
    assert display.ax_.get_xlabel() == X.columns[0] and display.ax_.get_ylabel() == "probability"
    assert display.ax_.get_legend().get_texts()[-1].get_text() == "unit $j$ alone: c"
    lowest = min(line.get_ydata().min() for line in display.prediction_lines_ + display.part_lines_)
    assert display.scatter_.get_offsets()[:, 1].max() < lowest
    with pytest.raises(ValueError, match="output must be an integer from 0 to 2"):
        HiddenUnitsDisplay.from_estimator(model, X, output=3)


def test_curves_without_hidden_units_labels_or_a_second_class():
    line = BackpropRegressor((), max_iter=2, random_state=0).fit(LINE_X, LINE_X[:, 0])
    display = HiddenUnitsDisplay.from_estimator(line, LINE_X)
    assert display.part_lines_ == [] and len(display.prediction_lines_) == 1
    labels = np.column_stack([LINE_X > 0, LINE_X < 1]).astype(int)
    display = HiddenUnitsDisplay.from_estimator(classifier((3,)).fit(LINE_X, labels), LINE_X, labels, output=1)
    assert len(display.prediction_lines_) == 2 and not display.regions_
    display = HiddenUnitsDisplay.from_estimator(classifier((3,)).fit(LINE_X, np.zeros(90)), LINE_X, np.zeros(90))
    assert (display.prediction_lines_[0].get_ydata() == 1).all()
    display.figure_.canvas.draw()


# ---- images --------------------------------------------------------------------------------------------------------


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
