"""The data of the benchmarks, from the folder named by SKBACKPROP_DATA or fetched by scikit-learn."""

import os
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix


def mnist(held_out=False):
    """MNIST, pixels / 255: X_train (60,000 x 784, float32), y_train, X_test (10,000 rows), y_test.

    With `held_out`, settings can be chosen without the test digits: the last 10,000 of the 60,000 take their place.
    """
    folder = os.environ.get("SKBACKPROP_DATA")
    if folder:
        with np.load(Path(folder) / "mnist.npz") as data:
            X, y = data["X"], data["y"]
    else:
        from sklearn.datasets import fetch_openml

        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff")
        y = y.astype(np.int64)
    X = X.astype(np.float32) / np.float32(255)
    test = slice(50_000, 60_000) if held_out else slice(60_000, None)
    return X[: test.start], y[: test.start], X[test], y[test]


def news20():
    """20 Newsgroups, TF-IDF (float32 CSR): X_train (11,293 or 11,314 rows), y_train, X_test, y_test."""
    folder = os.environ.get("SKBACKPROP_DATA")
    if folder:
        with np.load(Path(folder) / "news20.npz") as data:
            X, y = csr_matrix((data["data"], data["indices"], data["indptr"]), shape=data["shape"]), data["y"]
        return X[:11293], y[:11293], X[11293:], y[11293:]
    from sklearn.datasets import fetch_20newsgroups
    from sklearn.feature_extraction.text import TfidfVectorizer

    parts = [fetch_20newsgroups(subset=subset, remove=("headers",)) for subset in ("train", "test")]
    tf_idf = TfidfVectorizer(sublinear_tf=True, min_df=3, dtype=np.float32)
    return tf_idf.fit_transform(parts[0].data), parts[0].target, tf_idf.transform(parts[1].data), parts[1].target
