"""NetworkDisplay: its lines and circles are the weights."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from displays import IRIS_X, IRIS_Y, MOONS_X, classifier, is_red
from helpers import MAX_ITER
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropRegressor
from skbackprop.inspection import NetworkDisplay

pytestmark = pytest.mark.filterwarnings(f"ignore:{MAX_ITER}:sklearn.exceptions.ConvergenceWarning")
rng = np.random.default_rng(0)


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


def test_network_names_are_drawn_letter_by_letter():
    names = ["a price in $", "$x_1$", "from $1 to $2", r"\$", r"\alpha"]
    display = NetworkDisplay.from_estimator(
        classifier((2,)).fit(rng.random((9, 5)), np.arange(9) % 3), feature_names=names
    )
    for name, text in zip(names, display.texts_, strict=False):
        letters = display.ax_.text(0, 0, name, parse_math=False, fontsize=text.get_fontsize())
        assert text.get_window_extent().width == letters.get_window_extent().width


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


def test_network_texts_stay_apart_and_inside():
    names = [f"a rather long name of a feature, number {k}" for k in range(30)]
    model = classifier((20, 6), max_iter=1).fit(rng.random((20, 30)), np.arange(20) % 3)
    deep = classifier((20, 10, 10, 10, 10), max_iter=1).fit(rng.random((20, 30)), np.arange(20) % 3)
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
                assert not (box.x0 < other.x1 and other.x0 < box.x1 and box.y0 + 2 < other.y1 and other.y0 + 2 < box.y1)


@pytest.mark.parametrize(
    "bad", [{"max_units": 1}, {"max_units": 2.5}, {"feature_names": ["a"]}, {"class_names": "abc"}]
)
def test_network_bad_arguments(iris, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        NetworkDisplay.from_estimator(iris, **bad)
