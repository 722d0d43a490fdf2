"""
Training, step by step
======================

Backpropagation is a process in time. :func:`~skbackprop.inspection.record` keeps every step of
training and shows the steps on an interactive page.
"""

# %%
# The page below shows the beginning of a fit. Its initial weights, draws iₜ and steps are
# exactly those of ``model.fit(X, y)``. Draw a sample, send it forward and its error backward,
# and update; or play the training. Click on a unit or a line to see its derivatives.

import matplotlib.pyplot as plt
from sklearn.datasets import make_moons

from skbackprop import BackpropClassifier
from skbackprop.inspection import record

X, y = make_moons(200, noise=0.15, random_state=0)
model = BackpropClassifier((8,), loss="log_loss", learning_rate=0.3, random_state=0)
recording = record(model, X, y, n_steps=200)
recording

# %%
# The slider for τ recomputes the update of the step shown. The loss of the drawn sample falls,
# and so do those of its neighbours, while those of the other class rise. If τ is too large, the
# step throws other samples far off.
#
# The same numbers in Python: ``recording[t]`` is the
# :class:`~skbackprop.inspection.StepTrace` of a step.

for t in range(3):
    step = recording[t]
    print(f"row {recording.draws[t]}: loss {step.loss:.4f} before, {step.loss_after:.4f} after")

# %%
# For a fitted model, the recorded steps are those with which training would continue. By then,
# most samples are far from the decision boundary. Their δ is almost 0, and a step on them
# changes next to nothing. Only the few near the boundary, or beyond it, still move the weights.

model.set_params(max_iter=1000).fit(X, y)
later = record(model, X, y, n_steps=200)

figure, ax = plt.subplots(layout="constrained")
for steps, label in ((recording, "first 200 steps"), (later, "200 steps after the training")):
    ax.plot(sorted(abs(step.delta[2][0]) for step in steps), label=label)
ax.set(xlabel="steps, sorted", ylabel="|δ²| of the drawn sample")
ax.legend()
plt.show()

# %%
# ``save`` writes the page to a single file that works offline, for a course website or an
# e-mail. ::
#
#     recording.save("moons.html")
