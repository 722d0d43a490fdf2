"""
Rare classes: weights and thresholds
====================================

Five in a hundred parts are faulty. A network that calls every part good is right 95 times out
of 100, and useless. There are three ways to make it look for faults: class weights, sample
weights and a different threshold.
"""

# %%
# The measurements are made up. Faulty parts lie on an arc, and good ones on both sides of it
# and over it. A fault on the left costs up to 20 times as much as one on the right.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.metrics import precision_recall_curve, precision_score, recall_score
from sklearn.model_selection import TunedThresholdClassifierCV

from skbackprop import BackpropClassifier

plt.style.use("seaborn-v0_8-colorblind")


def parts(n, seed):
    """Measurements of n parts, whether each is faulty, and the cost of missing it."""
    rng = np.random.default_rng(seed)
    faulty = rng.random(n) < 0.05
    angle = rng.uniform(0, np.pi, n)
    arc = 1.3 * np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(
        scale=0.2, size=(n, 2)
    )
    good = rng.normal(size=(n, 2)) * [1.3, 0.8] + [0, -0.5]
    X = np.where(faulty[:, None], arc, good)
    return X, faulty, np.where(faulty, 20 ** (angle / np.pi), 1)


X_train, y_train, cost_train = parts(4000, seed=0)
X_test, y_test, cost_test = parts(20000, seed=1)

# %%
# With ``class_weight="balanced"``, both classes are drawn equally often. With
# ``sample_weight``, samples are drawn in proportion to their weights: if these are costs,
# expensive faults are drawn more often than cheap ones. Precision is the fraction of alarms
# that are right, recall the fraction of faults that raise an alarm.

settings = dict(
    hidden_layer_sizes=(20,), loss="log_loss", tol=0.01, max_iter=1000, random_state=0
)
balanced = BackpropClassifier(class_weight="balanced", **settings)
models = {
    "no weights": BackpropClassifier(**settings).fit(X_train, y_train),
    "balanced classes": balanced.fit(X_train, y_train),
    "balanced, weighted by cost": clone(balanced).fit(X_train, y_train, cost_train),
}

grid = np.meshgrid(np.linspace(-3, 3, 200), np.linspace(-2.5, 2.5, 200))
points = np.column_stack([g.ravel() for g in grid])
fig, axes = plt.subplots(1, 3, figsize=(12, 4.4), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    alarm = model.predict(X_test)
    precision, recall = precision_score(y_test, alarm), recall_score(y_test, alarm)
    saved = cost_test[y_test & alarm].sum() / cost_test[y_test].sum()
    region = model.predict(points).reshape(grid[0].shape)
    ax.contour(*grid, region, levels=[0.5], colors="black", linewidths=2)
    ax.scatter(*X_train[~y_train].T, s=3, color="C0", alpha=0.5, label="good")
    sizes = dict(s=3 * cost_train[y_train], linewidth=0.4)
    ax.scatter(*X_train[y_train].T, color="C2", edgecolor="white", label="faulty", **sizes)
    rates = f"precision {precision:.2f}, recall {recall:.2f}"
    ax.set(title=f"{name}\n{rates}\n{saved:.0%} of the costs found")
    ax.set(xlabel="$x_1$", xlim=(-3, 3), ylim=(-2.5, 2.5))
axes[0].set_ylabel("$x_2$")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

# %%
# The third way leaves training alone. A part raises an alarm if its probability exceeds a
# threshold, which need not be ½. Each threshold is a point on the curve.
# ``TunedThresholdClassifierCV`` chooses the one with the best F1 score, the harmonic mean of
# precision and recall, by cross-validation.
#
# Balanced classes end up close to the same curve: weights do not tell the network more about
# the faults, but choose a different point on the curve. What weights can do and a threshold
# cannot is to give some samples more importance than others of the same class.

plain = models["no weights"]
tuned = TunedThresholdClassifierCV(clone(plain), scoring="f1", random_state=0)
tuned.fit(X_train, y_train)
fig, ax = plt.subplots(figsize=(6.5, 5), layout="constrained")
for name, style in (("no weights", "C0-"), ("balanced classes", "C2--")):
    probability = models[name].predict_proba(X_test)[:, 1]
    precision, recall, _ = precision_recall_curve(y_test, probability)
    ax.plot(recall, precision, style, label=f"{name}, all thresholds")
for marker, color, name, model in (
    ("o", "C0", "no weights, threshold ½", plain),
    ("D", "C1", f"no weights, threshold {tuned.best_threshold_:.2f}, tuned", tuned),
    ("s", "C2", "balanced classes, threshold ½", models["balanced classes"]),
):
    alarm = model.predict(X_test)
    place = recall_score(y_test, alarm), precision_score(y_test, alarm)
    ax.plot(*place, marker, color=color, markersize=11, markeredgecolor="white", label=name)
ax.set(xlabel="recall", ylabel="precision", ylim=(0, 1))
ax.legend(loc="lower left")
plt.show()
