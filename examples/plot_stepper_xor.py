"""
XOR, step by step
=================

A network with two hidden neurons learns what no single neuron can. Watch it move the points
until one line is enough.
"""

# %%
# On the page below, the plane of the inputs shows the lines of the two hidden neurons. Next to
# the losses are the same samples in the plane of the hidden features, a¹₁ and a¹₂. The line
# there is that of the output neuron, which makes the decision. Press Play: at first, no line
# separates the classes in either plane; in the end, one does in the plane of the hidden
# features.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from skbackprop import BackpropClassifier
from skbackprop.inspection import record

rng = np.random.default_rng(0)
corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
X = np.repeat(corners, 30, axis=0) + rng.normal(scale=0.2, size=(120, 2))
y = np.repeat([0, 1, 1, 0], 30)
model = BackpropClassifier((2,), loss="log_loss", learning_rate=1.0, random_state=3)
recording = record(model, X, y, n_steps=360)
recording

# %%
# Here are four snapshots. Every step holds its weights, ``recording[t].W[1]`` and
# ``recording[t].b[1]``, from which the hidden features follow.

figure, axes = plt.subplots(
    1, 4, figsize=(12, 3.3), sharex=True, sharey=True, layout="constrained"
)
for ax, t in zip(axes, (0, 90, 180, 359), strict=True):
    step = recording[t]
    hidden = expit(X @ step.W[1].T + step.b[1])
    for label, color in ((0, "#3f90da"), (1, "#ffa90e")):
        ax.scatter(*hidden[y == label].T, s=18, color=color, edgecolor="black", linewidth=0.4)
    (v1, v2), c = step.W[2][0], step.b[2][0]
    if abs(v1) + abs(v2) > abs(c):
        ax.axline(
            (-c * v1 / (v1**2 + v2**2), -c * v2 / (v1**2 + v2**2)),
            slope=-v1 / v2,
            color="black",
        )
    ax.set(
        title=f"step {t + 1}",
        xlabel="$a^1_1$",
        xlim=(-0.08, 1.08),
        ylim=(-0.08, 1.08),
        aspect="equal",
    )
axes[0].set_ylabel("$a^1_2$")
plt.show()
