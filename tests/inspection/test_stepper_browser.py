"""The page of recorded steps in a real browser: every button, slider and key, both themes, a narrow window."""

import itertools

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
    """The step, from 1, and the lit line; of one that has not yet been through all layers, the layer too."""
    heading = window.text(".skb-heading")
    lit = window.run("return document.querySelector('.skb-lines li[aria-current]').dataset.phase")
    layer = window.run("return document.querySelector('svg .skb-layer.skb-active')?.textContent")
    return int(heading.split()[1]), lit + (f" {layer.split(',')[0].split()[1]}" if layer else "")


def count(window, css):
    return window.run("return document.querySelectorAll(arguments[0]).length", css)


def hold_the_clock(window):
    """From now on, the film moves by `tick` alone; window.pace is the milliseconds from one to the next."""
    window.run(
        "window.setInterval = (f, ms) => { [window.tick, window.pace] = [f, ms]; return 1; };"
        "window.clearInterval = () => { window.tick = () => {}; };"
    )


def tick(window, times=1):
    window.run("for (let k = 0; k < arguments[0]; k++) window.tick()", times)


def wait(window, milliseconds):
    window.run("return new Promise((done) => setTimeout(done, arguments[0]))", milliseconds)


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


def choose(window, label, value):
    window.run(
        "const s = Array.from(document.querySelectorAll('select')).find((e) => e.ariaLabel === arguments[0]);"
        "s.value = arguments[1]; s.dispatchEvent(new Event('change'));",
        label,
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
        ("\ue014", (1, "forward 1")),  # arrow to the right
        ("n", (1, "forward 2")),
        ("\ue014", (1, "backward 2")),
        ("\ue012", (1, "forward 2")),  # arrow to the left
        ("pp", (1, "draw")),
        ("\ue010", (150, "update")),  # End
        ("\ue012", (150, "update 2")),
    ]:
        page.keys(APP, key)
        assert where(page) == place, key


def test_next_and_back_go_line_by_line_through_the_layers(page):
    order = ["draw", "forward 1", "forward 2", "backward 2", "backward 1", "update 2", "update 1"]
    places = [(t, line) for t in (1, 2) for line in order]
    assert page.run("return document.querySelector(arguments[0]).disabled", 'button[data-action="back"]')
    for place in places[1:]:
        press(page, "next")
        assert where(page) == place
    for place in places[-2::-1]:
        press(page, "back")
        assert where(page) == place
    for k, line in enumerate(order):
        set_slider(page, 'input[aria-label="line"]', k)
        assert where(page) == (1, line)


def test_values_appear_layer_by_layer_and_the_active_term_is_lit(page, recording):
    step = recording[0]
    for place, n_a, n_delta, symbol, term in [
        (0, 2, 0, "sample", "it ~ unif(1, …, n)"),
        (1, 7, 0, "z¹", "zl = Wl al−1 + bl"),
        (2, 8, 0, "z²", "zl = Wl al−1 + bl"),
        (3, 8, 1, "δ²", "δL = ∇f(aL) ⊙ σ′(zL)"),
        (4, 8, 6, "δ¹", "δl = [(Wl+1)ᵀ δl+1] ⊙ σ′(zl)"),
        (5, 8, 6, "W²", "Wl ← Wl − τ δl (al−1)ᵀ"),
        (6, 8, 6, "W¹", "Wl ← Wl − τ δl (al−1)ᵀ"),
    ]:
        set_slider(page, 'input[aria-label="line"]', place)
        assert (count(page, ".skb-a"), count(page, ".skb-unit .skb-delta")) == (n_a, n_delta)
        assert page.text(".skb-lines li[aria-current] > span").startswith(symbol)
        assert page.text(".skb-lines .skb-active") == term
        titles = page.run("return Array.from(document.querySelectorAll('.skb-edge title'), (e) => e.textContent)")
        assert sum("changed by" in title for title in titles) == (0, 0, 0, 0, 0, 5, 15)[place]
    assert count(page, ".skb-changes line") == 15
    set_slider(page, 'input[aria-label="line"]', 5)  # so far, the update has changed layer 2 alone
    shown = {
        title.split(" = ")[0]: title
        for title in page.run("return Array.from(document.querySelectorAll('.skb-edge title'), (e) => e.textContent)")
    }
    number = float(shown["W²₁,₂"].split(" = ")[1].split(",")[0].replace("−", "-"))
    assert number == pytest.approx(step.W_after[2][0, 1], rel=0.01)
    number = float(shown["W¹₁,₂"].split(" = ")[1].replace("−", "-"))
    assert number == pytest.approx(step.W[1][0, 1], rel=0.01)


