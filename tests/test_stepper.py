"""The page of recorded steps: its numbers are the traces', what its script computes is what Python computes."""

import base64
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import scipy.sparse as sp
from helpers import OUTPUTS, make_network, make_samples
from sklearn.datasets import make_moons

import skbackprop.inspection
from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop._kernel import gradient, steps
from skbackprop._network import HIDDEN_ACTIVATIONS, forward
from skbackprop.inspection import _page, record, trace_step

X, Y = make_moons(300, noise=0.15, random_state=0)
SCRIPT = next(iter(skbackprop.inspection.__path__)) + "/stepper.js"


@pytest.fixture(scope="module")
def recording():
    """The front page's network."""
    return record(BackpropClassifier((8,), loss="log_loss", learning_rate=0.1, random_state=0), X, Y, n_steps=200)


def data_of(html):
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    return json.loads(text)


def array(data, name):
    return np.frombuffer(base64.b64decode(data[name]), "<f4")


def test_every_number_on_the_page_is_the_traces(recording):
    data = data_of(recording._repr_html_())
    sizes = data["sizes"]
    assert sizes == [2, 8, 1]
    params = array(data, "params").reshape(201, -1)
    values = array(data, "values").reshape(200, -1)
    for t, step in enumerate(recording):
        layers = (1, 2)
        before = np.concatenate([part.ravel() for l in layers for part in (step.W[l], step.b[l])])
        after = np.concatenate([part.ravel() for l in layers for part in (step.W_after[l], step.b_after[l])])
        parts = [part for l in layers for part in (step.z[l], step.a[l], step.derivative[l], step.delta[l])]
        assert np.array_equal(params[t], before.astype("f4"))
        assert np.array_equal(params[t + 1], after.astype("f4"))
        assert np.array_equal(values[t], np.concatenate(parts).astype("f4"))
    assert data["rows"] is None  # all
    assert np.array_equal(data["draws"], recording.draws)
    assert np.array_equal(array(data, "before"), recording.losses.astype("f4"))
    assert np.array_equal(array(data, "after"), recording.losses_after.astype("f4"))
    assert np.array_equal(array(data, "tau"), recording.taus.astype("f4"))
    assert np.array_equal(array(data, "X"), X.ravel().astype("f4"))
    assert np.array_equal(array(data, "Y"), Y.astype("f4"))


def test_the_page_is_one_file_that_needs_no_network(recording, tmp_path):
    recording.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert len(page.encode()) <= 150_000
    without_names = page.replace("http://www.w3.org/2000/svg", "")  # the name of a vocabulary
    assert not re.search(r"https?:|//cdn|@import|url\(|src=|fetch\(|XMLHttpRequest", without_names)


def test_a_step_alone_is_the_same_page():
    model = BackpropClassifier((2,), random_state=0).partial_fit(X, Y, classes=[0, 1])
    step = trace_step(model, X[3], Y[3])
    data = data_of(step._repr_html_())
    assert data["draws"] == [0]
    assert data["n"] == 1
    assert np.array_equal(array(data, "before"), np.float32([step.loss]))
    assert np.array_equal(array(data, "params")[:4], step.W[1].ravel().astype("f4"))


def test_names_cannot_break_the_page():
    evil = "</script><script>alert(1)</script>"
    html = record(BackpropClassifier((2,)), X, np.where(Y, evil, "<!--"), n_steps=1, feature_names=[evil, "&amp;"])
    html = html._repr_html_()
    assert html.count("</script>") == 2
    data = data_of(html)
    assert data["features"] == [evil, "&amp;"]
    assert data["classes"] == ["<!--", evil]


@pytest.mark.parametrize(
    "model",
    [
        BackpropClassifier((3,), loss="log_loss"),
        BackpropClassifier((3,), class_weight={0: 2.0, 1: 1.0, 2: 1.0}, sampling="shuffle"),
        BackpropRegressor((3, 2)),
        BackpropRegressor(()),
        BackpropAutoencoder(hidden_layer_sizes=(1,)),
    ],
    ids=repr,
)
def test_every_estimator_has_its_page(model):
    y = np.arange(len(X)) % 3
    data = data_of(record(model, X, y, n_steps=4)._repr_html_())
    assert len(data["draws"]) == 4
    assert len(data["outputs"]) == data["sizes"][-1]
    assert (data["weights"] is not None) == (getattr(model, "class_weight", None) is not None)


def test_sparse_samples_have_their_page():
    data = data_of(record(BackpropClassifier((3,)), sp.csr_array(X), Y, n_steps=2)._repr_html_())
    assert np.array_equal(array(data, "X"), X.ravel().astype("f4"))


