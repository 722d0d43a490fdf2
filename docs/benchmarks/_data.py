"""The benchmarks' data: from the folder named by SKBACKPROP_DATA, or fetched by scikit-learn."""

import os
from pathlib import Path

import numpy as np


def mnist():
    """MNIST, pixels / 255: X_train (60,000 x 784, float32), y_train, X_test (10,000 rows), y_test."""
    folder = os.environ.get("SKBACKPROP_DATA")
    if folder:
        with np.load(Path(folder) / "mnist.npz") as data:
            X, y = data["X"], data["y"]
    else:
        from sklearn.datasets import fetch_openml

        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff")
        y = y.astype(np.int64)
    X = X.astype(np.float32) / np.float32(255)
    return X[:60000], y[:60000], X[60000:], y[60000:]
