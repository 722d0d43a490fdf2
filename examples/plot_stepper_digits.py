"""
Digits, step by step
====================

A network too large to be drawn line by line is shown as images: of each hidden unit, the
weights it gives to the pixels.
"""

# %%
# Twelve hidden units look at digits of 8 × 8 pixels. Red weights wait for ink, blue ones for
# its absence; an L2 penalty keeps those small that nothing needs. Of a fitted model, as here,
# the steps are those with which it would go on. Click on a pixel for the derivative of its
# weight: it is the pixel's ink times the unit's δ, so that where the digit is blank,
# nothing is learned.

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
# How much does a single step change each unit? The norm of its change, for the steps
# above: a few thousandths where the loss of the digit is small, as of most by now; some ten
# times as much where it is large.

changes = [np.linalg.norm(step.W_after[1] - step.W[1], axis=1) for step in recording]
figure, ax = plt.subplots(figsize=(9, 3), layout="constrained")
image = ax.imshow(np.log10(np.transpose(changes)), aspect="auto", extent=(0.5, 60.5, 12.5, 0.5))
ax.set(xlabel="step", ylabel="hidden unit")
figure.colorbar(image, label="log₁₀ of its change")
plt.show()