def test_of_many_samples_the_page_shows_some_and_all_that_are_drawn():
    many, y = np.tile(X, (10, 1)), np.tile(Y, 10)
    recording = record(BackpropClassifier((2,), random_state=0), many, y, n_steps=30)
    data = data_of(recording._repr_html_())
    assert data["n"] == 3000
    assert len(data["rows"]) <= 530
    assert np.array_equal(np.array(data["rows"])[data["draws"]], recording.draws)


def test_a_page_that_would_be_too_large_is_refused(tmp_path, monkeypatch):
    recording = record(BackpropClassifier((2,), random_state=0), X, Y, n_steps=3)
    size = _page.page_bytes(9, [2, 2, 1], 3)
    monkeypatch.setattr("skbackprop.inspection._record.MAX_BYTES", size - 1)
    monkeypatch.setattr("skbackprop.inspection._trace.MAX_BYTES", size - 1)
    with pytest.raises(ValueError, match=r"3 steps would take .* record fewer steps"):
        recording.save(tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
    html = recording._repr_html_()
    assert "<script" not in html
    assert "3 steps" in html


# ---- the script's arithmetic -------------------------------------------------------------------------------------


def in_node(program, data):
    """What a program in JavaScript makes of data; it has the script's arithmetic at hand."""
    if shutil.which("node") is None:
        pytest.skip("no node on this machine to run stepper.js")
    source = (
        f"const A = require({json.dumps(SCRIPT)}).arithmetic;"
        "const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        f"process.stdout.write(JSON.stringify((() => {{{program}}})()));"
    )
    done = subprocess.run(["node", "-e", source], input=json.dumps(data), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def flat(W, b):
    """Parameters in the page's order."""
    return [float(v) for pair in zip(W, b, strict=True) for part in pair for v in part.ravel()]


def kernel_step(name, output, loss, tau, alpha):
    """What the script is given of a step, and what the kernel makes of it."""
    sizes = [3, 4, 2]
    network, samples = make_network(sizes, [name, output], loss), make_samples(sizes, loss)
    row = np.zeros(1, dtype=np.int64)
    f, G = gradient(network, samples, row)
    layers = forward(samples.X[:1], network.coefs, network.intercepts, network.activations, keep=True)
    values = [
        part
        for (z, a, da), delta in zip(layers, network.views(G)[1], strict=True)
        for part in (z[0], a[0], np.zeros(len(delta)) if da is None else da[0], delta)
    ]
    given = {
        "sizes": sizes,
        "activations": [name, output],
        "params": flat([W.T for W in network.coefs], network.intercepts),
        "values": np.concatenate(values).tolist(),
        "x": samples.X[0].tolist(),
        "y": samples.targets[0].tolist(),
        "loss": loss,
        "quantile": network.quantile,
        "tau": tau,
        "alpha": alpha,
    }
    steps(network, samples, row, tau, alpha)
    network.fold_scale()
    return given, layers[-1][1][0], f, flat([W.T for W in network.coefs], network.intercepts)


@pytest.mark.parametrize("name", HIDDEN_ACTIVATIONS)
def test_the_script_computes_losses_and_updates_as_the_kernel_does(name):
    program = """
        return input.map((s) => {
          const net = A.layout(s.sizes);
          const { z, a } = A.forward(net, s.activations, s.params, s.x);
          const after = A.updated(net, s.params, s.values, s.x, s.tau, s.alpha);
          return [Array.from(a[2]), A.loss(s.loss, s.quantile, z[2], a[2], s.y), Array.from(after)];
        });
    """
    cases = [kernel_step(name, output, loss, tau=0.7, alpha=0.1) for output, loss in OUTPUTS]
    results = in_node(program, [given for given, *_ in cases])
    precision = 1e-6 if name == "gelu" else 1e-12
    for case, (_, a, f, after), (own_a, own_f, own_after) in zip(OUTPUTS, cases, results, strict=True):
        np.testing.assert_allclose(own_a, a, rtol=precision, err_msg=str(case))
        np.testing.assert_allclose(own_f, f, rtol=precision, atol=1e-12, err_msg=str(case))
        np.testing.assert_allclose(own_after, after, rtol=1e-9, err_msg=str(case))


def test_the_script_reads_the_pages_arrays():
    values = np.array([0.1, -2.5e-8, 3e38, np.inf, np.nan], dtype="<f4")
    read = in_node("return Array.from(A.decode(input), String)", base64.b64encode(values.tobytes()).decode())
    assert np.array_equal(np.array([np.float32(v) for v in read]), values, equal_nan=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.456, "0.456"),
        (-0.27, "−0.270"),
        (1234.5, "1235"),
        (2e-7, "2.0e−7"),
        (-3.2e6, "−3.2e6"),
        (0.99996, "1.00"),
    ],
)
def test_the_script_writes_numbers_of_three_digits(value, text):
    assert in_node("return A.number(input)", value) == text
