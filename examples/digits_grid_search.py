"""
Recognise handwritten digits: a Pipeline, a grid search, a cross-validated score
================================================================================

A typical task for this library, on data included in scikit-learn: 1797 images of 8 x 8 pixels.
"""

import time

from sklearn.datasets import load_digits
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier

X, y = load_digits(return_X_y=True)
print(f"digits: {X.shape[0]} images, {X.shape[1]} pixels, {len(set(y))} classes")

# %%
# The network is part of a Pipeline, so that the scaling is learned from the training part only.
model = make_pipeline(
    StandardScaler(), BackpropClassifier(tol=0.02, max_iter=500, random_state=0)
)
folds = StratifiedKFold(5, shuffle=True, random_state=0)
start = time.perf_counter()
scores = cross_val_score(model, X, y, cv=folds)
seconds = time.perf_counter() - start
accuracy = f"{scores.mean():.3f} +- {scores.std():.3f}"
print(f"\ncross_val_score, 100 hidden units: {accuracy}, {seconds:.1f} s")

# %%
# Search over the hidden layers and the step size τ, on three quarters of the data.
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
search = GridSearchCV(
    model,
    {
        "backpropclassifier__hidden_layer_sizes": [(), (30,), (100,), (60, 30)],
        "backpropclassifier__learning_rate": [0.03, 0.1, 0.3],
    },
    cv=3,
    n_jobs=2,
)
start = time.perf_counter()
search.fit(X_train, y_train)
seconds = time.perf_counter() - start
results = search.cv_results_
print(f"\nGridSearchCV, {len(results['params'])} candidates x 3 folds: {seconds:.1f} s")
for parameters, score in zip(results["params"], results["mean_test_score"], strict=True):
    hidden, tau = parameters.values()
    print(f"  {hidden!s:10} {tau:<5} {score:.3f}")
print(f"best: {search.best_params_}")
accuracy = search.score(X_test, y_test)
print(f"accuracy on the {len(y_test)} images not seen by the search: {accuracy:.3f}")
