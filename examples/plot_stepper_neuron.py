"""
One neuron, step by step
========================

A single neuron is a line in the plane. Every step turns and shifts it a little, towards what
one sample asks for.
"""

# %%
# The data are two overlapping clouds of points. The network has no hidden layer:
# ``hidden_layer_sizes=()`` is one neuron, ŷ = σ(⟨x, w⟩ + b). It starts from w = 0, where every
# ŷ is ½ and there is no line yet. Press Update to see the first one.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs

from skbackprop import BackpropClassifier
from skbackprop.inspection import record

X, y = make_blobs(120, centers=[[-1, -0.5], [1, 0.5]], cluster_std=0.8, random_state=0)
recording = record(BackpropClassifier((), learning_rate=0.5, random_state=0), X, y, n_steps=240)
recording

# %%
# A step on a sample that is far from the line, on the correct side, hardly moves the line: ŷ ≈
# y, and the factor σ′ = ŷ (1 − ŷ) is small as well. But that factor is also small on the wrong
# side, so a badly wrong sample teaches the neuron just as little. (Not so with
# ``loss="log_loss"``, where δ = ŷ − y.) Here are all the steps, with the curves on which they
# must lie: δ = 2 (ŷ − y) ŷ (1 − ŷ).

outputs = np.array([step.a[1][0] for step in recording])
deltas = np.array([step.delta[1][0] for step in recording])
target = np.array([step.y[0] for step in recording])
grid = np.linspace(0, 1, 101)

figure, ax = plt.subplots(layout="constrained")
for label, marker in ((0, "o"), (1, "s")):
    curve = ax.plot(grid, 2 * (grid - label) * grid * (1 - grid), linewidth=1)
    of_class = target == label
    ax.plot(
        outputs[of_class],
        deltas[of_class],
        marker,
        color=curve[0].get_color(),
        label=f"y = {label}",
    )
ax.set(xlabel="ŷ of the drawn sample", ylabel="δ")
ax.legend()
plt.show()
