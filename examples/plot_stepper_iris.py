"""
Iris, step by step
==================

Names of features and classes are those of the data frame and of y, on the page as everywhere.
"""

# %%
# Three classes, and so three outputs: the label is a vector y with one 1 in it, and each
# output has its own δ. The features are scaled first, in a pipeline; ``record`` takes it whole.

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
# What is learned first? The loss of each drawn flower, in the order of the steps: setosa,
# which lies by itself, is soon easy. The other two overlap, and stay the subject of the
# lessons.

flowers = y[recording.draws]
figure, ax = plt.subplots(layout="constrained")
for name, marker in zip(iris.target_names, "osD", strict=True):
    steps = np.flatnonzero(flowers == name)
    ax.semilogy(steps + 1, recording.losses[steps], marker, markersize=4, label=name)
ax.set(xlabel="step", ylabel="loss of the drawn flower, before its step")
ax.legend()
plt.show()
