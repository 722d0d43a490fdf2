"""
From one neuron to a network
============================

One neuron draws a line, a layer of neurons draws one line per class, and a network bends them.
We go from the first to the last with wines from three growers, and do one step of the algorithm
by hand on the way.
"""

# %%
# One neuron
# ----------
# A neuron computes ŷ = σ(⟨x, w⟩ + b) with σ(z) = 1 / (1 + e^(−z)). We give it two measurements
# of each wine and let it learn which of two growers the wine comes from. With
# ``hidden_layer_sizes=()`` there is nothing else in the network: a single layer and, for two
# classes, a single neuron.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier
from skbackprop.inspection import HiddenUnitsDisplay, NetworkDisplay

wines = load_wine(as_frame=True)
scaler = StandardScaler().set_output(transform="pandas")
X = scaler.fit_transform(wines.data[["flavanoids", "hue"]])
y = ("grower " + (wines.target + 1).astype(str)).to_numpy()

two = y != "grower 3"
neuron = BackpropClassifier((), max_iter=2000, random_state=0).fit(X[two], y[two])
print(f"w = {neuron.coefs_[0].ravel().round(2)}, b = {neuron.intercepts_[0].round(2)}")
print(f"{neuron.score(X[two], y[two]):.0%} of {two.sum()} wines are on the right side")

# %%
# The neuron learned from one wine at a time. With the loss fᵢ = (yᵢ − ŷᵢ)² of wine i, the step
# is ::
#
#     w ← w − τ · 2 (ŷ − y) ŷ (1 − ŷ) x
#     b ← b − τ · 2 (ŷ − y) ŷ (1 − ŷ)
#
# Here it is in NumPy, along with the same step of the estimator: ``partial_fit`` on a single
# row.

x, target = X.to_numpy()[0], 0  # the first wine is grower 1's, whose target is 0
tau = neuron.learning_rate
w, b = neuron.coefs_[0][:, 0].copy(), neuron.intercepts_[0][0]
y_hat = 1 / (1 + np.exp(-(x @ w + b)))
delta = 2 * (y_hat - target) * y_hat * (1 - y_hat)

neuron.partial_fit(X[:1], y[:1])
print("by hand:     w =", w - tau * delta * x, " b =", b - tau * delta)
print("partial_fit: w =", neuron.coefs_[0][:, 0], " b =", neuron.intercepts_[0][0])

# %%
# One layer and a network
# -----------------------
# Three growers need three neurons, one for each; the one with the largest output gives the
# answer. Each still has only one line (dashed, with an arrow pointing to its own wines), and
# the borders between the growers are straight. The second grower's wines lie between those of
# the other two, and no single line can separate them.
#
# Now put a layer of four neurons in front of these three. The three now look at the outputs of
# the four instead of the measurements, and their borders bend.

layer = BackpropClassifier((), max_iter=4000, random_state=0).fit(X, y)
network = BackpropClassifier((4,), learning_rate=0.1, max_iter=2000, random_state=0).fit(X, y)

fig, axes = plt.subplots(1, 3, figsize=(12.5, 4.4), layout="constrained")
models = {"one neuron": neuron, "one layer": layer, "a network": network}
for ax, (name, model) in zip(axes, models.items(), strict=True):
    known = np.isin(y, model.classes_)
    HiddenUnitsDisplay.from_estimator(model, X[known], y[known], ax=ax)
    if model is not network:  # one legend is enough
        ax.get_legend().remove()
    ax.set(title=f"{name}: {model.score(X[known], y[known]):.0%} right")

# %%
# The diagram of the network has a line for each weight. A step is like the neuron's, layer by
# layer: forward from the input to the output, then the errors δˡ backward, then the update.
# :ref:`sphx_glr_auto_examples_plot_one_step.py` shows every number of a step.

NetworkDisplay.from_estimator(network)
plt.show()
