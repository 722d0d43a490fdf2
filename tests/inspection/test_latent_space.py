"""LatentSpaceDisplay: the outputs of a layer."""

import numpy as np
import pytest
from displays import IRIS_X, IRIS_Y, PLANE_X, PLANE_Y, classifier
from helpers import MAX_ITER
from matplotlib.colors import to_rgba
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop.inspection import LatentSpaceDisplay

pytestmark = pytest.mark.filterwarnings(f"ignore:{MAX_ITER}:sklearn.exceptions.ConvergenceWarning")


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
