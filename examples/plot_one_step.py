"""
One step, every number
======================

The best way to understand backpropagation is to check it by hand.
:func:`~skbackprop.inspection.trace_step` returns everything that one step of the algorithm
computes on a sample, named by the lecture's symbols.
"""

# %%
# The network has two inputs, two hidden neurons and one output, and has been trained a little
# on XOR. The page below shows the next step, on the sample x = (1, 0), y = 1. Go forward,
# backward and update; click on a unit or a line to see its derivatives. When printed, the step
# is a table.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from skbackprop import BackpropClassifier
from skbackprop.inspection import trace_step

X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
model = BackpropClassifier((2,), learning_rate=0.5, random_state=0)
for _ in range(5):
    model.partial_fit(X, y, classes=[0, 1])
step = trace_step(model, x=[1, 0], y=1)
print(step)
step

# %%
# The arrays have the lecture's indices: ``step.z[1]`` is z¹, ``step.delta[2]`` is δ². So each
# line of the algorithm can be checked. Backprop, with σ' = σ (1 − σ), is
# δ² = 2 (a² − y) ⊙ σ'(z²) and δ¹ = (W²)ᵀ δ² ⊙ σ'(z¹).

print(step.delta[2], 2 * (step.a[2] - step.y) * step.a[2] * (1 - step.a[2]))
print(step.delta[1], (step.W[2].T @ step.delta[2]) * step.a[1] * (1 - step.a[1]))

# %%
# The gradient is an outer product, ∇W² = δ² (a¹)ᵀ, and the step goes in the opposite direction.

print(np.allclose(step.grad_W[2], np.outer(step.delta[2], step.a[1])))
print(np.allclose(step.W_after[2], step.W[2] - step.tau * step.grad_W[2]))

# %%
# Does the step help? The loss of its own sample falls, here however far the step goes, and so
# does that of the other sample with y = 1. But those of the two samples with y = 0 rise: a step
# only knows one sample, and τ has to be small enough for steps on all samples, one after the
# other, to agree.

taus = np.logspace(-2, 2, 41)
losses = []
for tau in taus:
    after = trace_step(model, x=[1, 0], y=1, learning_rate=tau)
    hidden = expit(X @ after.W_after[1].T + after.b_after[1])
    output = expit(hidden @ after.W_after[2].T + after.b_after[2])
    losses.append((output[:, 0] - y) ** 2)

figure, ax = plt.subplots(layout="constrained")
for sample, curve, style in zip(X, np.transpose(losses), ("--", "-.", "-", ":"), strict=True):
    ax.semilogx(taus, curve, style, label=f"x = {tuple(sample)}")
ax.set(xlabel="τ", ylabel="loss of each sample after a step on (1, 0)")
ax.legend()
plt.show()
