"""
Iris, step by step
==================

The page takes the names of features and classes from the data frame and y.
"""

# %%
# There are three classes and so three outputs. The label becomes a vector y with a single 1,
# and each output has its own δ. The features are scaled first, in a pipeline, which ``record``
# accepts as a whole.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier
from skbackprop.inspection import record

iris = load_iris(as_frame=True)
X, y = iris.data, iris.target_names[iris.target]
network = BackpropClassifier((4,), learning_rate=0.3, random_state=0)
model = make_pipeline(StandardScaler().set_output(transform="pandas"), network)
recording = record(model, X, y, n_steps=450)
recording

# %%
# What is learned first? The plot shows the loss of each drawn flower, in the order of the
# steps. Setosa, which is well separated, soon becomes easy. The other two overlap, and keep the
# network busy.

flowers = y[recording.draws]
figure, ax = plt.subplots(layout="constrained")
for name, marker in zip(iris.target_names, "osD", strict=True):
    steps = np.flatnonzero(flowers == name)
    ax.semilogy(steps + 1, recording.losses[steps], marker, markersize=4, label=name)
ax.set(xlabel="step", ylabel="loss of the drawn flower, before its step")
ax.legend()
plt.show()
