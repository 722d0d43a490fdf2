"""Several threads for one fit: the bits of one thread, under every backend, after forks, interrupts and failures."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from helpers import OUTPUTS, duplicate, fit_quietly, make_network, make_samples, same_bits
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor, _kernel
from skbackprop._kernel import allowed_threads, steps
from skbackprop._kernel.kernel import _forget_teams
from skbackprop._network import HIDDEN_ACTIVATIONS, activation_code
from skbackprop._training.rules import RULES, Rule

#: Large enough for several threads, in all and in each batch.
SIZES, N, PASSES = (120, 90, 7), 600, 4
HYPER = {"momentum": 0.9, "beta_2": 0.99, "epsilon": 1e-6}
USERS = ("skbackprop._training.loop", "skbackprop._training.lbfgs", "skbackprop._network.forward")


@pytest.fixture(params=[1, 2, 3, 4])
def threads(request, monkeypatch):
    """Every fit and prediction may take so many threads, whatever the machine has."""
    for name in USERS:
        monkeypatch.setattr(sys.modules[name], "allowed_threads", lambda: request.param)
    return request.param


def trained(network, samples, rule, batch_size, threads, dropout=None, alpha=0.001):
    """Bits of the weights, of the moments and of the loss after some passes, the first timed on one thread."""
    network = duplicate(network)
    rng = np.random.default_rng(0)
    draws = rng.integers(len(samples), size=PASSES * N)
    how = Rule(network, rule, batch_size=batch_size, dropout=dropout, **HYPER)
    noise = None
    if dropout:
        noise = rng.integers(2**16, size=(PASSES * N, _kernel.noise_of_a_draw(network, how.dropout)), dtype=np.uint16)
    f = steps(network, samples, draws, 1e-3, alpha, how, noise, threads)
    return f, network.params.tobytes(), network.scale.tobytes(), how.moments.tobytes()


def gradients(network, samples, threads):
    for _ in range(3):  # the first two may be timed on one thread
        f, G = _kernel.gradient(network, samples, np.arange(len(samples)), threads)
    return f, G.tobytes()


def assert_same_bits_for_all_threads(network, samples, rule="adam", **settings):
    for batch_size in (200, N):
        one = trained(network, samples, rule, batch_size, 1, **settings)
        assert np.isfinite(one[0])
        for threads in (2, 3, 4):
            assert trained(network, samples, rule, batch_size, threads, **settings) == one
    one = gradients(network, samples, 1)
    assert all(gradients(network, samples, threads) == one for threads in (2, 3, 4))


@pytest.mark.parametrize(("output", "loss"), OUTPUTS)
def test_same_bits_with_every_output_and_loss(output, loss):
    network = make_network(SIZES, ["tanh", output], loss)
    assert_same_bits_for_all_threads(network, make_samples(SIZES, loss, n=N))


@pytest.mark.parametrize("activation", HIDDEN_ACTIVATIONS)
def test_same_bits_with_every_activation(activation):
    network = make_network((120, 60, 50, 7), [activation, activation, "identity"], dtype=np.float32)
    assert_same_bits_for_all_threads(network, make_samples((120, 7), n=N, dtype=np.float32))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("nonzeros", [0.7, 0.1])
@pytest.mark.parametrize("layout", ["dense", "csr32", "csr64"])
def test_same_bits_with_every_rule_and_layout(layout, nonzeros, rule, level):
    network = make_network(SIZES, ["relu", "identity"])
    samples = make_samples(SIZES, n=N, layout=layout, nonzeros=nonzeros)
    samples.weights = np.linspace(0.2, 2, N)
    assert_same_bits_for_all_threads(network, samples, rule, dropout=(0.25, 0.25))


def test_same_bits_with_codes_for_targets():
    network = make_network(SIZES, ["relu", "softmax"], "multinomial_log_loss")
    samples = make_samples(SIZES, n=N)
    samples.targets = np.arange(N, dtype=np.int32) % 7
    assert_same_bits_for_all_threads(network, samples)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", ["dense", "csr32", "csr64"])
def test_same_predictions(layout, dtype, level):
    rng = np.random.default_rng(0)
    coefs = [rng.normal(size=s).astype(dtype) for s in ((120, 90), (90, 33), (33, 7))]
    intercepts = [rng.normal(size=w.shape[1]).astype(dtype) for w in coefs]
    X = make_samples(SIZES, n=5 * N, layout=layout, dtype=dtype).X
    codes = [activation_code(name) for name in ("gelu", "tanh", "softmax")]
    outputs = [np.empty((X.shape[0], 7), dtype) for _ in range(4)]
    for k, out in enumerate(outputs):
        _kernel.forward(X, coefs, intercepts, codes, out, k + 1)
    assert len({out.tobytes() for out in outputs}) == 1


def many_rows(sparse=False, dtype=np.float32):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(3000, 80)) * (rng.random((3000, 80)) < 0.4)).astype(dtype)
    return (sp.csr_array(X) if sparse else X), np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])


QUICK = dict(max_iter=3, n_iter_no_change=np.inf, random_state=0)
MODELS = [
    BackpropClassifier((60,), "relu", loss="log_loss", solver="adam", batch_size=200, **QUICK),
    BackpropClassifier((60,), "relu", batch_size=3000, early_stopping=True, **QUICK),
    BackpropClassifier((60, 20), batch_size=250, momentum=0.9, dropout=0.2, sampling="shuffle", **QUICK),
    BackpropRegressor((60,), solver="lbfgs", **QUICK),
    BackpropRegressor((300,), solver="lbfgs", **QUICK),  # SciPy's BLAS takes threads for vectors of this length
]


def fit_with(threads, model, X, y, blas=1):
    """A fit for which OpenMP, and so the kernel, may take so many threads."""
    with threadpool_limits(threads, user_api="openmp"), threadpool_limits(blas, user_api="blas"):
        return fit_quietly(clone(model), X, y)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "csr"])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_estimators_do_not_depend_on_threads(model, sparse, threads):
    X, y = many_rows(sparse)
    with threadpool_limits(threads, user_api="blas"):
        fitted = fit_quietly(clone(model), X, y)
        predicted = fitted.predict(X)
    one = fit_with(1, model, X, y)
    assert same_bits(fitted, one)
    assert predicted.tobytes() == one.predict(X).tobytes()


def test_an_autoencoder_does_not_depend_on_threads(threads):
    X, _ = many_rows()
    model = BackpropAutoencoder(3, batch_size=200, solver="adam", **QUICK)
    fitted = fit_quietly(clone(model), X)
    with threadpool_limits(1):
        assert same_bits(fitted, fit_quietly(clone(model), X))


def test_other_threads_take_part():
    """The process works longer than the thread that calls: in one of many calls at least, on a busy machine too."""
    network = make_network((784, 300, 10), ["relu", "identity"], dtype=np.float32)
    samples = make_samples((784, 10), n=N, dtype=np.float32)
    how = Rule(network, batch_size=200)
    for _ in range(300):
        _forget_teams()  # nor that threads have not paid off, in an earlier test or while others had the cores
        begin = time.process_time() - time.thread_time()
        steps(network, samples, np.arange(N), 1e-4, 0.0, how, None, 2)
        if time.process_time() - time.thread_time() - begin > 1e-4:
            return
        time.sleep(0.01)
    pytest.fail("no call took a second thread")


@pytest.mark.parametrize("layout", ["dense", "csr32"])
@pytest.mark.parametrize("batch_size", [1, 200])
def test_what_a_call_leaves_in_memory_does_not_matter(batch_size, layout):
    """The next call uses the same memory; here it is full of values that are not numbers."""
    network, samples = make_network(SIZES, ["relu", "identity"]), make_samples(SIZES, n=N, layout=layout, nonzeros=0.2)
    broken = make_network((120, 101, 7), ["relu", "identity"])  # with other places for its layers
    broken.params[:] = np.nan

    def results(network):
        return [trained(network, samples, rule, batch_size, 1) for rule in RULES], gradients(network, samples, 1)

    before = results(network)
    results(broken)
    assert results(network) == before


# ---- how many ----------------------------------------------------------------------------------------------------


def asked(environment, code="print(allowed_threads())"):
    """What a new process answers."""
    code = f"from skbackprop._kernel import allowed_threads\n{code}"
    run = subprocess.run([sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


def test_as_many_as_openmp_and_joblib_allow():
    cores = joblib.cpu_count()
    assert allowed_threads() == cores or os.environ.get("OMP_NUM_THREADS")
    with threadpool_limits(1, user_api="openmp"):
        assert allowed_threads() == 1
    with threadpool_limits(1, user_api="blas"):
        assert allowed_threads() == cores or os.environ.get("OMP_NUM_THREADS")
    assert asked({"OMP_NUM_THREADS": "1"}) == 1
    assert asked({"LOKY_MAX_CPU_COUNT": "1"}) == 1
    assert asked({"OMP_NUM_THREADS": "100"}) == cores  # threads beyond the cores do not help


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process to a core")
def test_as_many_as_there_are_cores_for_the_process():
    assert (
        asked({}, "import os; os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}); print(allowed_threads())") == 1
    )


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_processes_share_the_cores(backend):
    n_jobs = joblib.cpu_count()
    allowed = joblib.Parallel(n_jobs, backend=backend)(joblib.delayed(allowed_threads)() for _ in range(n_jobs))
    assert allowed == [1] * n_jobs


# ---- side by side --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_search_finds_the_same_under_every_backend(backend):
    X, y = many_rows()
    search = GridSearchCV(MODELS[0], {"learning_rate": [0.001, 0.01]}, cv=2, n_jobs=-1)
    with joblib.parallel_backend(backend):
        found = fit_quietly(clone(search), X, y)
    alone = fit_quietly(clone(search).set_params(n_jobs=1), X, y)
    assert same_bits(found.best_estimator_, alone.best_estimator_)
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_fits_in_threads_share_the_cores(threads):
    """Their kernel calls take turns as to which of them has the second thread."""
    X, y = many_rows()
    # trainings that count as converged: a warning of one thread would be caught, or not, by what another does
    models = [clone(model).set_params(tol=1e9, n_iter_no_change=2, max_iter=50) for model in MODELS]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda model: clone(model).fit(X, y), models * 2))
    alone = [fit_with(1, model, X, y) for model in models]
    assert all(same_bits(one, other) for one, other in zip(together, alone * 2, strict=True))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system has no fork")
def test_a_fork_after_a_threaded_fit(threads):
    X, y = many_rows()
    model = fit_quietly(clone(MODELS[0]), X, y)
    fork = multiprocessing.get_context("fork")
    with fork.Pool(2) as pool:
        children = pool.starmap(fit_quietly, [(clone(MODELS[0]), X, y)] * 4)
    assert all(same_bits(child, model) for child in children)


FORK_MEANWHILE = """
import os, sys, threading, time
import numpy as np
from helpers import make_network, make_samples
from skbackprop._kernel import steps
from skbackprop._training.rules import Rule
network = make_network((784, 300, 10), ["relu", "identity"], dtype=np.float32)
samples = make_samples((784, 10), n=600, dtype=np.float32)
def work(n):
    how = Rule(network, batch_size=200)
    for _ in range(n):
        steps(network, samples, np.arange(600), 1e-4, 0.0, how, None, 2)
