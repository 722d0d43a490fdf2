"""The page of recorded steps in a real browser: every button, slider and key, both themes, a narrow window."""

import browser as chromium
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_moons

from skbackprop import BackpropAutoencoder, BackpropClassifier, BackpropRegressor
from skbackprop.inspection import _page, record, trace_step

pytestmark = pytest.mark.skipif(chromium.missing() is not None, reason=str(chromium.missing()))

X, Y = make_moons(120, noise=0.15, random_state=0)
APP, TAU = ".skb-app", 'input[aria-label="step size"]'


@pytest.fixture(scope="module")
def window():
    with chromium.browser() as window:
        yield window


@pytest.fixture(scope="module")
def recording():
    return record(BackpropClassifier((5,), learning_rate=0.5, random_state=0), X, Y, n_steps=150)


@pytest.fixture(scope="module")
def saved(recording, tmp_path_factory):
    path = tmp_path_factory.mktemp("stepper") / "moons.html"
    recording.save(path)
    return path


@pytest.fixture
def page(window, saved):
    """The moons' page, anew; after the test, it must not have complained of anything."""
    window.open(saved)
    yield window
    assert window.errors() == []


def press(window, name):
    window.click(f'button[data-action="{name}"]')


def where(window):
    """The step, from 1, and the lit line."""
    heading = window.text(".skb-heading")
    lit = window.run("return document.querySelector('.skb-lines li[aria-current]').dataset.phase")
    return int(heading.split()[1]), lit


def numbers(window, css):
    """The numbers in the texts of some elements."""
    texts = window.run("return Array.from(document.querySelectorAll(arguments[0]), (e) => e.textContent)", css)
    return [float(text.replace("−", "-")) for text in texts]


def set_slider(window, css, value):
    window.run(
        "const s = document.querySelector(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('input'));",
        css,
        value,
    )


def test_buttons_go_through_the_algorithm(page):
    assert where(page) == (1, "draw")
    for name in ("forward", "backward", "update"):
        press(page, name)
        assert where(page) == (1, name)
        assert page.run("return document.querySelectorAll('button[aria-pressed=true]').length") == 1
    press(page, "draw")
    assert where(page) == (2, "draw")
    press(page, "ten")
    assert where(page) == (12, "update")
    press(page, "epoch")
    assert where(page) == (132, "update")
    press(page, "epoch")
    assert where(page) == (150, "update")
    for name in ("draw", "ten", "epoch"):
        assert page.run("return document.querySelector(arguments[0]).disabled", f'button[data-action="{name}"]')


def test_keys_do_what_the_buttons_do(page):
    for key, place in [
        ("f", (1, "forward")),
        ("b", (1, "backward")),
        ("u", (1, "update")),
        ("d", (2, "draw")),
        ("t", (12, "update")),
        ("e", (132, "update")),
        ("\ue011", (1, "draw")),  # Home
        ("\ue014", (1, "forward")),  # arrow to the right
        ("n", (1, "backward")),
        ("\ue012", (1, "forward")),  # arrow to the left
        ("p", (1, "draw")),
        ("\ue010", (150, "update")),  # End
        ("\ue012" * 4, (149, "update")),
    ]:
        page.keys(APP, key)
        assert where(page) == place, key


def test_the_slider_goes_to_every_step(page):
    set_slider(page, 'input[aria-label="step"]', 77)
    assert where(page) == (77, "update")
    page.keys('input[aria-label="step"]', "\ue014")  # the slider's own arrow
    assert where(page) == (78, "update")


def test_play_runs_to_the_end_and_pauses(page):
    press(page, "play")
    assert page.text('button[data-action="play"]') == "Pause"
    page.run("return new Promise((done) => setTimeout(done, 800))")
    press(page, "play")
    assert page.text('button[data-action="play"]') == "Play"
    step, lit = where(page)
    assert step > 1 and lit == "update"
    page.run("return new Promise((done) => setTimeout(done, 400))")
    assert where(page)[0] == step
    set_slider(page, 'input[aria-label="step"]', 149)
    page.keys(APP, " ")
    page.run("return new Promise((done) => setTimeout(done, 600))")
    assert where(page) == (150, "update")
    assert page.text('button[data-action="play"]') == "Play"


