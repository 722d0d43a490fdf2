"""
Regression, step by step
========================

With one feature, a network's prediction is a curve: the sum of one curve per hidden unit.
"""

# %%
# Four tanh units learn a noisy sine. On the page below, the thick curve is the prediction. The
# thin ones, numbered like the units, are its parts w · a; together with the bias, they add up
# to it. A step pulls the curve towards the drawn sample, and its neighbours along with it. Move
# the slider for τ to pull harder: soon the curve swings past the sample, and the loss rises.

import matplotlib.pyplot as plt
import numpy as np

from skbackprop import BackpropRegressor
from skbackprop.inspection import record

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, 60))
y = np.sin(x) + rng.normal(scale=0.1, size=60)
model = BackpropRegressor((4,), activation="tanh", learning_rate=0.05, random_state=1)
recording = record(model, x[:, np.newaxis], y, n_steps=600, feature_names=["x"])
recording

# %%
# Every step lowers the loss of its own sample. What it does to all 60 samples is another
# matter. Here is their mean loss with the weights before and after each step.

means = []
for step in recording:
    for W, b in ((step.W, step.b), (step.W_after, step.b_after)):
        prediction = np.tanh(x[:, np.newaxis] * W[1][:, 0] + b[1]) @ W[2][0] + b[2]
        means.append(np.mean((prediction - y) ** 2))
before, after = np.reshape(means, (-1, 2)).T
own = np.mean(recording.losses_after < recording.losses)
print(f"the loss of the drawn sample falls in {own:.0%} of the steps")
print(f"the mean loss of all samples falls in {np.mean(after < before):.0%}")

# %%
# The steps go down only on average. The larger the error of the drawn sample, the longer the
# step, for better or worse.

figure, ax = plt.subplots(layout="constrained")
ax.axhline(0, color="grey", linewidth=1)
ax.plot(recording.losses[60:], (after - before)[60:], "o", markersize=3)
ax.set(
    xlabel="loss of the drawn sample",
    ylabel="change of the mean loss",
    title="all steps but the first 60",
)
plt.show()