thread = threading.Thread(target=work, args=(100,))
thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        work(2)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_while_another_thread_is_at_work():
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK_MEANWHILE], env=environment, timeout=60)
    assert run.returncode == 0


# ---- what may go wrong ---------------------------------------------------------------------------------------------


def test_an_interrupt_ends_a_threaded_fit(threads):
    """Ctrl-C goes to the main thread, whoever is at work."""
    X, y = many_rows()
    model = clone(MODELS[0]).set_params(max_iter=100_000)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    timer.join()
    assert 0 < model.n_iter_ < 100_000
    assert np.isfinite(model.coefs_[0]).all()


NO_MORE_THREADS = """
import resource, time
import numpy as np
from helpers import make_network, make_samples
from skbackprop._kernel import steps
from skbackprop._training.rules import Rule
samples = make_samples((120, 7), n=600)
def weights(threads):
    network = make_network((120, 90, 7), ["relu", "identity"])
    steps(network, samples, np.arange(600), 1e-3, 0.0, Rule(network, batch_size=200), None, threads)
    return network.params.tobytes()
one = weights(1)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**22,) * 2)  # too little for the stack of a thread
others = time.process_time() - time.thread_time()
assert weights(4) == one
assert time.process_time() - time.thread_time() - others < 1e-3
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the system does not say how much memory is in use")
def test_where_no_thread_can_start_one_does_it_all():
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    run = subprocess.run(
        [sys.executable, "-c", NO_MORE_THREADS], env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