@pytest.mark.parametrize("t", [0, 99])
def test_units_and_lines_show_the_steps_numbers(page, recording, t):
    step = recording[t]
    set_slider(page, 'input[aria-label="step"]', t + 1)
    press(page, "backward")
    assert numbers(page, ".skb-a") == [float(f"{v:.3g}") for l in (0, 1, 2) for v in step.a[l]]
    shown = numbers(page, ".skb-delta")
    np.testing.assert_allclose(shown, [*step.delta[1], *step.delta[2]], rtol=0.05)  # two digits or three
    y, a, slope = step.y[0], step.a[2][0], step.derivative[2][0]
    text = page.text('.skb-lines li[data-phase="backward"] span')
    assert text.startswith(f"δ²₁ = 2 ({a:#.3g} − {y:g}) · {slope:#.3g} = ")
    press(page, "update")
    new = float(page.text('.skb-lines li[data-phase="update"] span').split("=")[-1].replace("−", "-"))
    assert new == pytest.approx(step.W_after[2][0, 0], rel=1e-4)


def test_an_edge_shows_its_derivative(page, recording):
    set_slider(page, 'input[aria-label="step"]', 5)
    page.run("document.querySelector('[data-edge=\"1,2,1\"]').dispatchEvent(new Event('click'))")
    step, text = recording[4], page.text(".skb-details")
    assert text.startswith("∂f/∂W¹₃,₂ = δ¹₃ · a⁰₂ = ")
    assert float(text.split(";")[0].split("= ")[-1].replace("−", "-")) == pytest.approx(step.grad_W[1][2, 1], rel=0.01)
    assert float(text.split("→ ")[-1].replace("−", "-")) == pytest.approx(step.W_after[1][2, 1], rel=1e-4)


def test_a_unit_shows_all_it_has_by_mouse_and_by_key(page, recording):
    step = recording[0]
    page.click('[data-unit="1,3"]')
    text = page.text(".skb-details")
    assert text.startswith("unit 4 of layer 1, logistic: z¹₄ = ")
    for name, value in (("σ′(z) = ", step.derivative[1][3]), ("δ¹₄ = ", step.delta[1][3])):
        shown = text.split(name)[1].split(",")[0].split("∂")[0].replace("−", "-")
        assert float(shown) == pytest.approx(value, rel=0.01)
    assert text.count("∂f/∂W¹₄") == 2 and text.count("∂f/∂b¹₄") == 1
    page.keys('[data-unit="2,0"]', "\ue007")  # Enter
    assert page.text(".skb-details").startswith("unit 1 of layer 2 (class 1), logistic")
    page.keys(APP, "\ue00c")  # Escape
    assert page.text(".skb-details") == ""


def test_another_tau_recomputes_the_update(page, recording):
    """A small τ lowers the drawn sample's loss, a large one overshoots or saturates: as trace_step says."""
    t = 3
    step, row = recording[t], recording.draws[t]
    set_slider(page, 'input[aria-label="step"]', t + 1)
    before, after = (float(part.split()[0]) for part in page.text(".skb-summary").split("sample: ")[1].split("step, "))
    assert before == pytest.approx(step.loss, rel=0.01)
    assert after == pytest.approx(step.loss_after, rel=0.01)
    model = BackpropClassifier((5,), random_state=0).partial_fit(X, Y, classes=[0, 1])
    model.coefs_, model.intercepts_ = [step.W[l].T for l in (1, 2)], [step.b[l] for l in (1, 2)]
    for power in (-1, 0.5, 2):
        set_slider(page, TAU, power)
        other = trace_step(model, X[row], Y[row], learning_rate=0.5 * 10**power)
        shown = float(page.text(".skb-summary").split("step, ")[1].split()[0].replace("−", "-"))
        assert shown == pytest.approx(other.loss_after, rel=0.01, abs=1e-9)
        assert "recomputed" in page.text(".skb-tau output")
    press(page, "draw")
    assert "as in the training" in page.text(".skb-tau output")


def test_a_live_region_says_what_happened(page):
    press(page, "backward")
    assert page.run("return document.querySelector('[aria-live=polite]').textContent").startswith(
        "Step 1, backward. δ²₁"
    )
    names = page.run(
        "return Array.from(document.querySelectorAll('[role=button]'), (e) => e.getAttribute('aria-label'))"
    )
    assert names[0].startswith("x₁: a = ")
    assert names[-1].startswith("unit 1 of layer 2 (class 1): a = ")
    unnamed = (
        "return Array.from(document.querySelectorAll('button, input, select')).filter("
        "(e) => !e.textContent && !e.ariaLabel).length"
    )
    assert page.run(unnamed) == 0


