"""
Learn from a file that is larger than memory
============================================

Ten million rows from a Parquet file, one batch at a time: ``partial_fit`` takes each batch as
it arrives, and only the network is kept. This needs pyarrow (``pip install -e ".[parquet]"``).
You can pass a different number of rows::

    python examples/stream_parquet.py 1000000
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler

from skbackprop import BackpropClassifier

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError as error:
    sys.exit(f'{error}: in a copy of the repository, pip install -e ".[parquet]"')

N_ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
N_FEATURES = 20
BATCH = 50_000


def anonymous_memory():
    """What the process has allocated, in MiB, if the system reports it (Linux)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next(
        (
            f"{int(line.split()[1]) / 1024:.0f} MiB"
            for line in lines
            if line.startswith("RssAnon")
        ),
        "unknown",
    )


# %%
# The task: is the point inside a sphere in the first four of twenty dimensions? The features
# have different scales, and one label in twenty is wrong, so that no model can have an error
# below 5 %.
SCALES = np.geomspace(0.01, 1000, N_FEATURES, dtype=np.float32)


def make_rows(n, rng):
    """The features of n rows and their labels."""
    X = rng.standard_normal((n, N_FEATURES), dtype=np.float32)
    y = ((X[:, :4] ** 2).sum(axis=1) < 3.36) ^ (rng.random(n) < 0.05)
    return X * SCALES, y


def write(path, n_rows):
    """Write the file, one batch at a time."""
    rng = np.random.default_rng(0)
    names = [f"x{k}" for k in range(N_FEATURES)]
    schema = pa.schema([*((name, pa.float32()) for name in names), ("y", pa.bool_())])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for k in range(0, n_rows, BATCH):
            X, y = make_rows(min(BATCH, n_rows - k), rng)
            writer.write_table(pa.table([*X.T, y], schema=schema))


def read(path):
    """X and y, one batch at a time. A pre-buffer would grow to the size of the file."""
    for batch in pq.ParquetFile(path, pre_buffer=False).iter_batches(BATCH):
        *features, y = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
        yield np.column_stack(features), y


# %%
# Train in one pass. The scales are taken from the first batch; τ falls from batch to batch.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "rows.parquet"
    write(path, N_ROWS)
    print(f"{N_ROWS:,} rows, {path.stat().st_size / 1e9:.2f} GB")

    X_test, y_test = make_rows(100_000, np.random.default_rng(1))
    model = BackpropClassifier(
        (50,), learning_rate_schedule="invscaling", power_t=0.25, random_state=0
    )
    scaler = None
    start, step = time.perf_counter(), max(1, N_ROWS // BATCH // 10)
    for k, (X, y) in enumerate(read(path), 1):
        if scaler is None:
            scaler = StandardScaler().fit(X)
        model.partial_fit(scaler.transform(X), y, classes=[False, True])
        if k % step == 0:
            speed = model.t_ / (time.perf_counter() - start)
            error = 1 - model.score(scaler.transform(X_test), y_test)
            print(
                f"{model.t_:11,} rows, {speed:9,.0f} rows/s, allocated {anonymous_memory()}, "
                f"test error {error:.2%}",
                flush=True,
            )
