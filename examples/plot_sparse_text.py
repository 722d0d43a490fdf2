"""
Sparse text: which part of SciPy is this from?
==============================================

A text of a hundred words uses at most a hundred of the thousands of words in a dictionary, so
its row of the data matrix is almost all zeros. A step on a sparse row only touches the weights
of its words. We try the network on SciPy's own documentation.
"""

# %%
# The texts are the docstrings of functions and classes in ten of SciPy's subpackages, without
# references and examples.

import importlib
import inspect
import re
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skbackprop import BackpropClassifier

plt.style.use("seaborn-v0_8-colorblind")
packages = "fft integrate interpolate linalg ndimage optimize signal sparse special stats"
packages = packages.split()
left_out = r"\n(?:See Also|References|Examples)\n"
origin = {}
for package in packages:
    module = importlib.import_module(f"scipy.{package}")
    for member in (getattr(module, name) for name in module.__all__):
        text, *_ = re.split(left_out, inspect.getdoc(member) or "")
        if callable(member) and len(text) > 200:
            origin.setdefault(text, package)
texts, labels = np.array(list(origin), dtype=object), np.array(list(origin.values()))
texts_train, texts_test, y_train, y_test = train_test_split(
    texts, labels, stratify=labels, random_state=0
)
print(f"{len(texts)} docstrings; the shortest:\n\n{min(texts, key=len)}")

# %%
# TfidfVectorizer turns word frequencies into a CSR matrix, which the network uses as it is. The
# names of the subpackages are left out, as they would give the answer away.

ignored = [*ENGLISH_STOP_WORDS, "scipy", *packages]
words = TfidfVectorizer(
    sublinear_tf=True, min_df=2, stop_words=ignored, token_pattern=r"[a-z]{3,}"
)
network = BackpropClassifier((30,), loss="log_loss", learning_rate=0.2, random_state=0)
model = make_pipeline(words, network).fit(texts_train, y_train)
X_train = words.transform(texts_train)
n_docstrings, n_words = X_train.shape
print(f"{n_words} words, of which a docstring has {X_train.nnz / n_docstrings:.0f} on average")
print(f"accuracy on {len(y_test)} other docstrings: {model.score(texts_test, y_test):.3f}")

fig, ax = plt.subplots(figsize=(7, 6.4), layout="constrained")
ConfusionMatrixDisplay.from_estimator(
    model, texts_test, y_test, cmap="Blues", colorbar=False, xticks_rotation=45, ax=ax
)

# %%
# As a dense matrix, the same samples give the same network up to rounding, but take longer. The
# times are those of the machine that built this page.

seconds, weights = {}, {}
for kind, X in {"CSR": X_train, "dense": X_train.toarray()}.items():
    start = time.perf_counter()
    weights[kind] = network.fit(X, y_train).coefs_[0].copy()
    seconds[kind] = time.perf_counter() - start
    print(f"{kind:6} {seconds[kind]:.2f} s")
difference = np.abs(weights["CSR"] - weights["dense"]).max()
print(f"largest difference between weights: {difference:.1g}")

# %%
# Which words point to which subpackage? ``input_gradients`` continues backprop to the inputs,
# and shows by how much an output grows with each word. We take the mean over the docstrings of
# the subpackage, with each word weighted by how much they use it.

vocabulary = words.get_feature_names_out()
fig, axes = plt.subplots(2, 5, figsize=(12.5, 5.6), layout="constrained")
for k, (ax, package) in enumerate(zip(axes.flat, network.classes_, strict=True)):
    X = X_train[y_train == package]
    evidence = X.multiply(network.input_gradients(X, output=k)).mean(axis=0)
    evidence = np.asarray(evidence).ravel()
    top = np.argsort(evidence)[-7:]
    ax.barh(vocabulary[top], evidence[top], color="C0")
    ax.set_title(package, fontweight="bold")
    ax.set_xticks([])
fig.supxlabel("mean of word frequency × gradient of the output")
plt.show()
# sphinx_gallery_thumbnail_number = 2
