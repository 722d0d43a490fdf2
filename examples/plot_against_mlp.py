"""
Comparison with MLPClassifier
=============================

How long do this library and scikit-learn's own network take for the same task with the same
architecture, and how good do they get? First with one sample per step, where both run the same
algorithm; then each with its defaults.
"""

# %%
# The task is to recognise digits, and every network has a hidden layer of 100 units. Both
# libraries get one thread: our steps use no more, and with more of them MLPClassifier's matrix
# products would measure the machine's cores instead. All times were measured when this page
# was built, with other work on the machine. Yours will differ.

import time

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skbackprop import BackpropClassifier

plt.style.use("seaborn-v0_8-colorblind")
X_train, X_test, y_train, y_test = train_test_split(
    *load_digits(return_X_y=True), random_state=0
)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)


def learn(model, epochs):
    """Seconds of training and accuracy on the test images after each epoch."""
    seconds, accuracies, spent = [], [], 0.0
    for _ in range(epochs):
        start = time.perf_counter()
        with threadpool_limits(limits=1):
            model.partial_fit(X_train, y_train, classes=range(10))
        spent += time.perf_counter() - start
        seconds.append(spent)
        accuracies.append(model.score(X_test, y_test))
    return seconds, accuracies


# %%
# The same algorithm
# ------------------
# One sample per step, each once per epoch, logistic units, log loss, a constant τ, no momentum
# and no penalty. Two things still differ: the initial weights, which each library draws by its
# own rule, and the order of the samples.

epochs = 6
same = dict(
    activation="logistic", solver="sgd", batch_size=1, momentum=0.0, alpha=0.0, random_state=0
)
curves = {
    "MLPClassifier": learn(MLPClassifier(learning_rate_init=0.05, **same), epochs),
    "BackpropClassifier": learn(
        BackpropClassifier(learning_rate=0.05, loss="log_loss", sampling="shuffle", **same),
        epochs,
    ),
}
for name, (seconds, accuracies) in curves.items():
    per_step = seconds[-1] / (epochs * len(X_train))
    print(f"{name:18}  {1e6 * per_step:5.1f} µs per step, accuracy {accuracies[-1]:.3f}")

fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.4), sharey=True, layout="constrained")
for (name, (seconds, accuracies)), style in zip(curves.items(), ("s--", "o-"), strict=True):
    left.plot(range(1, epochs + 1), accuracies, style, label=name)
    right.plot(seconds, accuracies, style, label=name)
left.set(title="by epoch", xlabel="epoch", ylabel="accuracy on test images")
right.set(title="by time, on a logarithmic scale", xlabel="seconds of training", xscale="log")
left.legend()

# %%
# Why the difference? MLPClassifier is made for batches: a step consists of a dozen NumPy calls,
# whose overhead it pays once per 200 samples or, here, for every single one. Our step is
# compiled as a whole.
#
# Each with its defaults
# ----------------------
# So a fair comparison uses the batches that MLPClassifier is made for. Its defaults are relu
# units, Adam and 200 samples per step. We compare it with the lecture's algorithm, our default,
# and with our own Adam on the same batches.

curves = {
    "MLPClassifier()": learn(MLPClassifier(random_state=0), 30),
    "BackpropClassifier()": learn(BackpropClassifier(random_state=0), 30),
    "BackpropClassifier, Adam as in MLP": learn(
        BackpropClassifier(
            activation="relu",
            loss="log_loss",
            solver="adam",
            learning_rate=0.001,
            batch_size=200,
            sampling="shuffle",
            alpha=0.0001 / 200,
            random_state=0,
        ),
        30,
    ),
}
fig, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
for (name, (seconds, accuracies)), style in zip(curves.items(), ("--", "-", "-."), strict=True):
    print(f"{name:34}  {seconds[-1]:5.2f} s, accuracy {accuracies[-1]:.3f}")
    ax.plot(seconds, accuracies, style, linewidth=2, label=name)
ax.set(
    xlabel="seconds of training, 30 epochs",
    ylabel="accuracy on test images",
    xscale="log",
    ylim=(0.5, 1),
)
ax.legend(loc="lower right")
plt.show()

# %%
# What each curve shows:
#
# * **MLPClassifier()** makes 7 steps per epoch, each on 200 samples. It has to go over the data
#   many times before it gets far.
# * **BackpropClassifier()** makes 1347 steps per epoch, one for each sample. After two epochs
#   it is where MLPClassifier is after nine. Thirty epochs do not take longer, since they run
#   as many samples through a network of the same size.
# * **BackpropClassifier, Adam as in MLP** makes MLPClassifier's steps, from other start
#   weights, and gets equally far. The difference in seconds is that of the implementations.
#
# One data set says little about which is better. :doc:`The front page </index>` has the same
# comparison, default against default, on 49 sets, and :doc:`/benchmarks/README` has more.
# sphinx_gallery_thumbnail_number = 2
