"""
A network combines linear classifiers
=====================================

Each hidden neuron is a linear classifier: it has a line, and says on which side of it a point
lies. The second set of weights adds up these answers, and a threshold on the sum makes the
decision. This example shows the lines, the sum and the threshold.
"""

# %%
# The data are a disc in a ring. Three lines around the disc form a triangle, so three hidden
# neurons should be enough.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_circles

from skbackprop import BackpropClassifier
from skbackprop.inspection import HiddenUnitsDisplay

X, y = make_circles(400, noise=0.1, factor=0.35, random_state=0)
settings = dict(learning_rate=0.1, max_iter=2000, random_state=0)
network = BackpropClassifier((3,), **settings).fit(X, y)
print(f"{network.score(X, y):.0%} right")

# %%
# ``activations`` returns the output of every layer: first the three hₘ = σ(⟨wₘ, x⟩ + bₘ), then
# ŷ = σ(Σₘ Vₘ hₘ + c). Each hₘ goes from 0 to 1 across its line. Where the weighted sum
# Σₘ Vₘ hₘ + c exceeds 0, ŷ exceeds ½.

grid = np.meshgrid(np.linspace(-1.5, 1.5, 200), np.linspace(-1.5, 1.5, 200))
points = np.column_stack([g.ravel() for g in grid])
hidden, y_hat = network.activations(points)
V, c = network.coefs_[1][:, 0], network.intercepts_[1][0]

fig, axes = plt.subplots(1, 4, figsize=(13, 3.8), sharey=True, layout="constrained")
titles = [f"$h_{m + 1}$, weight ${V[m]:.1f}$" for m in range(3)]
titles.append(rf"$\hat y = \sigma(\sum V_m h_m {c:+.1f})$")
for ax, values, title in zip(axes, [*hidden.T, y_hat[:, 0]], titles, strict=True):
    values = values.reshape(grid[0].shape)
    filled = ax.contourf(*grid, values, levels=np.linspace(0, 1, 11), cmap="cividis")
    ax.contour(*grid, values, levels=[0.5], colors="white", linewidths=2)
    ax.set(title=title, xlabel="$x_1$", aspect="equal")
axes[0].set_ylabel("$x_2$")
fig.colorbar(filled, ax=axes, label="output", shrink=0.75)

# %%
# With more hidden neurons, there are more lines to combine. One gives a line, two a wedge or a
# strip, and from three on the region can be closed. Each line is dashed, with an arrow to the
# side where hₘ > ½; the decision boundary is bold.

fig, axes = plt.subplots(1, 4, figsize=(13, 3.8), sharey=True, layout="constrained")
for ax, M in zip(axes, (1, 2, 3, 10), strict=True):
    network = BackpropClassifier((M,), **settings).fit(X, y)
    HiddenUnitsDisplay.from_estimator(network, X, y, ax=ax)
    ax.set(title=f"{M} hidden: {network.score(X, y):.0%} right", aspect="equal")
    ax.get_legend().remove()
    ax.label_outer()
plt.show()
# sphinx_gallery_thumbnail_number = 2
