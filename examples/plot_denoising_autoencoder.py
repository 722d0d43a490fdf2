"""
Denoising autoencoder: restoring digits with half of the pixels missing
=======================================================================

An autoencoder reproduces its input. If random parts of the input are missing while it learns,
but the target is the whole sample, it has to learn which features go together. Then it can fill
in what is missing.
"""

# %%
# Two autoencoders of the same size: 64 pixels, 200 units, a code of 64, 200 units, 64 pixels.
# The code is as wide as the image, so the first one is free to copy. For the second one,
# ``masking_noise=0.5`` removes a random half of the pixels in each step and doubles the
# others (Vincent et al. 2008).

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from skbackprop import BackpropAutoencoder

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=0.4, stratify=y, random_state=0
)

settings = dict(
    n_components=64,
    hidden_layer_sizes=(200,),
    code_activation="logistic",
    output_activation="logistic",
    learning_rate=0.05,
    tol=0.03,
    max_iter=300,
    random_state=0,
)
autoencoder = BackpropAutoencoder(**settings).fit(X_train)
denoising = BackpropAutoencoder(**settings, masking_noise=0.5).fit(X_train)
pca = PCA(8).fit(X_train)

# %%
# Now remove half of the pixels from images that neither has seen, and double the others as in
# training. What do the two make of them, and what does PCA?

is_kept = np.random.default_rng(0).random(X_test.shape) < 0.5
damaged = np.where(is_kept, 2 * X_test, 0)


def restored(model, X):
    return model.inverse_transform(model.transform(X))


rows = {
    "original": X_test,
    "damaged": damaged,
    "PCA,\n8 components": restored(pca, damaged),
    "autoencoder": restored(autoencoder, damaged),
    "denoising\nautoencoder": restored(denoising, damaged),
}
shown = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
fig, axes = plt.subplots(len(rows), 10, figsize=(10, 6.2), layout="constrained")
for (name, images), row in zip(rows.items(), axes, strict=True):
    for i, ax in zip(shown, row, strict=True):
        ax.imshow(images[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    error = np.mean((images - X_test) ** 2)
    row[0].set_ylabel(f"{name}\nerror {error:.3f}", rotation=0, ha="right", va="center")
fig.suptitle("Mean squared error on the test images", fontsize="medium")

# %%
# The plain autoencoder reproduces the damage, because it has learned to copy. The denoising one
# has learned which pixels go together. That has a price: it reproduces undamaged images less
# exactly.

for name, model in {"autoencoder": autoencoder, "denoising autoencoder": denoising}.items():
    print(f"{name}: {model.score(X_test):.3f} of the variance of undamaged images")
