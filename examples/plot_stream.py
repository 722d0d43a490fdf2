"""
Learning from a stream
======================

``partial_fit`` learns from the latest samples and continues from where it stopped. Digits
arrive fifty at a time. Halfway through the stream, somebody turns the scanner by 90 degrees.
Which networks recover?
"""

# %%
# We make an endless stream from scikit-learn's digits, with a little noise.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skbackprop import BackpropClassifier

plt.style.use("seaborn-v0_8-colorblind")
digits = load_digits()


def stream(n_chunks, turned, size=50):
    """Chunks of images and labels; from chunk `turned` on, the images lie on their side."""
    rng = np.random.default_rng(0)
    for k in range(n_chunks):
        drawn = rng.integers(len(digits.target), size=size)
        images = digits.images[drawn] / 16
        if k >= turned:
            images = np.rot90(images, axes=(1, 2))
        noise = rng.normal(scale=0.1, size=(size, 64))
        yield images.reshape(size, 64) + noise, digits.target[drawn]


# %%
# There are four learners with the same network; one of them stops learning after 100 chunks.
# Every chunk is first a test and then a lesson: we predict its labels, count how many are
# right, and only then learn from it. So no test set has to be set aside.

learners = {
    "log loss, constant τ": BackpropClassifier(loss="log_loss", random_state=0),
    "squared error, constant τ": BackpropClassifier(random_state=0),
    "log loss, falling τ": BackpropClassifier(
        loss="log_loss",
        learning_rate_schedule="invscaling",
        power_t=1,
        learning_rate=0.5,
        random_state=0,
    ),
    "log loss, stopped": BackpropClassifier(loss="log_loss", random_state=0),
}
turned, n_chunks = 200, 400
accuracy = {name: [] for name in learners}
for k, (X, y) in enumerate(stream(n_chunks, turned)):
    for name, learner in learners.items():
        if k > 0:
            accuracy[name].append(learner.score(X, y))
        if k < 100 or name != "log loss, stopped":
            learner.partial_fit(X, y, classes=range(10))

# %%
# The one that stopped is lost after the turn. Of the others, the log loss with a constant τ
# recovers best. A falling τ is good for data that do not change; by now it is so small that
# anything new is learned slowly. The lecture's squared error has a weakness of its own: outputs
# that are confidently wrong, with ŷ near 0 or 1, have a gradient of almost 0, because of the
# factor ŷ (1 − ŷ). After the turn there are many of them. With the log loss, this factor
# cancels.

window = 10
fig, ax = plt.subplots(figsize=(9, 4.6), layout="constrained")
for (name, values), style in zip(accuracy.items(), ("-", "--", "-.", ":"), strict=True):
    means = np.convolve(values, np.ones(window) / window, mode="valid")
    ax.plot(np.arange(window, len(values) + 1), means, style, linewidth=2, label=name)
ax.axvline(turned, color="black", linewidth=1)
ax.annotate("the scanner is turned", (turned, 0.03), (5, 0), textcoords="offset points")
ax.set(xlabel="chunk of 50 images", ylabel=f"accuracy, mean of {window} chunks", ylim=(0, 1))
fig.legend(loc="outside lower center", ncols=2)

# %%
# The images before and after the turn:

fig, axes = plt.subplots(2, 8, figsize=(9, 2.6), layout="constrained")
for row, (X, y) in zip(axes, stream(2, turned=1), strict=True):
    for ax, image, label in zip(row, X.reshape(-1, 8, 8), y, strict=False):
        ax.imshow(image, cmap="gray_r")
        ax.set_title(str(label))
        ax.axis("off")
plt.show()
