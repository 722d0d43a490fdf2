"""What fits allocate: on data larger than memory, on streams, and in the long run."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from helpers import ESTIMATORS, fit_quietly, make_data, same_bits

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


# ---- a file, and what a fit on it allocates ------------------------------------------------------------------------

MIB = 2**20
ROWS, N_FEATURES = 200_000, 200
FILE = ROWS * N_FEATURES * 4

#: kind of fit in docs/benchmarks/memmap.py -> the most that it may allocate
ALLOWED = {
    "regression": FILE / 32 + MIB,  # which does not grow with the file
    "classification, class_weight": FILE / 8,
    "classification, other weights": FILE / 8,
    "classification, X_val": FILE / 16,
    "classification, early_stopping": FILE / 10 + 110 * ROWS,  # a tenth of the rows is copied
    "classification, CSR": FILE / 16,
    "regression, diverging": FILE / 16,
}


@pytest.fixture(scope="module")
def allocated(tmp_path_factory):
    """What each kind of fit has allocated on a file of 160 MB, each in a process of its own."""
    command = [sys.executable, ROOT / "docs/benchmarks/memmap.py", f"--rows={ROWS}", *ALLOWED]
    command += ["--folder", tmp_path_factory.mktemp("memmap")]
    out = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    lines = [line.rsplit(maxsplit=8) for line in out.stdout.splitlines()[1:]]
    return {kind.strip(): (float(most) - float(before)) * MIB for kind, before, _, most, *_ in lines}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status")
@pytest.mark.parametrize("kind", ALLOWED)
def test_a_fit_on_a_memory_mapped_file(kind, allocated):
    assert allocated[kind] < ALLOWED[kind]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_memory_mapped_file_gives_the_same_bits(estimator, tmp_path):
    X, y = make_data(estimator, n=200, dtype=np.float32)
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype=np.float32, mode="r", shape=X.shape)
    for settings in ({}, {"early_stopping": True}):
        model = fit_quietly(estimator(max_iter=3, random_state=0, **settings), mapped, y)
        assert same_bits(model, fit_quietly(estimator(max_iter=3, random_state=0, **settings), X, y))


def test_the_example_of_a_stream():
    """It learns, and at its end has allocated no more than after its first batches."""
    pytest.importorskip("pyarrow")
    command = [sys.executable, ROOT / "examples/stream_parquet.py", "1000000"]
    out = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
    lines = out.splitlines()[1:]
    assert len(lines) == 10
    assert float(lines[-1].split()[-1].rstrip("%")) < 9
    if sys.platform == "linux":
        second, last = (float(re.search(r"allocated (\d+) MiB", lines[k])[1]) for k in (1, -1))
        assert last < second + 40


# ---- many fits, one after the other ---------------------------------------------------------------------------------

GROWTH = """
    import gc
    import sys
    import numpy as np
    from skbackprop import BackpropClassifier, BackpropRegressor

    def memory():
        gc.collect()
        with open("/proc/self/status") as status:  # pages of files come and go as the system likes
            resident = next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))
        return np.array([resident, sys.getallocatedblocks()])

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 20)), rng.integers(3, size=20)
    {setup}
    for k in range({n}):
        if k == {n} // 10:
            before = memory()
        {work}
    print(*memory() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    "setup, work, n",
    [
        (
            "model = BackpropClassifier((50,), solver='adam', random_state=0)",
            "model.partial_fit(X, y, classes=[0, 1, 2])",
            1500,
        ),
        (
            "models = [BackpropClassifier((50,), max_iter=3), BackpropRegressor((50,), max_iter=3, solver='lbfgs'),"
            " BackpropRegressor((50,), max_iter=3, dropout=0.5, batch_size=4, early_stopping=True)]",
            "models[k % 3].fit(X, y)",
            300,
        ),
    ],
    ids=["1500 partial_fit", "100 fits of three"],
)
def test_memory_stays_flat(setup, work, n):
    """Nine tenths of the calls take less than half a megabyte, and leave less than two Python objects each behind.

    A leak of one of the 10 kB weight vectors in each call of partial_fit would be 13 MB. What does grow is
    `loss_curve_`, by a number an epoch.
    """
    script = textwrap.dedent(GROWTH).format(setup=setup, work=work, n=n)
    command = [sys.executable, "-W", "ignore", "-c", script]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    resident, blocks = map(int, out.split())
    assert resident < 2**19
    assert blocks < 2 * 0.9 * n + 500
