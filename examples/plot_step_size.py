"""
The step size and what can go wrong
===================================

If you tune only one thing, tune τ. If it is too small, little happens for a long time; if it is
too large, training jumps around or diverges. This example shows how to recognise each case, and
what a falling τ is good for.
"""

# %%
# We train a network with 30 hidden neurons on the diabetes data, with standardised features and
# target, using five step sizes for 60 epochs each. The estimator reports problems with a
# ConvergenceWarning; here we catch and print these.

import warnings
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from skbackprop import BackpropRegressor
from skbackprop.inspection import LossCurveDisplay

plt.style.use("seaborn-v0_8-colorblind")
X, y = load_diabetes(return_X_y=True)
X, y = scale(X), scale(y)


def train(**parameters):
    """A network after 60 epochs, and its warnings."""
    model = BackpropRegressor(
        (30,), max_iter=60, n_iter_no_change=np.inf, random_state=0, **parameters
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(X, y)
    return model, [str(warning.message) for warning in caught]


trained = {}
names = {0.0001: "too small", 0.001: "slow", 0.02: "fast", 0.3: "noisy", 1: "too large"}
for tau, label in names.items():
    model, messages = train(learning_rate=tau)
    print(fill(f"τ = {tau}, {label}: {' '.join(messages)}", 90, subsequent_indent="    "))
    if model.n_iter_ == 60:
        trained[f"τ = {tau}, {label}"] = model
fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
LossCurveDisplay.from_estimators(trained, log_scale=False, ax=ax)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %%
# All of them draw the same samples in the same order, so they share their ups and downs, which
# come from the draws and not from the step size. The largest τ has no curve. Its loss grew
# beyond all bounds within the first epoch. Training stopped there, and the estimator went back
# to its initial weights: it is fitted but useless, and says so.
#
# Now the same for many τ, with the loss over all samples after 60 epochs. From 0.002 to 0.2, a
# factor of a hundred, it differs by less than an eighth, so a search over powers of three will
# find a τ in that range. None of these runs has converged: the more epochs, the lower the
# loss on these samples gets, down to overfitting.

taus = np.geomspace(1e-5, 1, 21)
losses, diverged = [], []
for tau in taus:
    model, messages = train(learning_rate=tau)
    losses.append(np.mean((model.predict(X) - y) ** 2))
    diverged.append(any("diverged" in message for message in messages))
losses, diverged = np.array(losses), np.array(diverged)

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.plot(taus[~diverged], losses[~diverged], "o-", label="after 60 epochs")
ax.plot(taus[diverged], losses[diverged], "C2X", markersize=9, label="diverged")
ax.set(xlabel="step size τ (learning_rate)", ylabel="mean squared error")
ax.set(xscale="log", ylim=(0, None))
ax.legend()

# %%
# With a constant τ the weights never settle: every draw pulls them its own way, and the larger
# τ is, the further. So start with a large τ and let it fall. The schedule "cosine" lowers it to
# 0 over ``max_iter`` epochs. ``partial_fit`` trains for one epoch, so we can look at the loss
# over all samples after each.

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for label, parameters in {
    "τ = 0.2": {"learning_rate": 0.2},
    "τ = 0.02": {"learning_rate": 0.02},
    "τ from 0.2 to 0, cosine": {"learning_rate": 0.2, "learning_rate_schedule": "cosine"},
}.items():
    model = BackpropRegressor((30,), max_iter=60, random_state=0, **parameters)
    losses = [np.mean((model.partial_fit(X, y).predict(X) - y) ** 2) for _ in range(60)]
    ax.plot(range(1, 61), losses, label=label)
ax.set(xlabel="epoch", ylabel="mean squared error, all samples")
ax.legend()
plt.show()
