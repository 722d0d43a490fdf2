"""
Digits, step by step
====================

A network that is too large to draw line by line is shown as images: for each hidden unit, the
weights of the pixels.
"""

# %%
# Twelve hidden units look at digits of 8 × 8 pixels. Red weights respond to ink, blue ones to
# its absence; an L2 penalty keeps unneeded weights small. For a fitted model, as here, the
# steps are those with which training would continue. Click on a pixel to see the derivative of
# its weight: the ink in the pixel times the unit's δ. So nothing is learned where the digit is
# blank.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skbackprop import BackpropClassifier
from skbackprop.inspection import record

X, y = load_digits(return_X_y=True)
X = X / 16
model = BackpropClassifier((12,), learning_rate=0.3, alpha=1e-3, random_state=0)
for _epoch in range(15):
    model.partial_fit(X, y, classes=np.unique(y))
recording = record(model, X, y, n_steps=60)
recording

# %%
# How much does a single step change each unit? The plot shows the norm of the change for the
# steps above: a few thousandths if the loss of the digit is small, as it is for most by now,
# and some ten times as much if it is large.

changes = [np.linalg.norm(step.W_after[1] - step.W[1], axis=1) for step in recording]
figure, ax = plt.subplots(figsize=(9, 3), layout="constrained")
image = ax.imshow(np.log10(np.transpose(changes)), aspect="auto", extent=(0.5, 60.5, 12.5, 0.5))
ax.set(xlabel="step", ylabel="hidden unit")
figure.colorbar(image, label="log₁₀ of its change")
plt.show()
