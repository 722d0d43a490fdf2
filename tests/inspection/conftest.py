"""Fitted networks to draw."""

from importlib.util import find_spec

import pytest
from displays import IMAGES_X, IMAGES_Y, IRIS_X, IRIS_Y, MOONS_X, MOONS_Y, PLANE_X, PLANE_Y, classifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropRegressor

if find_spec("matplotlib") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def iris():
    return make_pipeline(StandardScaler(), classifier()).fit(IRIS_X, IRIS_Y)


@pytest.fixture(scope="session")
def moons():
    return classifier((6,), learning_rate=0.3, max_iter=100).fit(MOONS_X, MOONS_Y)


@pytest.fixture(scope="session")
def plane():
    model = BackpropRegressor((5,), max_iter=100, random_state=0)
    return make_pipeline(StandardScaler(), model).fit(PLANE_X, PLANE_Y)


@pytest.fixture(scope="session")
def images():
    return classifier((7,)).fit(IMAGES_X, IMAGES_Y)
