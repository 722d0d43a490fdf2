"""InputGradientDisplay: bars and images are what input_gradients returns."""

import numpy as np
import pytest
from displays import IMAGES_X, IMAGES_Y, IRIS_X, IRIS_Y, PLANE_X, classifier, is_red
from helpers import MAX_ITER
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropRegressor
from skbackprop.inspection import InputGradientDisplay

pytestmark = pytest.mark.filterwarnings(f"ignore:{MAX_ITER}:sklearn.exceptions.ConvergenceWarning")


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


@pytest.mark.parametrize(
    "bad",
    [{"kind": "all"}, {"kind": "sample"}, {"output": 3}, {"output": 0.5}, {"max_features": 0}, {"image_shape": 4}],
)
def test_input_gradients_bad_arguments(iris, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        InputGradientDisplay.from_estimator(iris, IRIS_X, **bad)
