"""
Why a hidden layer: XOR
=======================

*One or the other, but not both*: the smallest problem that a single neuron cannot learn, and two hidden neurons can.
"""

# %%
# Four clouds of points; those in opposite corners belong together.

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropClassifier

plt.style.use("seaborn-v0_8-colorblind")
rng = np.random.default_rng(0)
corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
X = np.repeat(corners, 50, axis=0) + rng.normal(scale=0.2, size=(200, 2))
y = np.repeat([0, 1, 1, 0], 50)

# %%
# A single neuron has one line. Whatever the line, one corner at least is on the wrong side.

settings = dict(learning_rate=0.1, tol=1e-5, n_iter_no_change=30, max_iter=2000, random_state=0)
neuron = BackpropClassifier((), **settings).fit(X, y)
network = BackpropClassifier((2,), **settings).fit(X, y)
print(f"one neuron: {neuron.score(X, y):.0%} right")
print(f"two hidden neurons and one on top: {network.score(X, y):.0%} right")

# %%
# Two hidden neurons have two lines. They do not solve the problem either; they move the points. ``transform`` gives
# their outputs :math:`h_1, h_2` for every point: in the plane of these, one line is enough, and that line is the last
# neuron's.

fig, axes = plt.subplots(1, 3, figsize=(12, 4.5), layout="constrained")
H = network.transform(X)


def draw(ax, points, z, limits):
    """Draw the points over the sign of z, a function of the plane; z = 0 is the border."""
    grid = np.meshgrid(np.linspace(*limits, 200), np.linspace(*limits, 200))
    values = z(np.column_stack([g.ravel() for g in grid])).reshape(grid[0].shape)
    ax.contourf(*grid, values > 0, levels=[-0.5, 0.5, 1.5], colors=["C0", "C2"], alpha=0.25)
    for k in (0, 1):
        ax.scatter(*points[y == k].T, color=["C0", "C2"][k], marker="os"[k], edgecolor="white", label=f"class {k}")


draw(axes[0], X, neuron.decision_function, (-1.8, 1.8))
draw(axes[1], X, network.decision_function, (-1.8, 1.8))
draw(axes[2], H, lambda h: h @ network.coefs_[1] + network.intercepts_[1], (-0.1, 1.1))
for m, style in enumerate(("--", ":")):
    w, b = network.coefs_[0][:, m], network.intercepts_[0][m]
    axes[1].axline(-b * w / (w @ w), slope=-w[0] / w[1], color="black", linestyle=style, label=f"$h_{m + 1}$ = ½")
axes[0].set(title="one neuron", xlabel="$x_1$", ylabel="$x_2$")
axes[1].set(title="two hidden neurons", xlabel="$x_1$", ylabel="$x_2$")
axes[2].set(title="what the last neuron sees", xlabel="$h_1$", ylabel="$h_2$")
fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=4)

# %%
# Two are enough, but from some start weights training ends in a valley with one corner wrong. Hidden neurons to spare
# make learning easier: twenty starts for each size.

sizes = [1, 2, 3, 4, 6, 8]
solved = [
    np.mean(
        [BackpropClassifier((M,), **settings | {"random_state": k}).fit(X, y).score(X, y) > 0.95 for k in range(20)]
    )
    for M in sizes
]
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.bar([str(M) for M in sizes], solved, width=0.6)
ax.set(xlabel="hidden neurons", ylabel="part of 20 starts that solve XOR", ylim=(0, 1.05))
plt.show()
