"""One thread compared with all cores, on an idle machine and beside a process that keeps one core busy.

    python docs/benchmarks/threads.py [--rounds 5] [--work NAME ...] [--ours] [NET ...]

Batches with Adam, full batches, L-BFGS, predictions and our steps of one sample, with relu, softmax and the log loss;
ours, scikit-learn's MLPClassifier and torch, each with its own threads. Prints µs per sample of wall-clock time with
one thread and with one thread per core, and how many times faster the latter is. Both train for the same number of
epochs, since those of L-BFGS differ: the first ones evaluate the gradient once, later ones up to twice.

With --ours, only ours, which then can be compared to within a few per cent: in each round one thread, all, and one
again. Prints the quartiles of the ratios within a round, one thread to all and, for the noise, one thread to one.
"""

import argparse
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager, nullcontext
from functools import partial

import numpy as np
from _timing import enough_epochs, interleaved, per_step
from batches import mlp_adam, ours, ours_adam, torch, torch_adam
from joblib import cpu_count
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

NETS = {"784-300-10": (784, 300, 10), "64-100-10": (64, 100, 10), "784-800-10": (784, 800, 10)}
ROWS = 4_000
PREDICTED_ROWS = 100_000
REST = 0.2  # seconds


def ours_steps(sizes, X, y, batch_size):
    return ours(sizes, X, y, 1, learning_rate=1e-3)


def ours_lbfgs(sizes, X, y, batch_size):
    return ours(sizes, X, y, 1, solver="lbfgs")


def mlp_lbfgs(sizes, X, y, batch_size):
    model = MLPClassifier(sizes[1:-1], solver="lbfgs", alpha=0, tol=0, max_fun=10**9, random_state=0)
    return lambda iterations: model.set_params(max_iter=iterations).fit(X, y)


def ours_predicts(sizes, X, y, batch_size):
    train = ours_adam(sizes, X[:1000], y[:1000], 200)
    model = train(1)
    return lambda times: [model.predict(X) for _ in range(times)]


def mlp_predicts(sizes, X, y, batch_size):
    train = mlp_adam(sizes, X[:1000], y[:1000], 200)
    model = train(1)
    return lambda times: [model.predict(X) for _ in range(times)]


def torch_predicts(sizes, X, y, batch_size):
    if torch is None:
        return None
    network = torch.nn.Sequential(
        torch.nn.Linear(sizes[0], sizes[1]), torch.nn.ReLU(), torch.nn.Linear(sizes[1], sizes[2])
    )
    X = torch.from_numpy(X)

    def run(times):
        with torch.inference_mode():
            for _ in range(times):
                network(X).argmax(1)

    return run


ADAM = {"ours": ours_adam, "MLPClassifier": mlp_adam, "torch": torch_adam}
#: What is measured -> contestants, rows, samples per batch
WORK = {f"batches of {n}": (ADAM, ROWS, n) for n in (32, 200, 1000)} | {
    "full batches": (ADAM, ROWS, ROWS),
    "L-BFGS": ({"ours": ours_lbfgs, "MLPClassifier": mlp_lbfgs}, ROWS, None),
    "prediction": (
        {"ours": ours_predicts, "MLPClassifier": mlp_predicts, "torch": torch_predicts},
        PREDICTED_ROWS,
        None,
    ),
    "one-sample steps": ({"ours": ours_steps}, ROWS, None),
}
#: Networks for which not everything is measured
ONLY = {"784-800-10": ["one-sample steps"]}


@contextmanager
def busy_neighbour():
    """A process that keeps one core busy with doing nothing."""
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.2)
        yield
    finally:
        neighbour.kill()
        neighbour.wait()


def with_threads(threads, run, times):
    """Run with this many threads in BLAS, OpenMP and torch."""
    if torch is not None:
        torch.set_num_threads(threads)
    with threadpool_limits(threads):
        run(times)


def rested(measure):
    """Measure when the threads of the library before, which wait for its next product, have gone to sleep."""
    time.sleep(REST)
    return measure()


#: On which machine -> a context in which it is one
STATES = {"idle": nullcontext, "busy": busy_neighbour}


def contests(nets, work, contestants=None):
    """For each network and kind of work: its label, and for each contestant what measures one thread and all cores."""
    warnings.simplefilter("ignore")
    for net in nets:
        for name in [name for name in work if name in ONLY.get(net, work)]:
            makers, rows, batch_size = WORK[name]
            sizes, rng = NETS[net], np.random.default_rng(0)
            X, y = rng.random((rows, sizes[0]), dtype=np.float32), rng.integers(sizes[-1], size=rows)
            made = {c: makers[c](sizes, X, y, batch_size) for c in contestants or makers}
            yield f"{net}, {name}", {c: one_and_all(run, rows) for c, run in made.items() if run is not None}


def one_and_all(run, rows):
    """Two measurements in µs per sample, with one thread and with one for each core, of the same number of epochs."""
    epochs = enough_epochs(partial(with_threads, 1, run), clock=time.perf_counter)
    return [
        per_step(partial(with_threads, threads, run), rows, clock=time.perf_counter, epochs=epochs)
        for threads in (1, cpu_count())
    ]


def measure(nets=tuple(NETS), rounds=5, work=tuple(WORK)):
    """µs per sample: {"idle" or "busy": {"net, work": {contestant: (one thread, a thread for each core)}}}."""
    figures = {state: {} for state in STATES}
    for label, pairs in contests(nets, work):
        measures = [partial(rested, trained) for pair in pairs.values() for trained in pair]
        for state, machine in STATES.items():
            with machine():
                values = iter(interleaved(measures, rounds))
            row = figures[state][label] = {c: (next(values), next(values)) for c in pairs}
            cells = "  ".join(f"{c} {cell(pair)}" for c, pair in row.items())
            print(f"{label}, {state:6} {cells}", flush=True)
    return figures


def measure_ours(nets=tuple(NETS), rounds=15, work=tuple(WORK)):
    """Print the speed-up of ours by more threads, with the noise of such a ratio."""
    for label, pairs in contests(nets, work, ["ours"]):
        one, several = pairs["ours"]
        for state, machine in STATES.items():
            with machine():
                before, all_cores, after = np.array([(one(), several(), one()) for _ in range(rounds)]).T
            ratios = quartiles((before + after) / 2 / all_cores), quartiles(before / after)
            figures = f"{np.median([before, after]):.3g} → {np.median(all_cores):.3g} {ratios[0]}"
            print(f"{label}, {state:6} {figures}, one to one {ratios[1]}", flush=True)


def quartiles(ratios):
    """The median, and between which values half of them are."""
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    return f"{middle:.2f}x ({low:.2f} to {high:.2f})"


def cell(pair):
    """One thread → all cores (how many times faster)."""
    one, several = pair
    return f"{one:.3g} → {several:.3g} ({one / several:.2f}x)"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", default=list(NETS), metavar="NET", help=", ".join(NETS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", nargs="*", default=list(WORK), help=", ".join(WORK))
    parser.add_argument("--ours", action="store_true", help="only ours, more precisely")
    options = vars(parser.parse_args())
    print(f"µs per sample, medians of {options['rounds']} rounds; one thread → {cpu_count()} threads")
    (measure_ours if options.pop("ours") else measure)(**options)
