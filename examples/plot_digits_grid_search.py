"""
Handwritten digits: a Pipeline and a grid search
================================================

How many hidden neurons, and how large a step? Let
:class:`~sklearn.model_selection.GridSearchCV` find out, then look at what the best network has
learned and what it gets wrong.
"""

# %%
# There are 1797 images of 8 × 8 pixels. The network is part of a Pipeline, so that in every
# fold the scaling is learned from the training part only.

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
# Each of the twenty scores is the mean of three folds. Ten hidden neurons are no better than
# none. From thirty on a hidden layer pays off, and then neither its size nor τ matters much.

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
# Each hidden unit has as many incoming weights as there are pixels, so they can be shown as an
# image: red where ink excites the unit, blue where it inhibits it. Here are the units with the
# largest weights.

HiddenUnitsDisplay.from_estimator(search, image_shape=(8, 8), max_units=24)

# %%
# And here are some of its mistakes; a few of the images would puzzle a human as well. Below
# each is the gradient of the output for the (wrong) answer with respect to the pixels, found by
# backpropagation one layer further. More ink where it is red, and less where it is blue, would
# make the network even surer.

wrong = np.flatnonzero(search.predict(X_test) != y_test)[:8]
InputGradientDisplay.from_estimator(search, X_test[wrong], image_shape=(8, 8), kind="sample")
print("correct labels:", *y_test[wrong])
plt.show()
# sphinx_gallery_thumbnail_number = 2