def test_the_plane_has_samples_lines_and_one_ring(page):
    count = "return document.querySelectorAll(arguments[0]).length"
    assert page.run(count, ".skb-plane .skb-sample") == len(X)
    assert page.run(count, ".skb-plane .skb-ring") == 1
    assert 1 <= page.run(count, ".skb-plane .skb-line") <= 5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_theme_and_width(window, saved, dark, width):
    window.open(saved, width=width, dark=dark)
    assert window.run("return document.documentElement.scrollWidth") <= width
    channels = window.run("return getComputedStyle(document.querySelector('.skb-app')).backgroundColor.match(/\\d+/g)")
    assert (int(channels[0]) < 128) == dark
    stacked = window.run(
        "const [a, b] = document.querySelectorAll('.skb-views > *'); return b.getBoundingClientRect().top > "
        "a.getBoundingClientRect().bottom - 1"
    )
    assert stacked == (width == 390)
    for theme, darkness in (("light", False), ("dark", True)):  # the documentation's theme has the last word
        window.run("document.documentElement.dataset.theme = arguments[0]", theme)
        color = "return getComputedStyle(document.querySelector('.skb-app')).backgroundColor.match(/\\d+/g)[0] < 128"
        assert window.run(color) == darkness
    assert window.errors() == []


def test_with_reduced_motion_the_film_is_slow(window, saved):
    window.open(saved, reduced_motion=True)
    press(window, "play")
    window.run("return new Promise((done) => setTimeout(done, 700))")
    assert where(window)[0] == 1


def test_without_scripts_there_is_a_table(window, saved):
    window.open(saved, scripts=False)
    tree = window.devtools("DOM.getDocument")
    found = window.devtools("DOM.querySelectorAll", nodeId=tree["root"]["nodeId"], selector=".skb-static table")
    assert len(found["nodeIds"]) == 2
    found = window.devtools("DOM.querySelectorAll", nodeId=tree["root"]["nodeId"], selector=".skb-app")
    assert found["nodeIds"] == []


def test_two_on_one_page_do_not_meet(window, recording, tmp_path):
    model = BackpropClassifier((2,), random_state=0).partial_fit(X, Y, classes=[0, 1])
    path = tmp_path / "two.html"
    body = recording._repr_html_() + trace_step(model, X[0], Y[0])._repr_html_()
    path.write_text(_page.document(body, "two"), "utf-8")
    window.open(path)
    first, second = (f"return document.querySelectorAll('.skb-app')[{k}].dataset.phase" for k in (0, 1))
    window.run("document.querySelectorAll('.skb-app')[1].querySelector('button[data-action=backward]').click()")
    assert (window.run(first), window.run(second)) == ("draw", "backward")
    assert window.run("return document.querySelectorAll('.skb-app')[1].querySelectorAll('button').length") == 4
    assert window.errors() == []


def open_record(window, tmp_path, *args, **kwargs):
    recording = record(*args, **kwargs)
    recording.save(tmp_path / "page.html")
    window.open(tmp_path / "page.html")
    return recording


def test_a_large_network_is_folded_into_heat_maps(window, tmp_path):
    digits, y = load_digits(return_X_y=True)
    recording = open_record(window, tmp_path, BackpropClassifier((20,), random_state=0), digits / 16, y, n_steps=12)
    step = recording[0]
    assert window.run("return document.querySelectorAll('canvas[data-layer]').length") == 2
    window.click("canvas[data-layer='2']")  # its middle
    layer, unit, given = (
        int(window.run("return document.querySelector(arguments[0]).value", f".skb-picker [aria-label={name}]"))
        for name in ("layer", "unit", "input")
    )
    assert (layer, unit in (5, 6), given in (10, 11)) == (2, True, True)
    new = float(window.text(".skb-details").split("→ ")[-1].replace("−", "-"))
    assert new == pytest.approx(step.W_after[2][unit - 1, given - 1], rel=1e-4)
    for name, value in (("layer", 1), ("unit", 7), ("input", 3)):
        window.run(
            "const f = document.querySelector(arguments[0]);"
            "f.value = arguments[1]; f.dispatchEvent(new Event('change'))",
            f".skb-picker [aria-label={name}]",
            value,
        )
    assert "∂f/∂W¹₇,₃ = δ¹₇ · a⁰₃ = " in window.text(".skb-details")
    press(window, "backward")
    assert "δ²: " in window.text(".skb-network")
    assert window.errors() == []


