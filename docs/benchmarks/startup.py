"""The cost of first use: the import, compared with that of sklearn.neural_network, and the first and second fits.

    python docs/benchmarks/startup.py

Every figure is the median over fresh interpreters, with the two imports in turn. In the first fit of a process,
whatever the estimator, scikit-learn itself loads modules and looks for data frame libraries. So the fits are measured
both with and without a fit of DummyClassifier before them.
"""

import statistics
import subprocess
import sys

IMPORT = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
FITS = """
import time, warnings
warnings.simplefilter("ignore")
import numpy as np
from sklearn.dummy import DummyClassifier
from skbackprop import BackpropClassifier
X = np.random.default_rng(0).normal(size=(1000, 20))
for estimator in {} 3 * [BackpropClassifier((50,), max_iter=5, random_state=0)]:
    start = time.perf_counter()
    estimator.fit(X, X[:, 0] > 0)
    print(time.perf_counter() - start)
"""


def run(code):
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return [float(line) * 1e3 for line in output.split()]


names = "sklearn.neural_network", "skbackprop"
imports = [[run(IMPORT.format(name))[0] for name in names] for _ in range(16)][1:]
sklearn, own = (statistics.median(column) for column in zip(*imports, strict=True))
print(f"import sklearn.neural_network {sklearn:.0f} ms, skbackprop {own:.0f} ms, difference {own - sklearn:+.0f} ms")
for label, before in (("DummyClassifier, then three of ours", "[DummyClassifier()] +"), ("three of ours", "")):
    fits = [run(FITS.format(before)) for _ in range(9)]
    print(
        f"fits of a process, {label}: " + ", ".join(f"{statistics.median(c):.1f} ms" for c in zip(*fits, strict=True))
    )
