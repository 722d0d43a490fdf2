"""NetworkDisplay: its lines and circles are the weights."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from displays import IRIS_X, IRIS_Y, MOONS_X, classifier, is_red
from helpers import MAX_ITER
from matplotlib.collections import EllipseCollection
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
        np.testing.assert_allclose(colors[:, 3], np.abs(b) / np.abs(b).max())
    behind = [c for c in display.ax_.collections if isinstance(c, EllipseCollection) and c not in display.nodes_[1:]]
    assert len(behind) == 3 and all((circles.get_facecolors() == 1).all() for circles in behind)


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


def test_network_shows_the_most_important_of_many_units():
    """Those of the largest weights in, times the largest weights out; as many as are asked for, by their numbers."""
    model = classifier((30,), max_iter=1).fit(rng.random((20, 50)), np.arange(20) % 3)
    W, V = model.coefs_
    W[:, [3, 17, 25]] *= 50
    W[[7, 40]] *= 50
    W[:, 12] *= 1e6
    V[12] *= 1e-9  # what it finds does not count
    display = NetworkDisplay.from_estimator(model, max_units=4)
    inputs, hidden, outputs = (units.tolist() for units in display.units_)
    assert {7, 40} < set(inputs) and {3, 17, 25} < set(hidden) and 12 not in hidden
    assert inputs == sorted(inputs) and hidden == sorted(hidden) and outputs == [0, 1, 2]
    assert [len(nodes.get_offsets()) for nodes in display.nodes_] == [4, 4, 3]
    shown = W[np.ix_(inputs, hidden)]
    np.testing.assert_array_equal(is_red(display.edges_[0].get_colors()), shown.ravel() > 0)
    assert [text.get_text() for text in display.texts_][:4] == [f"$x_{{{k + 1}}}$" for k in inputs]
    said = [text for text in display.ax_.texts if "smaller weights" in text.get_text()]
    assert [text.get_text().split()[0] for text in said] == ["46", "26"]
    assert [text.get_position()[0] for text in said] == [0, 1]
    assert all(text.get_position()[1] < display.nodes_[1].get_offsets()[:, 1].min() for text in said)


def test_network_of_max_units_leaves_none_out(iris):
    display = NetworkDisplay.from_estimator(iris, max_units=8)
    assert [units.tolist() for units in display.units_] == [[*range(4)], [*range(8)], [*range(3)]]
    assert not any("smaller" in text.get_text() for text in display.ax_.texts)


def test_network_units_are_numbered():
    """In their circles, from 1, as they are in the other displays; and as large as the circles allow."""
    for size in (6, 10, 20):
        with plt.rc_context({"font.size": size}):
            model = classifier((300, 3), max_iter=1).fit(IRIS_X, IRIS_Y)
            display = NetworkDisplay.from_estimator(model, max_units=6)
            display.figure_.canvas.draw()
            numbers = [[text.get_text() for text in layer] for layer in display.numbers_]
            assert numbers == [[str(j + 1) for j in display.units_[1]], ["1", "2", "3"]]
            for nodes, layer in zip(display.nodes_[1:], display.numbers_, strict=False):
                radius = nodes.get_transforms()[0, 0, 0]  # in pixels
                for (x, y), text in zip(display.ax_.transData.transform(nodes.get_offsets()), layer, strict=True):
                    box = text.get_window_extent()
                    assert np.hypot(box.width, box.height) < 2 * radius + 1
                    assert np.hypot((box.x0 + box.x1) / 2 - x, (box.y0 + box.y1) / 2 - y) < 0.3 * radius
    tiny = plt.subplots(figsize=(1.5, 0.9))[1]
    assert NetworkDisplay.from_estimator(model, ax=tiny).numbers_ == [[], []]


def test_network_has_a_colour_bar_for_each_layer(iris):
    display = NetworkDisplay.from_estimator(iris)
    texts = [text.get_text() for text in display.ax_.texts]
    for l, (bar, W, b) in enumerate(zip(display.colorbars_, iris[-1].coefs_, iris[-1].intercepts_, strict=True), 1):
        colors = bar.get_array()[0]
        np.testing.assert_array_equal(is_red(colors), np.arange(101) >= 50)
        assert colors[0, 3] == colors[-1, 3] == 1 and colors[50, 3] == 0
        assert l - 1 < bar.get_extent()[0] < bar.get_extent()[1] < l
        limits = f"{abs(W).max():.2g}\n{abs(b).max():.2g}"
        assert limits in texts and "−" + limits.replace("\n", "\n−") in texts and f"$W^{{{l}}}$\n$b^{{{l}}}$" in texts


def test_network_names_are_never_clipped():
    """A figure of its own is made for them; in given axes they shrink, and lose their middle."""
    names = [f"a very long name {'of a feature ' * 12}, number {k}" for k in range(4)]
    classes = ["one$", "two", "three " * 30]
    small = plt.subplots(1, 3, figsize=(7, 2.5))[1][1]
    for ax, size in ((None, 10), (None, 24), (small, 10), (small, 24)):
        with plt.rc_context({"font.size": size}):
            display = NetworkDisplay.from_estimator(iris_net(), feature_names=names, class_names=classes, ax=ax)
        display.figure_.canvas.draw()
        frame = display.ax_.get_window_extent() if ax else display.figure_.bbox
        for k, text in enumerate(display.texts_):
            box = text.get_window_extent()
            assert frame.x0 - 1 < box.x0 and box.x1 < frame.x1 + 1
            if "…" in text.get_text():
                start, end = text.get_text().split("…")
                assert [*names, *classes][k].startswith(start) and [*names, *classes][k].endswith(end)
    names = ["sepal length in the unit of centimetres", "b", "c", "d"]
    with plt.rc_context({"font.size": 16}):
        display = NetworkDisplay.from_estimator(iris_net(), feature_names=names)
    assert [text.get_text() for text in display.texts_] == [*names, "0", "1", "2"]
    assert display.texts_[0].get_fontsize() == 16


def iris_net():
    return classifier((3,), max_iter=1).fit(IRIS_X, IRIS_Y)


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