def test_a_chosen_weight_lights_its_product(page, recording):
    press(page, "forward")
    assert count(page, ".skb-lines .skb-term") == 0
    page.run("document.querySelector('[data-edge=\"2,0,4\"]').dispatchEvent(new Event('click'))")
    step = recording[0]
    weight, a = (float(text.strip("()").replace("−", "-")) for text in page.text(".skb-lines .skb-term").split(" · "))
    assert weight == pytest.approx(abs(step.W[2][0, 4]), rel=0.01)  # its sign stands before
    assert a == pytest.approx(step.a[1][4], rel=0.01)


def test_the_slider_goes_to_every_step(page):
    set_slider(page, 'input[aria-label="step"]', 77)
    assert where(page) == (77, "update")
    page.keys('input[aria-label="step"]', "\ue014")  # the slider's own arrow
    assert where(page) == (78, "update")


def test_play_runs_to_the_end_and_pauses(page):
    hold_the_clock(page)
    press(page, "play")
    assert page.text('button[data-action="play"]') == "Pause"
    tick(page, 3)
    press(page, "play")
    assert page.text('button[data-action="play"]') == "Play"
    assert where(page) == (3, "update")
    tick(page)
    assert where(page) == (3, "update")
    set_slider(page, 'input[aria-label="step"]', 149)
    page.keys(APP, " ")
    tick(page, 3)
    assert where(page) == (150, "update")
    assert page.text('button[data-action="play"]') == "Play"


def test_play_goes_line_by_line_where_that_is_chosen(page):
    hold_the_clock(page)
    choose(page, "pace", "lines")
    press(page, "play")
    lit = []
    for _ in range(6):
        tick(page)
        lit.append(where(page)[1])
    assert lit == ["forward 1", "forward 2", "backward 2", "backward 1", "update 2", "update 1"]


@pytest.mark.parametrize("t", [0, 99])
def test_units_and_lines_show_the_steps_numbers(page, recording, t):
    step = recording[t]
    set_slider(page, 'input[aria-label="step"]', t + 1)
    press(page, "backward")
    assert numbers(page, ".skb-a") == [float(f"{v:.3g}") for l in (0, 1, 2) for v in step.a[l]]
    shown = numbers(page, ".skb-unit .skb-delta")
    np.testing.assert_allclose(shown, [*step.delta[1], *step.delta[2]], rtol=0.05)  # two digits or three
    y, a, slope = step.y[0], step.a[2][0], step.derivative[2][0]
    text = page.text('.skb-lines li[data-phase="backward"] > span')
    assert text.startswith(f"δ²₁ = 2 ({a:#.3g} − {y:g}) · {slope:#.3g} = ")
    press(page, "update")
    new = float(page.text('.skb-lines li[data-phase="update"] > span').split("=")[-1].replace("−", "-"))
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
        assert page.text("[aria-live=polite]").startswith("τ = ")
        assert page.text(".skb-summary") in page.text("[aria-live=polite]")
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
    assert count(page, ".skb-plane .skb-sample") == len(X)
    assert count(page, ".skb-plane .skb-ring") == 1
    assert 1 <= count(page, ".skb-plane .skb-line") <= 5


def test_hidden_features_have_their_view(page, recording):
    """Of more than two, any two: each sample is where its features are."""
    assert count(page, ".skb-hidden .skb-sample") == len(X)
    assert count(page, ".skb-hidden .skb-line") == 0
    for label, k in (("to the right", 4), ("upward", 2)):
        choose(page, f"hidden feature, {label}", k)
    step = recording[0]
    ticks = page.run("return Array.from(document.querySelectorAll('.skb-hidden .skb-tick'), (e) => e.textContent)")
    assert ticks[4:] == ["a¹₅", "a¹₃"]
    low, high = (float(text.replace("−", "-")) for text in ticks[:2])
    place = "const r = document.querySelector('.skb-hidden .skb-ring'); return [r.cx.baseVal.value, r.cy.baseVal.value]"
    frame = (
        "const f = document.querySelector('.skb-hidden .skb-frame');"
        "return [f.x.baseVal.value, f.y.baseVal.value, f.width.baseVal.value, f.height.baseVal.value]"
    )
    (cx, cy), (x, y, width, height) = page.run(place), page.run(frame)
    assert low + (cx - x) / width * (high - low) == pytest.approx(step.a[1][4], abs=0.01)
    assert high - (cy - y) / height * (high - low) == pytest.approx(step.a[1][2], abs=0.01)


def test_two_hidden_features_have_the_outputs_line(window, tmp_path):
    open_record(window, tmp_path, BackpropClassifier((3, 2), random_state=0), X, Y, n_steps=3)
    assert count(window, ".skb-hidden canvas") == 1
    assert count(window, ".skb-hidden select") == 0
    open_record(window, tmp_path, BackpropClassifier((1,), random_state=0), X, Y, n_steps=3)
    assert count(window, ".skb-hidden .skb-sample") == len(X)
    assert window.errors() == []


