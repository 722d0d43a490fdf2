"""What the tests of the displays share: small data, small networks, colours."""

import numpy as np
from sklearn.datasets import load_iris, make_moons

from skbackprop import BackpropClassifier

rng = np.random.default_rng(0)
IRIS_X, IRIS_Y = load_iris(return_X_y=True, as_frame=True)
MOONS_X, MOONS_Y = make_moons(120, noise=0.1, random_state=0)
PLANE_X = rng.uniform(-2, 2, size=(80, 2))
PLANE_Y = PLANE_X[:, 0] - PLANE_X[:, 1] ** 2
IMAGES_X, IMAGES_Y = rng.random((40, 12)), np.arange(40) % 3


def classifier(hidden=(8,), activation="logistic", **kwargs):
    return BackpropClassifier(hidden, activation, **{"max_iter": 20, "random_state": 0} | kwargs)


def is_red(colors):
    return colors[:, 0] > colors[:, 2]
