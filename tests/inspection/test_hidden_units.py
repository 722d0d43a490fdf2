"""HiddenUnitsDisplay: lines in the plane, or images of weights."""

import numpy as np
import pandas as pd
import pytest
from displays import IMAGES_X, IMAGES_Y, IRIS_X, IRIS_Y, MOONS_X, MOONS_Y, PLANE_X, PLANE_Y, classifier
from helpers import MAX_ITER
from matplotlib.colors import to_rgba
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skbackprop import BackpropRegressor
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


def test_hidden_units_of_a_frame():
    X = pd.DataFrame(MOONS_X, columns=["u", "v"])
    for model in (classifier((3,)), make_pipeline(StandardScaler().set_output(transform="pandas"), classifier((3,)))):
        display = HiddenUnitsDisplay.from_estimator(model.fit(X, MOONS_Y), X, MOONS_Y)
        assert display.ax_.get_xlabel() == "u"


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
