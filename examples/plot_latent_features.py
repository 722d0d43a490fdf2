"""
Latent features: sixty-four pixels in two numbers
=================================================

If a layer has few units, everything that the network knows about a sample passes through them:
their outputs are low-dimensional latent features. With two units they can be plotted. What they
preserve depends on what the network is trained to do.
"""

# %%
# Here are three ways to reduce 64 pixels to two numbers. PCA finds the two directions in which
# the images vary most. ``BackpropAutoencoder`` learns to reproduce the image through a layer of
# two units. Neither is told which digit it is. The classifier, with a layer of two units before
# its output, learns exactly that.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from skbackprop import BackpropAutoencoder, BackpropClassifier
from skbackprop.inspection import LatentSpaceDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=0.4, stratify=y, random_state=0
)

pca = PCA(2).fit(X_train)
autoencoder = BackpropAutoencoder(2, tol=0.03, max_iter=1000, random_state=0).fit(X_train)
classifier = BackpropClassifier(
    (60, 2),
    ["logistic", "tanh"],
    loss="log_loss",
    learning_rate=0.03,
    max_iter=500,
    random_state=0,
).fit(X_train, y_train)

# %%
# These are images that none of them has seen, as points in the three planes. How well do the
# points tell the digits apart? We ask the ten nearest training images in each plane.

fig, axes = plt.subplots(1, 3, figsize=(13, 4.8), layout="constrained")
models = {"PCA": pca, "autoencoder": autoencoder, "classifier": classifier}
for ax, (name, model) in zip(axes, models.items(), strict=True):
    Z_train, Z_test = model.transform(X_train), model.transform(X_test)
    accuracy = KNeighborsClassifier(10).fit(Z_train, y_train).score(Z_test, y_test)
    labels = dict(class_names=list("0123456789"), xlabel="feature 1", ylabel="feature 2")
    LatentSpaceDisplay(points=Z_test, target=y_test, **labels).plot(ax)
    ax.get_legend().remove()
    for digit in range(10):
        middle = np.median(Z_test[y_test == digit], axis=0)
        ax.text(*middle, str(digit), fontsize=18, fontweight="bold", ha="center", va="center")
    ax.margins(0.08)
    ax.set(title=f"{name}\n{accuracy:.0%} of the digits by their neighbours")

# %%
# The classifier's two numbers say which digit it is, and little else. PCA and the autoencoder
# preserve what the image looks like: ``inverse_transform`` turns the two numbers back into an
# image, and ``score`` is the fraction of the variance that is preserved. Without hidden layers
# the autoencoder is linear. The best it can do is then the plane of PCA, and backpropagation
# finds it.

linear = BackpropAutoencoder(2, hidden_layer_sizes=(), random_state=0).fit(X_train)
print(f"PCA                 {pca.explained_variance_ratio_.sum():.2f}")
print(f"linear autoencoder  {linear.score(X_train):.2f}")
print(f"autoencoder         {autoencoder.score(X_train):.2f}")

shown = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
fig, axes = plt.subplots(3, 10, figsize=(10, 3.3), layout="constrained")
rows = {
    "image": X_test[shown],
    "PCA": pca.inverse_transform(pca.transform(X_test[shown])),
    "autoencoder": autoencoder.inverse_transform(autoencoder.transform(X_test[shown])),
}
for row, (name, images) in zip(axes, rows.items(), strict=True):
    for ax, image in zip(row, images, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(name, rotation=0, ha="right", va="center")

# %%
# The two numbers need not come from an image. Here is what the autoencoder makes of points all
# over its plane.

low, high = np.percentile(autoencoder.transform(X_train), [2, 98], axis=0)
n = 12
grid = np.meshgrid(np.linspace(low[0], high[0], n), np.linspace(high[1], low[1], n))
images = autoencoder.inverse_transform(np.column_stack([g.ravel() for g in grid]))
mosaic = images.reshape(n, n, 8, 8).swapaxes(1, 2).reshape(n * 8, n * 8)
edges = low[0], high[0], low[1], high[1]
fig, ax = plt.subplots(figsize=(6.5, 6.2), layout="constrained")
ax.imshow(mosaic, cmap="gray_r", vmin=0, vmax=1, extent=edges, aspect="auto")
ax.set(xlabel="feature 1", ylabel="feature 2")
plt.show()