def test_regression_of_one_feature_has_its_curve(window, tmp_path):
    x = np.linspace(-2, 2, 40)[:, np.newaxis]
    model = BackpropRegressor((4,), activation="tanh", random_state=0)
    open_record(window, tmp_path, model, x, np.sin(x[:, 0]), n_steps=30)
    count = "return document.querySelectorAll(arguments[0]).length"
    assert window.run(count, ".skb-plane .skb-prediction") == 1
    assert window.run(count, ".skb-plane .skb-part") == 4
    assert window.run(count, ".skb-plane .skb-sample") == 40
    assert window.errors() == []


def test_names_of_features_and_classes(window, tmp_path):
    iris, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "<i>versicolor</i>", "virginica"])[y]
    recording = open_record(window, tmp_path, BackpropClassifier((3,), random_state=0), iris, names, n_steps=5)
    text = window.text(".skb-network")
    assert "sepal length (cm)" in text and "<i>versicolor</i>" in text
    assert names[recording.draws[0]] in window.text('.skb-lines li[data-phase="draw"] span')
    press(window, "backward")
    assert window.text(".skb-lines li[aria-current] code") == "δᴸ = ∇f(aᴸ) ⊙ σ′(zᴸ)"
    assert window.errors() == []


LABELS = np.column_stack([Y, X[:, 0] > 0, X[:, 1] > 0]).astype(int)
KINDS = {
    "one neuron": (BackpropClassifier(()), X, Y),
    "two hidden layers": (BackpropClassifier((4, 3), ["tanh", "relu"]), X, Y),
    "softmax": (BackpropClassifier((3,), loss="log_loss"), X, LABELS.sum(axis=1)),
    "multilabel": (BackpropClassifier((3,)), X, LABELS),
    "class weights": (BackpropClassifier((3,), sampling="shuffle", class_weight={0: 2.0, 1: 1.0}), X, Y),
    "L2 penalty": (BackpropClassifier((3,), alpha=0.1), X, Y),
    "regression on a plane": (BackpropRegressor((3,)), X, X[:, 0] - X[:, 1]),
    "counts": (BackpropRegressor((3,), loss="poisson"), X, LABELS.sum(axis=1)),
    "two outputs": (BackpropRegressor((3,), "gelu"), X, X),
    "a wide layer": (BackpropRegressor((40,)), X[:, :1], X[:, 1]),
    "autoencoder": (BackpropAutoencoder(hidden_layer_sizes=(1,)), X, None),
    "one sample": (BackpropRegressor((2,)), X[:1], [1.0]),
    "equal inputs": (BackpropRegressor((2,)), np.ones((5, 2)), np.ones(5)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_shows_its_numbers(window, tmp_path, kind):
    model, inputs, y = KINDS[kind]
    recording = open_record(window, tmp_path, model.set_params(random_state=0), inputs, y, n_steps=12)
    for t, key in ((0, "b"), (10, "tb")):
        window.keys(APP, key)
        (line,) = window.run(
            "return Array.from(document.querySelectorAll('[aria-current] span'), (e) => e.textContent)"
        )
        focus = int(np.argmax(abs(recording[t].delta[len(recording[t].z)].astype("f4"))))
        shown = float(line.split("= ")[-1].replace("−", "-"))
        assert shown == pytest.approx(recording[t].delta[len(recording[t].z)][focus], rel=0.05)
    before = float(window.text(".skb-summary").split("sample: ")[1].split()[0].replace("−", "-"))
    assert before == pytest.approx(recording[10].loss, rel=0.05, abs=1e-12)
    set_slider(window, TAU, 1)
    for text in ("NaN", "undefined", "null"):
        assert text not in window.text(APP)
        assert f'"{text}' not in window.run("return document.querySelector('.skb-app').outerHTML")
    assert window.errors() == []
