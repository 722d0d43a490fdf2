"""
Handwritten digits: a Pipeline and a grid search
================================================

How many hidden neurons, how large a step? Let :class:`~sklearn.model_selection.GridSearchCV`
try, then look at what the best network has learned and at what it gets wrong.
"""

# %%
# 1797 images of 8 × 8 pixels. The network stands in a Pipeline, so that in every fold the
# scaling is learned from the training part alone.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier
from skbackprop.inspection import HiddenUnitsDisplay, InputGradientDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

sizes, taus = [(), (10,), (30,), (100,), (60, 30)], [0.01, 0.03, 0.1, 0.3]
search = GridSearchCV(
    make_pipeline(StandardScaler(), BackpropClassifier(tol=0.02, max_iter=500, random_state=0)),
    {
        "backpropclassifier__hidden_layer_sizes": sizes,
        "backpropclassifier__learning_rate": taus,
    },
    cv=3,
    n_jobs=2,
).fit(X_train, y_train)
print(search.best_params_)
print(f"accuracy on {len(y_test)} other images: {search.score(X_test, y_test):.3f}")

# %%
# Twenty networks, the mean of three folds each. Ten hidden neurons are no better than none;
# from thirty on a hidden layer pays, and then neither its size nor τ matters much.

scores = search.cv_results_["mean_test_score"].reshape(len(sizes), len(taus))
fig, ax = plt.subplots(figsize=(6.5, 4.8), layout="constrained")
image = ax.imshow(scores, cmap="cividis", aspect="auto")
for (row, column), score in np.ndenumerate(scores):
    color = "white" if score < scores.mean() else "black"
    ax.text(column, row, f"{score:.3f}", ha="center", color=color)
ax.set_xticks(range(len(taus)), [str(tau) for tau in taus])
ax.set_yticks(range(len(sizes)), [str(size) for size in sizes])
ax.set(xlabel="step size τ (learning_rate)", ylabel="hidden_layer_sizes")
fig.colorbar(image, label="cross-validated accuracy")

# %%
# The weights that lead to a hidden unit are as many as there are pixels, so they can be looked
# at as a picture: red where ink excites the unit, blue where it calms it. Here are the units
# with the largest weights.

HiddenUnitsDisplay.from_estimator(search, image_shape=(8, 8), max_units=24)

# %%
# And these are mistakes, as many as fit; of some a human would not be sure either. Below each
# is the gradient of the output for the (wrong) answer with respect to the pixels, by
# backpropagation one layer further: more ink where it is red, and less where it is blue, would
# make the network surer still.

wrong = np.flatnonzero(search.predict(X_test) != y_test)[:8]
InputGradientDisplay.from_estimator(search, X_test[wrong], image_shape=(8, 8), kind="sample")
print("right would have been", *y_test[wrong])
plt.show()
# sphinx_gallery_thumbnail_number = 2
