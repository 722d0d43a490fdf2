"""
From one neuron to a network
============================

One neuron draws a line, a layer of neurons draws one line for each class, and a network bends them. We go from the
first to the last on wines of three growers, and take one step of the algorithm by hand on the way.
"""

# %%
# One neuron
# ----------
# A neuron computes :math:`\hat y = \sigma(\langle x, w \rangle + b)` with :math:`\sigma(z) = 1 / (1 + e^{-z})`. Give it
# two measurements of each wine, and let it learn whose of two growers it is. With ``hidden_layer_sizes=()`` there is
# nothing else in the network: a single layer, and for two classes a single neuron.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier

plt.style.use("seaborn-v0_8-colorblind")
X, y = load_wine(return_X_y=True, as_frame=True)
X, y = StandardScaler().fit_transform(X[["flavanoids", "hue"]]), y.to_numpy()

neuron = BackpropClassifier((), random_state=0).fit(X[y > 0], y[y > 0])
print(f"w = {neuron.coefs_[0].ravel().round(2)}, b = {neuron.intercepts_[0].round(2)}")
print(f"{neuron.score(X[y > 0], y[y > 0]):.0%} of {(y > 0).sum()} wines are on their grower's side of the line")

# %%
# It was learned one wine at a time. With the loss :math:`f_i = (y_i - \hat y_i)^2` of wine *i*, the lecture's step is
#
# .. math:: w \leftarrow w - \tau \, 2 (\hat y - y) \hat y (1 - \hat y) \, x, \qquad
#           b \leftarrow b - \tau \, 2 (\hat y - y) \hat y (1 - \hat y).
#
# Here it is in NumPy, beside the same step of the estimator: ``partial_fit`` on a single row.

x, target, tau = X[-1], 1, neuron.learning_rate  # the last wine is the second grower's, whose target is 1
w, b = neuron.coefs_[0][:, 0].copy(), neuron.intercepts_[0][0]
y_hat = 1 / (1 + np.exp(-(x @ w + b)))
delta = 2 * (y_hat - target) * y_hat * (1 - y_hat)

neuron.partial_fit(X[-1:], y[-1:])
print("by hand:     w =", w - tau * delta * x, " b =", b - tau * delta)
print("partial_fit: w =", neuron.coefs_[0][:, 0], " b =", neuron.intercepts_[0][0])

# %%
# One layer, and a network
# ------------------------
# Three growers take three neurons, one for each: the answer is the neuron with the largest output. Each still has one
# line only, along which its output is ½, to tell its own wines from all others. The second grower's lie between those
# of the other two, and no line has them for itself.
#
# Now put a layer of ten neurons before these three. The three look at the outputs of the ten, no longer at the
# measurements, and their borders bend.

layer = BackpropClassifier((), random_state=0).fit(X, y)
network = BackpropClassifier((10,), random_state=0).fit(X, y)

grid = np.meshgrid(np.linspace(-2, 3.4, 300), np.linspace(-2.4, 3.6, 300))
points = np.column_stack([g.ravel() for g in grid])
fig, axes = plt.subplots(1, 3, figsize=(12, 4.4), sharey=True, layout="constrained")
for ax, model, name in zip(axes, (neuron, layer, network), ("one neuron", "one layer", "a network"), strict=True):
    regions = model.predict(points).reshape(grid[0].shape)
    ax.contourf(*grid, regions, levels=[-0.5, 0.5, 1.5, 2.5], colors=["C0", "C1", "C2"], alpha=0.25)
    for k in model.classes_:
        ax.scatter(*X[y == k].T, color=f"C{k}", marker="os^"[k], edgecolor="white", s=45, label=f"grower {k + 1}")
    known = np.isin(y, model.classes_)
    ax.set(title=f"{name}: {model.score(X[known], y[known]):.0%} right", xlabel="flavanoids (standardised)")
axes[0].set_ylabel("hue (standardised)")
fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()
