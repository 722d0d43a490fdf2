"""
A training, step by step
========================

Backpropagation is a process in time. :func:`~skbackprop.inspection.record` keeps every step of
a training and shows it as a page on which to go through them.
"""

# %%
# The page below is the beginning of a fit: its start weights, its draws iₜ and its steps,
# to the bit those of ``model.fit(X, y)``. Draw a sample, send it forward and its error
# backward, update; or play the training. A click on a unit or on a line shows its
# derivatives.

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons

from skbackprop import BackpropClassifier
from skbackprop.inspection import record

X, y = make_moons(200, noise=0.15, random_state=0)
model = BackpropClassifier((8,), loss="log_loss", learning_rate=0.3, random_state=0)
recording = record(model, X, y, n_steps=200)
recording

# %%
# The slider for τ recomputes the update of the step that is shown. The loss of the drawn
# sample falls, and those of its neighbours with it, while the other class's rise. With too
# large a τ, the step throws other samples far off.
#
# The same numbers in Python: ``recording[t]`` is the
# :class:`~skbackprop.inspection.StepTrace` of a step.

for t in range(3):
    step = recording[t]
    print(f"row {recording.draws[t]}: loss {step.loss:.4f} before, {step.loss_after:.4f} after")

# %%
# Of a fitted model, the recorded steps are those with which it would go on. By then, most
# samples are far from the border: their δ is nearly 0, and a step on them changes next to
# nothing. Only the few near the border, or beyond it, still move the weights.

model.set_params(max_iter=1000).fit(X, y)
later = record(model, X, y, n_steps=200)

figure, ax = plt.subplots(layout="constrained")
for steps, label in ((recording, "first 200 steps"), (later, "200 steps after the training")):
    ax.plot(sorted(abs(step.delta[2][0]) for step in steps), label=label)
ax.set(xlabel="steps, sorted", ylabel="|δ²| of the drawn sample")
ax.legend()
plt.show()

# %%
# ``save`` writes the page to one file that needs no network: for a course's site, or to
# mail. ::
#
#     recording.save("moons.html")