def test_it_asks_the_network_for_nothing(page):
    press(page, "play")
    wait(page, 200)
    press(page, "play")
    assert page.run("return performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_theme_and_width(window, saved, dark, width):
    window.open(saved, width=width, dark=dark)
    assert window.run("return document.documentElement.scrollWidth") <= width
    channels = window.run("return getComputedStyle(document.querySelector('.skb-app')).backgroundColor.match(/\\d+/g)")
    assert (int(channels[0]) < 128) == dark
    stacked = window.run(
        "const [a, b] = document.querySelectorAll('.skb-main > *'); return b.getBoundingClientRect().top > "
        "a.getBoundingClientRect().bottom - 1"
    )
    assert stacked == (width == 390)
    assert window.errors() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(
    ("where", "name", "themes"),
    [
        ("documentElement", "data-theme", ("light", "dark")),  # the documentation
        ("documentElement", "theme", ("light", "dark")),  # Colab
        ("body", "data-jp-theme-light", ("true", "false")),  # JupyterLab
        ("body", "class", ("vscode-light", "vscode-dark")),  # VS Code
    ],
)
def test_the_theme_around_it_has_the_last_word(window, saved, where, name, themes, dark):
    window.open(saved, dark=dark)
    color = "return getComputedStyle(document.querySelector('.skb-app')).backgroundColor.match(/\\d+/g)[0] < 128"
    for theme, darkness in zip(themes, (False, True), strict=True):
        window.run("document[arguments[0]].setAttribute(arguments[1], arguments[2])", where, name, theme)
        assert window.run(color) == darkness
    assert window.errors() == []


def luminance(color):
    """Of a colour of sRGB, as the guidelines for accessible pages define it."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.array(color) / 255]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("dark", [False, True])
def test_its_texts_stand_out_from_what_is_behind_them(window, saved, dark):
    """A contrast of 4.5 : 1 at least."""
    window.open(saved, dark=dark)
    colors = window.run(
        "const probe = document.querySelector('.skb-app > [hidden]');"
        "return Object.fromEntries(arguments[0].map((name) => ["
        "name, (probe.style.color = `var(--skb-${name})`, getComputedStyle(probe).color.match(/\\d+/g).map(Number))]))",
        ["text", "quiet", "forward", "backward", "back", "box", "lit", "active"],
    )

    for front, behind in (
        *itertools.product(("text", "forward", "backward"), ("back", "box", "lit", "active")),
        ("quiet", "back"),
    ):
        low, high = sorted((luminance(colors[front]), luminance(colors[behind])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (front, behind)


def test_it_works_in_a_frame(window, saved, tmp_path):
    """As some notebooks show their output."""
    path = tmp_path / "frame.html"
    page = saved.read_text("utf-8").replace("&", "&amp;").replace('"', "&quot;")
    path.write_text(f'<!doctype html><meta charset="utf-8"><iframe srcdoc="{page}" width="380"></iframe>', "utf-8")
    window.open(path, width=400)
    inside = "const d = document.querySelector('iframe').contentDocument; "
    window.run(inside + "d.querySelector('button[data-action=backward]').click()")
    assert window.run(inside + "return d.querySelector('.skb-app').dataset.phase") == "backward"
    assert window.run(inside + "return d.documentElement.scrollWidth <= 380")
    assert window.errors() == []


def test_with_reduced_motion_the_film_is_slow(window, saved):
    paces = {}
    for reduced in (False, True):
        window.open(saved, reduced_motion=reduced)
        hold_the_clock(window)
        for pace in ("steps", "lines"):
            choose(window, "pace", pace)
            press(window, "play")
            paces[pace, reduced] = window.run("return window.pace")
            press(window, "play")
    assert paces == {("steps", False): 120, ("lines", False): 1100, ("steps", True): 1000, ("lines", True): 2500}


def test_without_scripts_there_is_a_table(window, saved):
    window.open(saved, scripts=False)
    tree = window.devtools("DOM.getDocument")
    found = window.devtools("DOM.querySelectorAll", nodeId=tree["root"]["nodeId"], selector=".skb-static > table")
    assert len(found["nodeIds"]) == 2  # the course of the training, and the first step
    found = window.devtools("DOM.querySelectorAll", nodeId=tree["root"]["nodeId"], selector=".skb-app")
    assert found["nodeIds"] == []


@pytest.mark.parametrize("scripts", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_table_of_one_step_fits(window, tmp_path, width, scripts):
    """Where a row is wider than the window, it scrolls in its own frame."""
    iris, y = load_iris(return_X_y=True, as_frame=True)
    step = trace_step(BackpropClassifier((12,), random_state=0).partial_fit(iris, y, classes=[0, 1, 2]), iris[:1], 0)
    path = tmp_path / "step.html"
    path.write_text(_page.document(step._repr_html_() if scripts else _page.styled(step._table()), "step"), "utf-8")
    window.open(path, width=width)
    if scripts:
        assert not window.run("return document.querySelector('details').open")
        window.click("summary")
    assert window.run("return document.querySelector('.skb-step').getBoundingClientRect().height") > 500
    assert window.run("return document.documentElement.scrollWidth") <= width
    scrolls = "return Array.from(document.querySelectorAll('.skb-numbers'), (e) => e.scrollWidth > e.clientWidth)"
    assert any(window.run(scrolls)) == (width == 390)
    assert window.errors() == []


def test_two_on_one_page_do_not_meet(window, recording, tmp_path):
    model = BackpropClassifier((2,), random_state=0).partial_fit(X, Y, classes=[0, 1])
    path = tmp_path / "two.html"
    body = recording._repr_html_() + trace_step(model, X[0], Y[0])._repr_html_()
    path.write_text(_page.document(body, "two"), "utf-8")
    window.open(path)
    first, second = (f"return document.querySelectorAll('.skb-app')[{k}].dataset.phase" for k in (0, 1))
    window.run("document.querySelectorAll('.skb-app')[1].querySelector('button[data-action=backward]').click()")
    assert (window.run(first), window.run(second)) == ("draw", "backward")
    assert window.run("return document.querySelectorAll('.skb-app')[1].querySelectorAll('button').length") == 6
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
    assert count(window, "canvas[data-unit]") == 30
    assert count(window, ".skb-image canvas") == 21  # the sample, and layer 1
    size = "const c = document.querySelector(arguments[0]); return [c.width, c.height]"
    assert window.run(size, "canvas[data-unit='1,0']") == [8, 8]
    assert window.run(size, "canvas[data-unit='2,0']") == [20, 1]
    assert window.run("return Array.from(document.querySelectorAll('.skb-strip .skb-name'), (e) => e.textContent)") == [
        f"class {k}" for k in range(10)
    ]
    window.click("canvas[data-unit='2,4']")  # its middle
    layer, unit, given = (
        int(window.run("return document.querySelector(arguments[0]).value", f".skb-picker [aria-label={name}]"))
        for name in ("layer", "unit", "input")
    )
    assert (layer, unit, given in (10, 11)) == (2, 5, True)
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
    np.testing.assert_allclose(numbers(window, ".skb-strip .skb-a"), step.a[2], rtol=0.01)
    np.testing.assert_allclose(numbers(window, ".skb-image .skb-delta"), step.delta[1], rtol=0.01)
    assert window.errors() == []


@pytest.mark.parametrize("layer", [1, 2])
def test_a_pixel_is_a_weight(window, tmp_path, layer):
    """Its colour is the weight's, red above 0, blue below."""
    digits, y = load_digits(return_X_y=True)
    recording = open_record(window, tmp_path, BackpropClassifier((20,), random_state=0), digits / 16, y, n_steps=2)
    W = recording[0].W[layer]
    pixels = window.run(
        "const c = document.querySelector(arguments[0]);"
        "return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)",
        f"canvas[data-unit='{layer},3']",
    )
    red, _, blue, _ = np.array(pixels).reshape(-1, 4).T
    large = abs(W[3]) > 0.1 * abs(W).max()
    assert large.any() and np.array_equal((red > blue)[large], (W[3] > 0)[large])


def test_regression_of_one_feature_has_its_curve(window, tmp_path):
    x = np.linspace(-2, 2, 40)[:, np.newaxis]
    model = BackpropRegressor((4,), activation="tanh", random_state=0)
    open_record(window, tmp_path, model, x, np.sin(x[:, 0]), n_steps=30)
    assert count(window, ".skb-plane .skb-prediction") == 1
    assert count(window, ".skb-plane .skb-part") == 4
    assert count(window, ".skb-plane .skb-sample") == 40
    assert window.errors() == []


def test_names_of_features_and_classes(window, tmp_path):
    iris, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "<i>versicolor</i>", "virginica"])[y]
    recording = open_record(window, tmp_path, BackpropClassifier((3,), random_state=0), iris, names, n_steps=5)
    text = window.text(".skb-network")
    assert "sepal length (cm)" in text and "<i>versicolor</i>" in text
    assert names[recording.draws[0]] in window.text('.skb-lines li[data-phase="draw"] > span')
    legend = window.run("return Array.from(document.querySelectorAll('.skb-class'), (e) => e.textContent)")
    assert legend == ["<i>versicolor</i>", "setosa", "virginica"]
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
            "return Array.from(document.querySelectorAll('[aria-current] > span'), (e) => e.textContent)"
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
