"""The backpropagation algorithm of the lecture, compiled, inside scikit-learn."""

from pkgutil import extend_path

# In the source folder without a compiled kernel (a plain install, run from the repository's root), take the kernel from
# the installed package.
__path__ = extend_path(__path__, __name__)

from ._autoencoder import BackpropAutoencoder
from ._averaging import AveragedClassifier, AveragedRegressor
from ._callbacks import Checkpoint
from ._classifier import BackpropClassifier
from ._regressor import BackpropRegressor
from ._tabular import tabular_pipeline

__all__ = [
    "AveragedClassifier",
    "AveragedRegressor",
    "BackpropAutoencoder",
    "BackpropClassifier",
    "BackpropRegressor",
    "Checkpoint",
    "tabular_pipeline",
]
__version__ = "0.2.0"
