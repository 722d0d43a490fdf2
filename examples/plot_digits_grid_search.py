"""
Handwritten digits: a Pipeline and a grid search
================================================

How many hidden neurons, how large a step? Let :class:`~sklearn.model_selection.GridSearchCV` try, then look at what the
best network has learned and at what it gets wrong.
"""

# %%
# 1797 images of 8 × 8 pixels. The network stands in a Pipeline, so that in every fold the scaling is learned from the
# training part alone.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

sizes, taus = [(), (10,), (30,), (100,), (60, 30)], [0.01, 0.03, 0.1, 0.3]
search = GridSearchCV(
    make_pipeline(StandardScaler(), BackpropClassifier(tol=0.001, random_state=0)),
    {"backpropclassifier__hidden_layer_sizes": sizes, "backpropclassifier__learning_rate": taus},
    cv=3,
    n_jobs=2,
).fit(X_train, y_train)
print(search.best_params_)
print(f"accuracy on {len(y_test)} images that the search has not seen: {search.score(X_test, y_test):.3f}")

# %%
# Twenty networks, the mean of three folds each. Ten hidden neurons are no better than none; from thirty on a hidden
# layer pays, and then neither its size nor τ matters much.

scores = search.cv_results_["mean_test_score"].reshape(len(sizes), len(taus))
fig, ax = plt.subplots(figsize=(6.5, 4.8), layout="constrained")
image = ax.imshow(scores, cmap="cividis", aspect="auto")
for (row, column), score in np.ndenumerate(scores):
    ax.text(column, row, f"{score:.3f}", ha="center", color="white" if score < scores.mean() else "black")
ax.set_xticks(range(len(taus)), [str(tau) for tau in taus])
ax.set_yticks(range(len(sizes)), [str(size) for size in sizes])
ax.set(xlabel="step size τ (learning_rate)", ylabel="hidden_layer_sizes")
fig.colorbar(image, label="cross-validated accuracy")

# %%
# The confusion matrix counts which digits are taken for which.

predicted = search.predict(X_test)
fig, ax = plt.subplots(figsize=(5.6, 5), layout="constrained")
ConfusionMatrixDisplay.from_predictions(y_test, predicted, cmap="Blues", colorbar=False, ax=ax)

# %%
# And here are the mistakes themselves, as many as fit. Some of them a human would not be sure about either.

wrong = np.flatnonzero(predicted != y_test)[:8]
fig, axes = plt.subplots(1, 8, figsize=(11, 2.1), layout="constrained")
for ax in axes:
    ax.axis("off")
for ax, i in zip(axes, wrong, strict=False):
    ax.imshow(X_test[i].reshape(8, 8), cmap="gray_r")
    ax.set_title(f"{y_test[i]}, taken\nfor {predicted[i]}", fontsize=11)
plt.show()
