"""
Why a hidden layer: XOR
=======================

*One or the other, but not both* is the smallest problem that a single neuron cannot learn but
two hidden neurons can.
"""

# %%
# There are four clouds of points; those in opposite corners belong to the same class.

import warnings
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skbackprop import BackpropClassifier
from skbackprop.inspection import HiddenUnitsDisplay, LatentSpaceDisplay

rng = np.random.default_rng(0)
corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
X = np.repeat(corners, 50, axis=0) + rng.normal(scale=0.2, size=(200, 2))
y = np.repeat([0, 1, 1, 0], 50)

# %%
# A single neuron has one line. Wherever the line is, at least one corner is on the wrong side.
# The estimator itself warns that it has learned nothing.

settings = dict(learning_rate=0.1, max_iter=1000, random_state=1)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", ConvergenceWarning)
    neuron = BackpropClassifier((), **settings).fit(X, y)
print(fill(str(caught[0].message), 90))
network = BackpropClassifier((2,), **settings).fit(X, y)
print(f"one neuron: {neuron.score(X, y):.0%} right")
print(f"two hidden neurons and one on top: {network.score(X, y):.0%} right")

# %%
# Two hidden neurons have two lines (their arrows are numbered 1 and 2). Neither solves the
# problem alone; together they move the points. ``transform`` returns their outputs h₁ and h₂
# for every point. In the plane of these outputs a single line is enough, and that line is the
# last neuron's.

fig, axes = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
HiddenUnitsDisplay.from_estimator(neuron, X, y, ax=axes[0])
HiddenUnitsDisplay.from_estimator(network, X, y, ax=axes[1])
LatentSpaceDisplay.from_estimator(network, X, y, ax=axes[2])
V, c = network.coefs_[1][:, 0], network.intercepts_[1][0]
axes[2].axline((-c / V[0], 0), (0, -c / V[1]), color="black", linewidth=2)  # Vh + c = 0
axes[2].set(xlabel="$h_1$", ylabel="$h_2$")
titles = "one neuron", "two hidden neurons", "what the last neuron sees"
for ax, title in zip(axes, titles, strict=True):
    ax.set_title(title)
    ax.get_legend().remove()

# %%
# Two are enough, but not with all initial weights: of twenty starts, three end with one corner
# wrong, and stay there however long they train. A single spare neuron prevents this. Here are
# twenty starts for each size.

sizes = [1, 2, 3, 4, 6, 8]
solved = np.zeros(len(sizes))
warnings.simplefilter("ignore", ConvergenceWarning)
for k, M in enumerate(sizes):
    for start in range(20):
        network = BackpropClassifier((M,), **settings | {"random_state": start}).fit(X, y)
        solved[k] += network.score(X, y) > 0.95
print({M: f"{count:.0f} of 20" for M, count in zip(sizes, solved, strict=True)})
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.bar([str(M) for M in sizes], solved / 20, width=0.6)
ax.set(xlabel="hidden neurons", ylabel="fraction of 20 starts that solve XOR", ylim=(0, 1.05))
plt.show()
