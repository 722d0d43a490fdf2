/* The page of recorded steps (skbackprop.inspection.record). The numbers of a step are the kernel's; what is computed
   here is what changes with the reader: the losses of all samples, the plane, and the update with another τ. */
var skbackpropStepper = (function () {
  "use strict";

  // ---- arithmetic ------------------------------------------------------------------------------------------------

  /** The complementary error function; relative error below 1.2e-7 (Press et al., Numerical Recipes, 6.2). */
  function erfc(x) {
    const t = 1 / (1 + 0.5 * Math.abs(x));
    const c = [
      0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368,
      -1.26551223,
    ];
    const value = t * Math.exp(-x * x + c.reduce((sum, next) => sum * t + next));
    return x < 0 ? 2 - value : value;
  }

  const logistic = (z) => 1 / (1 + Math.exp(-z));

  /** σ by name; a softmax, which acts on a whole layer, is in `forward`. */
  const ACTIVATIONS = {
    identity: (z) => z,
    logistic,
    tanh: Math.tanh,
    relu: (z) => Math.max(z, 0),
    leaky_relu: (z) => (z < 0 ? 0.01 * z : z),
    softplus: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
    silu: (z) => z * logistic(z),
    gelu: (z) => (z * erfc(-z / Math.SQRT2)) / 2,
    exp: Math.exp,
  };

  /** Where W^l and b^l begin in the parameters of a step, and z^l in its values. */
  function layout(sizes) {
    const W = [0],
      b = [0],
      z = [0];
    let parameter = 0,
      value = 0;
    for (let l = 1; l < sizes.length; l++) {
      W.push(parameter);
      parameter += sizes[l] * sizes[l - 1];
      b.push(parameter);
      parameter += sizes[l];
      z.push(value);
      value += 4 * sizes[l]; // z, a, σ', δ
    }
    return { sizes, W, b, z, nParams: parameter, nValues: value };
  }

  /** z^l = W^l a^(l-1) + b^l, a^l = σ(z^l): lists by layer, from the first on, of which x is the input. */
  function forward(net, activations, params, x, first = 1) {
    const z = [],
      a = [];
    a[first - 1] = x;
    for (let l = first; l < net.sizes.length; l++) {
      const m = net.sizes[l],
        n = net.sizes[l - 1],
        below = a[l - 1],
        zl = new Float64Array(m);
      for (let j = 0, at = net.W[l]; j < m; j++) {
        let sum = params[net.b[l] + j];
        for (let k = 0; k < n; k++) sum += params[at++] * below[k];
        zl[j] = sum;
      }
      z[l] = zl;
      if (activations[l - 1] === "softmax") {
        const largest = Math.max(...zl),
          e = zl.map((v) => Math.exp(v - largest));
        const total = e.reduce((s, v) => s + v, 0);
        a[l] = e.map((v) => v / total);
      } else a[l] = zl.map(ACTIVATIONS[activations[l - 1]]);
    }
    return { z, a };
  }

  /** f_i for each of the kernel's losses, of an output's error e, its z, a and y; f_i is their sum. */
  const LOSSES = {
    squared_error: (e) => e * e,
    absolute_error: Math.abs,
    huber: (e) => (Math.abs(e) <= 1 ? e * e : 2 * Math.abs(e) - 1),
    quantile: (e, z, a, y, q) => (e > 0 ? (1 - q) * e : -q * e),
    poisson: (e, z, a, y) => e + (y > 0 ? y * Math.log(y / a) : 0),
    binary_log_loss: (e, z, a, y) => ACTIVATIONS.softplus(z) - y * z,
    multinomial_log_loss: (e, z, a, y) => (y > 0 ? -y * Math.log(a) : 0),
  };

  function loss(name, quantile, z, a, y) {
    let sum = 0;
    for (let k = 0; k < a.length; k++) sum += LOSSES[name](a[k] - y[k], z[k], a[k], y[k], quantile);
    return sum;
  }

  /** W^l − τ (δ^l (a^(l-1))ᵀ + α W^l) and b^l − τ δ^l, where values holds z, a, σ', δ of the layers. */
  function updated(net, params, values, x, tau, alpha) {
    const next = Float64Array.from(params);
    for (let l = 1; l < net.sizes.length; l++) {
      const m = net.sizes[l],
        n = net.sizes[l - 1],
        delta = net.z[l] + 3 * m;
      for (let j = 0, at = net.W[l]; j < m; j++) {
        for (let k = 0; k < n; k++, at++) {
          const a = l === 1 ? x[k] : values[net.z[l - 1] + n + k];
          next[at] -= tau * (values[delta + j] * a + alpha * params[at]);
        }
        next[net.b[l] + j] -= tau * values[delta + j];
      }
    }
    return next;
  }

  /** Little-endian float32 in base64. */
  function decode(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Float32Array.from({ length: bytes.length / 4 }, (_, k) => view.getFloat32(4 * k, true));
  }

  // ---- texts -----------------------------------------------------------------------------------------------------

  /** Three significant digits, with a proper minus. */
  function number(v) {
    if (v === null || !Number.isFinite(v)) return v === Infinity ? "∞" : v === -Infinity ? "−∞" : "–";
    if (v === 0) return "0";
    const size = Math.abs(v);
    const text = size >= 1e5 || size < 1e-4 ? v.toExponential(1).replace("e+", "e") : v.toPrecision(3);
    return (text.includes("e") && size < 1e5 && size >= 1e-4 ? String(Math.round(v)) : text).replace(/-/g, "−");
  }

  /** The same without zeros at the end, for what was given and not computed. */
  const givenNumber = (v) =>
    (Math.abs(v) >= 1e-4 && Math.abs(v) < 1e5 ? String(Number(v.toPrecision(3))) : number(v)).replace("-", "−");
  /** A number that fits into a unit's box. */
  const shortNumber = (v) =>
    number(v).length <= 8 ? number(v) : v.toExponential(1).replace("e+", "e").replace(/-/g, "−");
  const bracketed = (v) => (v < 0 ? `(${number(v)})` : number(v));
  const raised = (n) => String(n).replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);
  const lowered = (...n) => n.join(",").replace(/\d/g, (d) => "₀₁₂₃₄₅₆₇₈₉"[d]);
  /** W²₁,₃ and the like; units count from 1. */
  const symbol = (name, l, ...units) => name + raised(l) + lowered(...units.map((j) => j + 1));

  /** A sum of products with its signs, 0.3 · 0.5 − 0.2 · 0.1 + …, as pieces of text; the lit product is an element. */
  function sumOf(products, lit) {
    const most = 3,
      shown = [...products.keys()].slice(0, most);
    if (lit >= most) shown[most - 1] = lit;
    const pieces = shown.flatMap((k, place) => {
      const [w, a] = products[k],
        gap = place > 0 && k > shown[place - 1] + 1 ? " + …" : "",
        sign = w < 0 ? (place ? " − " : "−") : place ? " + " : "",
        text = `${number(Math.abs(w))} · ${bracketed(a)}`;
      return [gap + sign, k === lit ? element("b", { class: "skb-term" }, text) : text];
    });
    return products.length > most ? [...pieces, ` + … (${products.length} terms)`] : pieces;
  }

  /** A formula in which ^ raises what follows up to a space, a comma or a bracket, and _ lowers one letter. */
  function formula(text) {
    const names = { "^": ["sup"], _: ["sub"], z: ["span", "skb-forward"], a: ["span", "skb-forward"] };
    names["δ"] = ["span", "skb-backward"];
    return text
      .split(/(\^[^\s),\]]+|_.|[zaδ])/)
      .filter(Boolean)
      .map((part) => {
        const [name, color] = names[part[0]] || [];
        return name ? element(name, { class: color || null }, part.replace(/^[\^_]/, "")) : part;
      });
  }

  /** Five digits, in which a small step shows. */
  const changeText = (from, to) => `${fiveDigits(from)} → ${fiveDigits(to)}`;
  const fiveDigits = (v) => (Number.isFinite(v) ? String(Number(v.toPrecision(5))).replace(/-/g, "−") : number(v));

  const signedText = (v) => (v < 0 ? ` − ${number(-v)}` : ` + ${number(v)}`);

  // ---- elements --------------------------------------------------------------------------------------------------

  function element(name, attributes, ...children) {
    const svg = ["svg", "g", "line", "rect", "circle", "text", "title", "polyline"].includes(name);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  }

  const PHASES = ["draw", "forward", "backward", "update"];
  /** How long the film shows a step, or with "line by line" a line, in milliseconds; the second, with reduced motion. */
  const PACES = { steps: [120, 1000], lines: [1100, 2500] };
  const FOLD = 16; // a layer of more units folds the graph into heat maps
  const MOST_UNITS = 100; // of a layer whose heat maps are shown
  const CLASS_COLORS = [
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
  ];

  // ---- the stepper -----------------------------------------------------------------------------------------------

  class Stepper {
    constructor(root) {
      const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
      this.root = root;
      this.data = data;
      this.net = layout(data.sizes);
      this.L = data.sizes.length - 1;
      this.T = data.draws.length;
      this.outputs = data.outputs.map((name) =>
        data.classes.length && /^[\d.]+$/.test(name) ? `class ${name}` : name,
      );
      data.rows ??= [...Array(data.n).keys()];
      for (const name of ["params", "values", "X", "Y"]) this[name] = decode(data[name]);
      for (const name of ["tau", "before", "after"]) data[name] = decode(data[name]);
      this.weights = data.weights && decode(data.weights);
      this.folded = Math.max(...data.sizes) > FOLD;
      this.t = 0;
      this.phase = 0;
      this.layer = null; // at which the phase has arrived; null: it is over
      this.moments = this.order();
      this.pick = null;
      this.timer = null;
      this.still = matchMedia("(prefers-reduced-motion: reduce)");
      // the script repeats the forward pass of every sample: not where that would take too long
      this.light = data.rows.length * this.net.nParams <= 2e6;
      this.build();
      this.watch();
      this.show();
    }

    // -- numbers of the shown step

    x(i) {
      return this.X.subarray(i * this.data.sizes[0], (i + 1) * this.data.sizes[0]);
    }
    y(i) {
      return this.Y.subarray(i * this.data.sizes[this.L], (i + 1) * this.data.sizes[this.L]);
    }
    paramsAt(t) {
      return this.params.subarray(t * this.net.nParams, (t + 1) * this.net.nParams);
    }
    valuesAt(t) {
      return this.values.subarray(t * this.net.nValues, (t + 1) * this.net.nValues);
    }
    get drawn() {
      return this.data.draws[this.t];
    }
    get tau() {
      return this.data.tau[this.t] * 10 ** Number(this.tauSlider.value);
    }
    get before() {
      return this.paramsAt(this.t);
    }

    /** The weights after the step: those recorded, or with another τ those of the script. */
    get after() {
      if (Number(this.tauSlider.value) === 0) return this.paramsAt(this.t + 1);
      return updated(this.net, this.before, this.valuesAt(this.t), this.x(this.drawn), this.tau, this.data.alpha);
    }

    /** z, a, σ' and δ of unit j in layer l; an input has only a. */
    unit(l, j) {
      if (l === 0) return { a: this.x(this.drawn)[j] };
      const m = this.net.sizes[l],
        at = this.net.z[l] + j,
        v = this.valuesAt(this.t);
      return { z: v[at], a: v[at + m], slope: v[at + 2 * m], delta: v[at + 3 * m] };
    }

    weight(params, l, j, k) {
      return params[this.net.W[l] + j * this.net.sizes[l - 1] + k];
    }
    bias(params, l, j) {
      return params[this.net.b[l] + j];
    }

    lossOf(params, i) {
      const { z, a } = forward(this.net, this.data.activations, params, this.x(i));
      const f = loss(this.data.loss, this.data.quantile, z[this.L], a[this.L], this.y(i));
      return this.weights ? f * this.weights[i] : f;
    }

    allLosses(params) {
      return this.data.rows.map((_, i) => this.lossOf(params, i));
    }

    /** The loss of the drawn sample after the step. */
    lossAfter(after) {
      return Number(this.tauSlider.value) === 0 ? this.data.after[this.t] : this.lossOf(after, this.drawn);
    }

    /** The unit whose numbers are put into the lines: the chosen one, else that of the largest δ. */
    get focus() {
      const { pick } = this,
        l = this.layer ?? (pick ? Math.max(pick.l, 1) : this.L);
      if (pick && Math.max(pick.l, 1) === l) return pick.l ? pick : { l, j: 0, k: pick.j };
      let best = 0;
      for (let j = 1; j < this.net.sizes[l]; j++) {
        if (Math.abs(this.unit(l, j).delta) > Math.abs(this.unit(l, best).delta)) best = j;
      }
      return { l, j: best };
    }

    /** The phases and layers of a step, in the order of the algorithm. */
    order() {
      const up = Array.from({ length: this.L }, (_, k) => k + 1),
        down = [...up].reverse();
      return [[0, null], ...up.map((l) => [1, l]), ...down.map((l) => [2, l]), ...down.map((l) => [3, l])];
    }

    /** The place in that order; where a phase is over, that of its last layer. */
    get place() {
      if (this.layer !== null) return this.moments.findIndex(([p, l]) => p === this.phase && l === this.layer);
      return this.moments.findLastIndex(([p]) => p === this.phase);
    }

    /** Whether a phase has been at a layer. */
    reached(phase, l) {
      if (this.phase !== phase || this.layer === null) return this.phase >= phase;
      return phase === 1 ? l <= this.layer : l >= this.layer;
    }

    /** The weights as far as the update has come. */
    shownOf(after) {
      if (this.phase < 3) return this.before;
      if (this.layer === null) return after;
      const params = Float64Array.from(after);
      params.set(this.before.subarray(0, this.net.W[this.layer]));
      return params;
    }

    activationName(l) {
      return this.data.activations[l - 1].replace("_", " ");
    }

    unitName(l, j) {
      if (l === 0) return this.data.features[j];
      const own = `unit ${j + 1} of layer ${l}`;
      return l === this.L ? `${own} (${this.outputs[j]})` : own;
    }

    targetText(i) {
      const y = [...this.y(i)],
        { classes } = this.data;
      if (classes.length === 2 && y.length === 1) return classes[y[0] > 0.5 ? 1 : 0];
      if (classes.length === y.length && y.filter((v) => v === 1).length === 1) return classes[y.indexOf(1)];
      return y.length > 4 ? `(${y.slice(0, 4).map(givenNumber).join(", ")}, …)` : y.map(givenNumber).join(", ");
    }

    // -- what the reader does

    go(t, phase, layer = null, quiet = false) {
      const moved = t !== this.t;
      this.t = Math.max(0, Math.min(this.T - 1, t));
      [this.phase, this.layer] = [phase, layer];
      if (moved) this.tauSlider.value = 0;
      this.show(quiet);
    }

    /** Some lines further, or back. */
    move(lines, quiet) {
      const place = this.place + lines,
        count = this.moments.length,
        t = this.t + Math.floor(place / count);
      if (t >= 0 && t < this.T) this.go(t, ...this.moments[(place + count) % count], quiet);
    }

    /** The next sample; of a single step, its beginning. */
    draw() {
      if (this.t < this.T - 1) this.go(this.t + 1, 0);
      else if (this.T === 1) this.go(0, 0);
    }

    get atEnd() {
      return this.t === this.T - 1 && this.place === this.moments.length - 1;
    }

    play() {
      if (this.timer !== null) return this.pause();
      if (this.atEnd) this.go(0, 0, null, true);
      const tick = () => {
        if (this.pace.value === "lines") this.move(1, true);
        else this.go(this.t + (this.phase === 3), 3, null, true);
        if (this.atEnd) this.pause();
      };
      this.timer = setInterval(tick, PACES[this.pace.value][Number(this.still.matches)]);
      this.show(true);
    }

    pause() {
      clearInterval(this.timer);
      this.timer = null;
      this.show();
    }

    choose(l, j, k) {
      this.pick = { l, j, k };
      this.show(true);
      this.say(this.details.textContent);
    }

    say(text) {
      this.live.textContent = text;
    }

    keys(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const tag = event.target.tagName,
        range = event.target.type === "range";
      if (tag === "SELECT" || (tag === "INPUT" && !range)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      if (key === " " && (tag === "BUTTON" || event.target.getAttribute("role") === "button")) return;
      if (range && (key.startsWith("Arrow") || key === "Home" || key === "End")) return;
      const action = {
        d: () => this.draw(),
        f: () => this.go(this.t, 1),
        b: () => this.go(this.t, 2),
        u: () => this.go(this.t, 3),
        t: () => this.go(this.t + 10, 3),
        e: () => this.go(this.t + this.data.epoch, 3),
        n: () => this.move(1),
        p: () => this.move(-1),
        ArrowRight: () => this.move(1),
        ArrowLeft: () => this.move(-1),
        Home: () => this.go(0, 0),
        End: () => this.go(this.T - 1, 3),
        Escape: () => {
          this.pick = null;
          this.show(true);
        },
        " ": () => this.T > 1 && this.play(),
      }[key];
      if (!action) return;
      event.preventDefault();
      event.stopPropagation();
      action();
    }

    // -- the page

    build() {
      const button = (name, text, key, action) =>
        element(
          "button",
          { type: "button", "data-action": name, "aria-keyshortcuts": key, title: `Key: ${key}`, onclick: action },
          text,
        );
      this.buttons = {
        back: button("back", "← Back", "ArrowLeft", () => this.move(-1)),
        next: button("next", "Next →", "ArrowRight", () => this.move(1)),
        draw: button("draw", "Draw", "D", () => this.draw()),
        forward: button("forward", "Forward", "F", () => this.go(this.t, 1)),
        backward: button("backward", "Backward", "B", () => this.go(this.t, 2)),
        update: button("update", "Update", "U", () => this.go(this.t, 3)),
        ten: button("ten", "Ten steps", "T", () => this.go(this.t + 10, 3)),
        epoch: button("epoch", "Epoch", "E", () => this.go(this.t + this.data.epoch, 3)),
        play: button("play", "Play", "Space", () => this.play()),
      };
      this.pace = element(
        "select",
        { "aria-label": "pace", onchange: () => this.timer !== null && (this.pause(), this.play()) },
        element("option", { value: "steps" }, "step by step"),
        element("option", { value: "lines" }, "line by line"),
      );
      const range = (label, min, max, step, value, oninput) =>
        element("input", { type: "range", "aria-label": label, min, max, step, value, oninput });
      this.slider = range("step", 1, this.T, 1, 1, () => this.go(Number(this.slider.value) - 1, 3));
      this.lineSlider = range("line", 0, this.moments.length - 1, 1, 0, () =>
        this.go(this.t, ...this.moments[Number(this.lineSlider.value)]),
      );
      this.tauSlider = range("step size", -2, 3, 0.05, 0, () => {
        this.go(this.t, 3, null, true);
        this.say(`τ = ${givenNumber(this.tau)}. ${this.summary.textContent}`);
      });
      this.heading = element("p", { class: "skb-heading" });
      this.lines = PHASES.map((name) => element("li", { "data-phase": name }, element("code"), element("span")));
      for (const name of ["network", "details", "plane", "hidden", "scatter", "course"])
        this[name] = element("div", { class: `skb-${name}` });
      this.summary = element("p", { class: "skb-summary" });
      this.tauText = element("output");
      this.live = element("p", { class: "skb-live", role: "status", "aria-live": "polite" });
      this.probe = element("span", { hidden: true });
      const many = this.T > 1,
        { back, next, draw, forward: ahead, backward, update, ten, epoch, play } = this.buttons,
        group = (...children) => element("div", { class: "skb-group" }, ...children),
        slider = (name, input) => element("label", { class: "skb-slider" }, name, input);
      const app = element(
        "div",
        {
          class: "skb-app",
          tabindex: 0,
          role: "group",
          "aria-label": "Backpropagation, step by step",
          "data-lm-suppress-shortcuts": "true",
        },
        this.heading,
        element(
          "div",
          { class: "skb-controls", role: "group", "aria-label": "Steps" },
          group(back, next),
          group(draw, ahead, backward, update),
          ...(many ? [group(ten, epoch), group(play, this.pace)] : []),
          element(
            "div",
            { class: "skb-sliders" },
            many ? slider("step", this.slider) : "",
            slider("line", this.lineSlider),
          ),
        ),
        element("ol", { class: "skb-lines" }, ...this.lines),
        ...this.views(),
        element(
          "p",
          { class: "skb-keys" },
          "Keys: ← → line by line through the algorithm, D draw, F forward, B backward, U update",
          many ? ", T ten steps, E epoch, space play or pause, Home, End." : ".",
        ),
        this.live,
        this.probe,
      );
      app.addEventListener("keydown", (event) => this.keys(event));
      const table = this.root.querySelector(".skb-static");
      table.replaceWith(app);
      if (!many) this.live.before(element("details", null, element("summary", null, "All numbers in a table"), table));
      this.app = app;
    }

    /** The figures: the network and what belongs beside it, and below them the others. */
    views() {
      const { sizes, rows } = this.data,
        several = this.light && rows.length > 1,
        legend = this.legend();
      const figure = (node, ...caption) => element("figure", null, node, element("figcaption", null, ...caption));
      this.hasPlane = several && (sizes[0] === 2 || (sizes[0] === 1 && sizes[this.L] === 1));
      this.hasHidden = several && this.L > 1;
      this.hasScatter = several;
      this.hasCourse = this.T > 1;
      this.hasMeans = several && this.T * rows.length * this.net.nParams <= 4e7;
      const network = figure(
        element("div", null, this.network, this.picker(), this.details),
        "Weights: red above 0, blue below, the stronger the larger",
        this.folded ? "" : "; after the update, in yellow, their changes. In a unit: a, below it δ",
        `. Click on a ${this.folded ? "pixel" : "unit or a line"} for its derivatives.`,
      );
      const tau = element(
        "div",
        { class: "skb-tau" },
        element("label", { class: "skb-slider" }, "τ", this.tauSlider),
        element("p", null, this.tauText),
        this.summary,
      );
      const others = [];
      if (this.hasPlane)
        others.push(
          sizes[0] === 2
            ? figure(
                this.plane,
                "The output over the plane of the inputs. On its line, a unit of layer 1 has z = 0. In the ring: the drawn sample. ",
                ...legend,
              )
            : figure(
                this.plane,
                "Samples, prediction (thick)",
                this.hasParts ? " and each unit’s part of it, w · a (thin)" : "",
                ". In the ring: the drawn sample.",
              ),
        );
      if (this.hasHidden) {
        const features = this.net.sizes[this.L - 1] > 1 ? "two hidden features" : "the hidden feature and the output";
        others.push(
          figure(
            element("div", null, this.axisPicker(), this.hidden),
            `The samples as layer ${this.L} sees them: ${features}`,
            this.net.sizes[this.L - 1] === 2 ? ", and the line on which an output has z = 0. " : ". ",
            ...(this.hasPlane ? [] : legend),
          ),
        );
      }
      if (this.hasScatter)
        others.push(
          figure(
            this.scatter,
            "The loss of every sample before and after this step: below the diagonal it falls. ",
            ...(this.hasPlane || this.hasHidden ? [] : legend),
          ),
        );
      if (this.hasCourse)
        others.push(
          figure(
            this.course,
            this.hasMeans
              ? `Mean loss of ${rows.length === this.data.n ? "all" : rows.length} samples after each step.`
              : "Loss of each drawn sample before its step.",
          ),
        );
      const beside = this.folded ? [] : others.length ? [others.shift()] : [tau];
      return [
        element(
          "div",
          { class: `skb-main${this.folded ? " skb-folded" : ""}` },
          element("div", null, network, ...(beside[0] === tau ? [] : [tau])),
          ...beside,
        ),
        element("div", { class: "skb-more" }, ...others),
      ];
    }

    /** Whether the prediction is a sum of the units' parts, to be shown one by one. */
    get hasParts() {
      return this.L > 1 && this.data.activations[this.L - 1] === "identity" && this.data.sizes[this.L - 1] <= FOLD;
    }

    /** Which two hidden features are shown: at first, those of the largest weights at the end. */
    axisPicker() {
      const m = this.net.sizes[this.L - 1],
        params = this.paramsAt(this.T),
        size = (k) => {
          let sum = 0;
          for (let j = 0; j < this.net.sizes[this.L]; j++) sum += Math.abs(this.weight(params, this.L, j, k));
          return sum;
        };
      const largest = [...Array(m).keys()].sort((j, k) => size(k) - size(j)).slice(0, 2);
      this.axisUnits = largest.sort((j, k) => j - k);
      if (m <= 2) return "";
      const fields = this.axisUnits.map((chosen, axis) => {
        const field = element("select", { "aria-label": `hidden feature, ${axis ? "upward" : "to the right"}` });
        for (let k = 0; k < m; k++)
          field.append(element("option", { value: k, selected: k === chosen }, symbol("a", this.L - 1, k)));
        field.addEventListener("change", () => {
          this.axisUnits[axis] = Number(field.value);
          this.show(true);
        });
        return field;
      });
      return element("p", { class: "skb-picker" }, fields[0], " × ", fields[1]);
    }

    /** The colours of the classes. */
    legend() {
      const { classes } = this.data,
        single = this.data.sizes[this.L] === 1;
      if (!classes.length || (!single && classes.length !== this.data.sizes[this.L])) return [];
      return classes.slice(0, 10).map((name, k) => {
        const color = single ? `var(--skb-${k ? "high" : "low"})` : CLASS_COLORS[k];
        return element("span", { class: "skb-class" }, element("i", { style: `background: ${color}` }), name);
      });
    }

    /** Fields that choose a unit of a network too large for a graph. */
    picker() {
      if (!this.folded) return "";
      const layer = element("select", { "aria-label": "layer" });
      for (let l = 1; l <= this.L; l++) layer.append(element("option", { value: l }, `layer ${l}`));
      const [unit, input] = ["unit", "input"].map((name) =>
        element("input", { type: "number", min: 1, value: 1, "aria-label": name }),
      );
      const change = () => {
        const l = Number(layer.value);
        const within = (field, size) => Math.max(1, Math.min(size, Math.round(Number(field.value)) || 1)) - 1;
        this.choose(l, within(unit, this.net.sizes[l]), within(input, this.net.sizes[l - 1]));
      };
      for (const field of [layer, unit, input]) field.addEventListener("change", change);
      this.fields = { layer, unit, input };
      return element(
        "p",
        { class: "skb-picker" },
        layer,
        element("label", null, "unit", unit),
        element("label", null, "weight of input", input),
      );
    }

    /** Draw again where the room or the theme changes. */
    watch() {
      const again = () => this.show(true);
      let width = 0;
      new ResizeObserver(() => {
        if (this.app.clientWidth !== width) {
          width = this.app.clientWidth;
          again();
        }
      }).observe(this.app);
      const observer = new MutationObserver(again);
      observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
      observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    }

    /** A colour of the style sheet, as the theme has it. */
    color(name) {
      this.probe.style.color = `var(--skb-${name})`;
      return getComputedStyle(this.probe).color;
    }

    show(quiet) {
      const after = this.after,
        shown = this.shownOf(after);
      this.app.dataset.phase = PHASES[this.phase];
      this.showHeading();
      this.showLines(after);
      if (this.folded) this.showHeatMaps(shown);
      else this.showNetwork(shown, after);
      this.showDetails(after);
      if (this.hasPlane) this.data.sizes[0] === 2 ? this.showPlane(shown) : this.showCurve(shown);
      if (this.hasHidden) this.showHidden(shown);
      this.showLosses(after);
      if (!quiet) this.say(`Step ${this.t + 1}, ${this.placeText()}. ${this.lines[this.phase].lastChild.textContent}`);
    }

    placeText() {
      return PHASES[this.phase] + (this.layer !== null && this.L > 1 ? `, layer ${this.layer}` : "");
    }

    showHeading() {
      const { data, t } = this,
        row = data.rows[this.drawn];
      this.heading.textContent =
        data.n > 1
          ? `Step ${t + 1} of ${this.T} · sample ${row + 1} of ${data.n} · τ = ${givenNumber(data.tau[t])}`
          : `One step · τ = ${givenNumber(data.tau[t])}`;
      this.slider.value = t + 1;
      this.slider.setAttribute("aria-valuetext", `step ${t + 1} of ${this.T}`);
      this.lineSlider.value = this.place;
      this.lineSlider.setAttribute("aria-valuetext", this.placeText());
      const last = t === this.T - 1;
      for (const name of ["draw", "ten", "epoch"]) this.buttons[name].disabled = last && this.T > 1;
      this.buttons.next.disabled = this.atEnd;
      this.buttons.back.disabled = t === 0 && this.phase === 0;
      PHASES.forEach((name, k) => this.buttons[name].setAttribute("aria-pressed", String(k === this.phase)));
      this.buttons.play.textContent = this.timer === null ? "Play" : "Pause";
    }

    /** The four lines of the algorithm, the active term lit, with the numbers of the unit in focus. */
    showLines(after) {
      const { l, j, k } = this.focus,
        from = k ?? 0,
        { data } = this,
        { z, a, slope, delta } = this.unit(l, j),
        below = data.sizes[l - 1],
        result = (text, name) => element("b", { class: name || null }, text);
      const x = [...this.x(this.drawn)];
      const inputs = x
        .slice(0, 4)
        .map((v, i) => `${data.features[i]} = ${givenNumber(v)}`)
        .join(", ");
      const sample = data.n > 1 ? `sample ${data.rows[this.drawn] + 1}: ` : "";
      const first = [`${sample}${inputs}${x.length > 4 ? ", …" : ""}; y = ${this.targetText(this.drawn)}`];

      const products = Array.from({ length: below }, (_, i) => [
        this.weight(this.before, l, j, i),
        this.unit(l - 1, i).a,
      ]);
      const forwardText = [
        `${symbol("z", l, j)} = `,
        ...sumOf(products, k),
        `${signedText(this.bias(this.before, l, j))} = `,
        result(number(z), "skb-forward"),
        `;  ${symbol("a", l, j)} = ${data.activations[l - 1] === "softmax" ? "softmax" : "σ"}(${number(z)}) = `,
        result(number(a), "skb-forward"),
      ];

      let error;
      const y = this.y(this.drawn)[j];
      if (l < this.L) {
        const back = Array.from({ length: data.sizes[l + 1] }, (_, i) => [
          this.weight(this.before, l + 1, i, j),
          this.unit(l + 1, i).delta,
        ]);
        error = ["(", ...sumOf(back), `) · ${number(slope)}`];
      } else if (data.loss.endsWith("log_loss")) error = [`${number(a)} − ${givenNumber(y)}`];
      else if (data.loss === "squared_error")
        error = [`2 (${number(a)} − ${y < 0 ? `(${givenNumber(y)})` : givenNumber(y)}) · ${number(slope)}`];
      else error = [`${bracketed(slope ? delta / slope : 0)} · ${number(slope)}`];
      if (l === this.L && this.weights) error = [`${number(this.weights[this.drawn])} · [`, ...error, "]"];
      const backwardText = [`${symbol("δ", l, j)} = `, ...error, " = ", result(number(delta), "skb-backward")];

      const w = this.weight(this.before, l, j, from),
        gradient = `${bracketed(delta)} · ${bracketed(this.unit(l - 1, from).a)}`,
        decay = data.alpha ? ` + ${givenNumber(data.alpha)} · ${bracketed(w)}` : "";
      const updateText = [
        `${symbol("W", l, j, from)} ← ${fiveDigits(w)} − ${givenNumber(this.tau)} · `,
        `${decay ? `(${gradient}${decay})` : gradient} = `,
        result(fiveDigits(this.weight(after, l, j, from))),
      ];
      // pairs of a term and whether it is the active one of its line
      const terms = [
        [["i_t ~ unif(1, …, n)", true]],
        [
          ["z^l = W^l a^l−1 + b^l", true],
          ["a^l = σ(z^l)", true],
        ],
        [
          [data.loss.endsWith("log_loss") ? "δ^L = a^L − y" : "δ^L = ∇f(a^L) ⊙ σ′(z^L)", l === this.L],
          ...(this.L > 1 ? [["δ^l = [(W^l+1)ᵀ δ^l+1] ⊙ σ′(z^l)", l < this.L]] : []),
        ],
        [
          [data.alpha ? "W^l ← W^l − τ (δ^l (a^l−1)ᵀ + α W^l)" : "W^l ← W^l − τ δ^l (a^l−1)ᵀ", true],
          ["b^l ← b^l − τ δ^l", k === undefined],
        ],
      ];
      [first, forwardText, backwardText, updateText].forEach((pieces, p) => {
        const line = this.lines[p],
          current = p === this.phase;
        line.firstChild.replaceChildren(
          ...terms[p].map(([text, active]) =>
            element("span", { class: current && active ? "skb-active" : null }, ...formula(text)),
          ),
        );
        line.lastChild.replaceChildren(...(p <= this.phase ? pieces : []));
        if (current) line.setAttribute("aria-current", "step");
        else line.removeAttribute("aria-current");
      });
    }

    /** What the chosen edge or unit has. */
    showDetails(after) {
      this.details.replaceChildren();
      if (!this.pick) return;
      const { l, j, k } = this.pick,
        u = this.unit(l, j);
      const say = (text) => this.details.append(element("p", null, text));
      if (l === 0) return say(`${this.unitName(0, j)}: ${symbol("a", 0, j)} = ${number(u.a)}`);
      const rows = k === undefined ? [...Array(this.net.sizes[l - 1]).keys()] : [k];
      if (k === undefined || this.folded) {
        say(
          `${this.unitName(l, j)}, ${this.activationName(l)}: ${symbol("z", l, j)} = ${number(u.z)}, ` +
            `${symbol("a", l, j)} = ${number(u.a)}, σ′(z) = ${number(u.slope)}, ${symbol("δ", l, j)} = ${number(u.delta)}`,
        );
      }
      for (const i of rows.slice(0, FOLD)) {
        const a = this.unit(l - 1, i).a,
          w = this.weight(this.before, l, j, i);
        say(
          `∂f/∂${symbol("W", l, j, i)} = ${symbol("δ", l, j)} · ${symbol("a", l - 1, i)} = ${number(u.delta)} · ${bracketed(a)} = ` +
            `${number(u.delta * a)};  ${symbol("W", l, j, i)}: ${changeText(w, this.weight(after, l, j, i))}`,
        );
      }
      if (k === undefined) {
        say(
          `∂f/∂${symbol("b", l, j)} = ${symbol("δ", l, j)} = ${number(u.delta)};  ${symbol("b", l, j)}: ` +
            changeText(this.bias(this.before, l, j), this.bias(after, l, j)),
        );
      }
    }

    largest(params, l) {
      const end = this.net.W[l] + this.net.sizes[l] * this.net.sizes[l - 1];
      let most = 0;
      for (let at = this.net.W[l]; at < end; at++) most = Math.max(most, Math.abs(params[at]));
      return most || 1;
    }

    /** The graph: a column for each layer. */
    showNetwork(params, after) {
      const focused = this.network.contains(document.activeElement) ? document.activeElement.dataset.unit : null;
      const { sizes } = this.data,
        { L } = this,
        focus = this.focus;
      const width = Math.max(300, Math.min(620, this.network.clientWidth || 560)),
        rows = Math.max(...sizes);
      const boxWidth = Math.min(64, width / (L + 1) / 1.6),
        boxHeight = 34,
        pitch = 50,
        top = 26;
      const height = rows * pitch + top + 30;
      const margin = boxWidth / 2 + 4;
      const place = (l, j) => [
        margin + ((width - 2 * margin) * l) / L,
        top + ((rows - sizes[l]) / 2 + j + 0.5) * pitch,
      ];
      const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "the network" });
      for (let l = 0; l <= L; l++) {
        svg.append(
          element(
            "text",
            {
              x: place(l, 0)[0],
              y: 13,
              class: `skb-layer${this.layer === l ? " skb-active" : ""}`,
              "text-anchor": l === 0 ? "start" : l === L ? "end" : "middle",
              dx: l === 0 ? -margin : l === L ? margin : 0,
            },
            l === 0 ? "input" : width < 420 ? `layer ${l}` : `layer ${l}, ${this.activationName(l)}`,
          ),
        );
      }
      const changes = element("g", { class: "skb-changes" }); // below all weights
      svg.append(changes);
      for (let l = 1; l <= L; l++) {
        const most = this.largest(params, l),
          changed = this.reached(3, l),
          change = (j, k) => Math.abs(this.weight(after, l, j, k) - this.weight(this.before, l, j, k));
        let mostChange = 0;
        for (let j = 0; changed && j < sizes[l]; j++)
          for (let k = 0; k < sizes[l - 1]; k++) mostChange = Math.max(mostChange, change(j, k));
        for (let j = 0; j < sizes[l]; j++) {
          for (let k = 0; k < sizes[l - 1]; k++) {
            const w = this.weight(params, l, j, k),
              [x1, y1] = place(l - 1, k),
              [x2, y2] = place(l, j);
            const ends = { x1: x1 + boxWidth / 2, y1, x2: x2 - boxWidth / 2, y2 };
            if (mostChange)
              changes.append(
                element("line", { ...ends, "stroke-width": ((12 * change(j, k)) / mostChange).toFixed(2) }),
              );
            const chosen =
              this.pick && this.pick.l === l && this.pick.j === j && (this.pick.k === k || this.pick.k === undefined);
            const size = Math.abs(w) / most;
            const edge = element(
              "g",
              {
                class: `skb-edge ${w < 0 ? "skb-negative" : "skb-positive"}${chosen ? " skb-chosen" : ""}`,
                "data-edge": `${l},${j},${k}`,
                onclick: () => this.choose(l, j, k),
              },
              element("line", {
                ...ends,
                class: "skb-weight",
                "stroke-width": 0.5 + 4 * size,
                "stroke-opacity": 0.25 + 0.7 * size,
              }),
              element("line", { ...ends, class: "skb-target" }),
              element(
                "title",
                null,
                `${symbol("W", l, j, k)} = ${number(w)}${
                  changed
                    ? `, changed by ${number(this.weight(after, l, j, k) - this.weight(this.before, l, j, k))}`
                    : ""
                }`,
              ),
            );
            svg.append(edge);
          }
        }
      }
      for (let l = 0; l <= L; l++) {
        for (let j = 0; j < sizes[l]; j++) {
          const [x, y] = place(l, j),
            u = this.unit(l, j);
          const hasA = l === 0 || this.reached(1, l),
            hasDelta = l > 0 && this.reached(2, l);
          const text = [hasA ? `a = ${number(u.a)}` : "", hasDelta ? `δ = ${number(u.delta)}` : ""]
            .filter(Boolean)
            .join(", ");
          const chosen = this.pick && this.pick.l === l && this.pick.j === j && this.pick.k === undefined;
          const node = element(
            "g",
            {
              class: `skb-unit${chosen ? " skb-chosen" : ""}${focus.l === l && focus.j === j ? " skb-focus" : ""}`,
              tabindex: 0,
              role: "button",
              "data-unit": `${l},${j}`,
              "aria-label": `${this.unitName(l, j)}${text ? `: ${text}` : ""}`,
              onclick: () => this.choose(l, j),
              onkeydown: (event) => {
                if (event.key === "Enter" || event.key === " ") {
                  event.preventDefault();
                  event.stopPropagation();
                  this.choose(l, j);
                }
              },
            },
            element("rect", { x: x - boxWidth / 2, y: y - boxHeight / 2, width: boxWidth, height: boxHeight, rx: 8 }),
          );
          if (hasA)
            node.append(
              element(
                "text",
                { x, y: y + (hasDelta ? -2 : 4), class: "skb-a", "text-anchor": "middle" },
                shortNumber(u.a),
              ),
            );
          else
            node.append(element("text", { x, y: y + 4, class: "skb-number", "text-anchor": "middle" }, String(j + 1)));
          if (hasDelta)
            node.append(
              element("text", { x, y: y + 12, class: "skb-delta", "text-anchor": "middle" }, shortNumber(u.delta)),
            );
          const name = l === 0 ? this.data.features[j] : l === L ? this.outputs[j] : String(j + 1);
          const most = Math.max(4, Math.floor(width / 30));
          node.append(
            element(
              "text",
              {
                x: l === 0 ? x - boxWidth / 2 : l === L ? x + boxWidth / 2 : x,
                y: l === 0 || l === L ? y - boxHeight / 2 - 4 : y - boxHeight / 2 - 1,
                class: "skb-name",
                "text-anchor": l === 0 ? "start" : l === L ? "end" : "middle",
              },
              name.length > most ? `${name.slice(0, most - 1)}…` : name,
            ),
            element("title", null, this.unitName(l, j)),
          );
          svg.append(node);
        }
      }
      const [x, y] = place(L, sizes[L] - 1);
      svg.append(
        element(
          "text",
          { x: x + boxWidth / 2, y: y + boxHeight / 2 + 16, class: "skb-layer", "text-anchor": "end" },
          `y = ${this.targetText(this.drawn)}`,
        ),
      );
      this.network.replaceChildren(svg);
      if (focused) this.network.querySelector(`[data-unit="${focused}"]`)?.focus();
    }

    /** Each unit's weights as a strip or, where the inputs are square images, as an image, with its a and δ. */
    showHeatMaps(params) {
      const colors = ["negative", "middle", "positive"].map((name) => this.rgb(name)),
        edge = Math.sqrt(this.net.sizes[0]),
        square = edge >= 4 && Number.isInteger(edge),
        blocks = [];
      const draw = (values, width, most, attributes) => {
        const height = values.length / width,
          canvas = element("canvas", { width, height, role: "img", ...attributes }),
          context = canvas.getContext("2d"),
          pixels = context.createImageData(width, height);
        values.forEach((v, k) => pixels.data.set([...blend(colors, (v / most + 1) / 2), 255], 4 * k));
        context.putImageData(pixels, 0, 0);
        return canvas;
      };
      if (square) {
        const x = this.x(this.drawn),
          sample = draw(x, edge, Math.max(...x.map(Math.abs)) || 1, { "aria-label": "the drawn sample" });
        blocks.push(
          element(
            "div",
            { class: "skb-block" },
            element("p", { class: "skb-layer" }, "the drawn sample"),
            element("figure", { class: "skb-image skb-input" }, sample, `y = ${this.targetText(this.drawn)}`),
          ),
        );
      }
      for (let l = 1; l <= this.L; l++) {
        const m = this.net.sizes[l],
          n = this.net.sizes[l - 1],
          most = this.largest(params, l),
          images = l === 1 && square,
          shown = Math.min(m, MOST_UNITS),
          list = element("div", { class: images ? "skb-images" : "skb-strips" });
        for (let j = 0; j < shown; j++) {
          const at = this.net.W[l] + j * n,
            chosen = this.pick && this.pick.l === l && this.pick.j === j,
            u = this.unit(l, j);
          const canvas = draw(params.subarray(at, at + n), images ? edge : n, most, {
            "data-unit": `${l},${j}`,
            "aria-label": `the ${n} weights of unit ${j + 1} of layer ${l}`,
            class: chosen ? "skb-chosen" : null,
            onclick: (event) => {
              const box = canvas.getBoundingClientRect(),
                within = (share, size) => Math.max(0, Math.min(size - 1, Math.floor(share * size))),
                column = within((event.clientX - box.left) / box.width, canvas.width),
                row = within((event.clientY - box.top) / box.height, canvas.height);
              this.choose(l, j, row * canvas.width + column);
            },
          });
          const value = (name, v, seen) => element("span", { class: `skb-${name}` }, seen ? number(v) : "");
          list.append(
            element(
              "figure",
              { class: images ? "skb-image" : "skb-strip" },
              element("span", { class: "skb-name" }, l === this.L ? this.outputs[j] : String(j + 1)),
              canvas,
              value("a", u.a, this.reached(1, l)),
              value("delta", u.delta, this.reached(2, l)),
            ),
          );
        }
        blocks.push(
          element(
            "div",
            { class: `skb-block${this.layer === l ? " skb-active" : ""}` },
            element(
              "p",
              { class: "skb-layer" },
              `layer ${l}, ${this.activationName(l)}: ${m} × ${n} weights${shown < m ? `, those of ${shown} units` : ""}`,
            ),
            list,
          ),
        );
      }
      this.network.replaceChildren(...blocks);
      if (this.pick) {
        this.fields.layer.value = Math.max(1, this.pick.l);
        this.fields.unit.value = this.pick.j + 1;
        this.fields.input.value = (this.pick.k ?? 0) + 1;
      }
    }

    rgb(name) {
      return this.color(name)
        .match(/[\d.]+/g)
        .slice(0, 3)
        .map(Number);
    }

    /** A sample's circle in its class's colour, or in that of its value. */
    sample(i, cx, cy, r) {
      const y = this.y(i),
        { classes } = this.data;
      let name = "skb-plain",
        fill = null;
      if (classes.length && y.length === 1) name = y[0] > 0.5 ? "skb-high" : "skb-low";
      else if (classes.length) [name, fill] = ["", CLASS_COLORS[y.indexOf(Math.max(...y)) % 10]];
      else if (y.length === 1 && this.data.sizes[0] > 1) {
        const [low, high] = this.targetRange(),
          colors = ["low", "middle", "high"].map((color) => this.rgb(color));
        [name, fill] = ["", `rgb(${blend(colors, (y[0] - low) / (high - low || 1))})`];
      }
      return element("circle", { cx, cy, r, class: `skb-sample ${name}`, fill });
    }

    /** The frame of a plot: its size and its scales. */
    frame(node, xs, ys, ratio) {
      const width = Math.max(240, Math.min(440, node.clientWidth || 360)),
        height = Math.round(width * ratio);
      const left = 42,
        bottom = 22,
        x0 = Math.min(...xs),
        x1 = Math.max(...xs),
        y0 = Math.min(...ys),
        y1 = Math.max(...ys);
      const px = (x) => left + ((x - x0) / (x1 - x0 || 1)) * (width - left - 6);
      const py = (y) => height - bottom - ((y - y0) / (y1 - y0 || 1)) * (height - bottom - 6);
      const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
      svg.append(
        element("rect", { x: left, y: 6, width: width - left - 6, height: height - bottom - 6, class: "skb-frame" }),
      );
      const label = (x, y, text, anchor) =>
        svg.append(element("text", { x, y, class: "skb-tick", "text-anchor": anchor }, text));
      label(left, height - 8, givenNumber(x0), "start");
      label(width - 6, height - 8, givenNumber(x1), "end");
      label(left - 3, height - bottom, givenNumber(y0), "end");
      label(left - 3, 14, givenNumber(y1), "end");
      return { svg, px, py, x0, x1, y0, y1, width, height, left, bottom, label };
    }

    axes(f, x, y) {
      f.label((f.left + f.width) / 2, f.height - 8, x, "middle");
      const text = element(
        "text",
        {
          transform: `translate(11 ${(f.height - f.bottom) / 2}) rotate(-90)`,
          class: "skb-tick",
          "text-anchor": "middle",
        },
        y,
      );
      f.svg.append(text);
    }

    /** The colour of a region in which the network's outputs are a. */
    regionColors() {
      const { data, L } = this,
        background = this.rgb("back");
      if (data.sizes[L] > 1) return (a) => mix(background, hex(CLASS_COLORS[a.indexOf(Math.max(...a)) % 10]), 0.35);
      const colors = ["low", "middle", "high"].map((name) => this.rgb(name)),
        [low, high] = this.targetRange();
      const shade = (a) => {
        const share = (a - low) / (high - low || 1);
        return data.classes.length ? share + (share > 0.5 ? 0.15 : -0.15) : share; // a step where the class changes
      };
      return (a) => mix(background, blend(colors, shade(a[0])), 0.55);
    }

    /** The smallest and the largest target. */
    targetRange() {
      if (this.data.classes.length) return [0, 1];
      let [low, high] = [Infinity, -Infinity];
      for (const y of this.Y) [low, high] = [Math.min(low, y), Math.max(high, y)];
      return [low, high];
    }

    /** A canvas behind a frame, coloured by the outputs at each of its points. */
    region(f, outputs) {
      const fine = 64,
        canvas = element("canvas", { width: fine, height: fine, "aria-hidden": "true" }),
        context = canvas.getContext("2d"),
        pixels = context.createImageData(fine, fine),
        color = this.regionColors();
      for (let r = 0; r < fine; r++) {
        for (let c = 0; c < fine; c++) {
          const point = [f.x0 + ((c + 0.5) / fine) * (f.x1 - f.x0), f.y1 - ((r + 0.5) / fine) * (f.y1 - f.y0)];
          pixels.data.set([...color(outputs(point)), 255], 4 * (r * fine + c));
        }
      }
      context.putImageData(pixels, 0, 0);
      Object.assign(canvas.style, {
        left: `${(f.left / f.width) * 100}%`,
        top: `${(6 / f.height) * 100}%`,
        width: `${((f.width - f.left - 6) / f.width) * 100}%`,
        height: `${((f.height - f.bottom - 6) / f.height) * 100}%`,
      });
      return canvas;
    }

    /** All samples, and a ring around the drawn one. */
    dots(f, xs, ys, r) {
      xs.forEach((x, i) => {
        if (Number.isFinite(x) && Number.isFinite(ys[i])) f.svg.append(this.sample(i, f.px(x), f.py(ys[i]), r));
      });
      const [x, y] = [xs[this.drawn], ys[this.drawn]];
      if (Number.isFinite(x) && Number.isFinite(y))
        f.svg.append(element("circle", { cx: f.px(x), cy: f.py(y), r: 8, class: "skb-ring" }));
    }

    showPlane(params) {
      const { data, L } = this;
      const [xs, ys] = [0, 1].map((k) => data.rows.map((_, i) => this.x(i)[k]));
      const f = this.frame(this.plane, padded(xs), padded(ys), 0.85);
      const canvas = this.region(f, (point) => forward(this.net, data.activations, params, point).a[L]);
      for (let j = 0; j < data.sizes[1] && data.sizes[1] <= FOLD; j++) this.unitLine(f, params, 1, j);
      this.dots(f, xs, ys, 3.2);
      f.svg.setAttribute("aria-label", `the plane; sample ${data.rows[this.drawn] + 1} is drawn`);
      this.axes(f, data.features[0], data.features[1]);
      this.plane.replaceChildren(canvas, f.svg);
    }

    /** The samples in the plane of two features of the last hidden layer; of a single one, against the output. */
    showHidden(params) {
      const { data, L } = this,
        m = data.sizes[L - 1],
        passes = data.rows.map((_, i) => forward(this.net, data.activations, params, this.x(i))),
        [u, v] = this.axisUnits;
      const xs = passes.map((p) => p.a[L - 1][u]),
        ys = passes.map((p) => (m > 1 ? p.a[L - 1][v] : p.a[L][0]));
      const ends = { logistic: [0, 1], tanh: [-1, 1] }, // a frame that holds still where σ has bounds
        range = (l, values) => padded(ends[data.activations[l - 1]] || values.filter(Number.isFinite));
      const f = this.frame(this.hidden, range(L - 1, xs), range(m > 1 ? L - 1 : L, ys), 0.85),
        parts = [f.svg];
      if (m === 2) {
        parts.unshift(this.region(f, (point) => forward(this.net, data.activations, params, point, L).a[L]));
        for (let j = 0; j < data.sizes[L] && data.sizes[L] <= FOLD; j++) this.unitLine(f, params, L, j);
      }
      this.dots(f, xs, ys, 3.2);
      f.svg.setAttribute("aria-label", `hidden features; sample ${data.rows[this.drawn] + 1} is drawn`);
      this.axes(f, symbol("a", L - 1, u), m > 1 ? symbol("a", L - 1, v) : symbol("a", L, 0));
      this.hidden.replaceChildren(...parts);
    }

    /** The line in the plane of two inputs of a layer on which its unit j has z = 0, within the frame. */
    unitLine(f, params, l, j) {
      const [u, v] = [this.weight(params, l, j, 0), this.weight(params, l, j, 1)],
        b = this.bias(params, l, j),
        points = [];
      const add = (x, y) => {
        if (x >= f.x0 && x <= f.x1 && y >= f.y0 && y <= f.y1) points.push([f.px(x), f.py(y)]);
      };
      if (v) for (const x of [f.x0, f.x1]) add(x, -(u * x + b) / v);
      if (u) for (const y of [f.y0, f.y1]) add(-(v * y + b) / u, y);
      if (points.length < 2) return;
      const [[ax, ay], [bx, by]] = points,
        share = 0.1 + ((0.382 * j) % 0.8),
        chosen = this.pick && this.pick.l === l && this.pick.j === j,
        label = l < this.L || this.net.sizes[l] > 1 ? String(j + 1) : "";
      f.svg.append(
        element("line", { x1: ax, y1: ay, x2: bx, y2: by, class: `skb-line${chosen ? " skb-chosen" : ""}` }),
        element(
          "text",
          {
            x: ax + share * (bx - ax),
            y: ay + share * (by - ay) + 4,
            class: "skb-line-number",
            "text-anchor": "middle",
          },
          label,
        ),
      );
    }

    /** One feature: the samples, the prediction and each unit's part of it. */
    showCurve(params) {
      const { data, L } = this,
        fine = 80;
      const [xs, ys] = [data.rows.map((_, i) => this.x(i)[0]), data.rows.map((_, i) => this.y(i)[0])];
      const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
      const grid = Array.from({ length: fine + 1 }, (_, k) => x0 + (k / fine) * (x1 - x0));
      const passes = grid.map((x) => forward(this.net, data.activations, params, [x]));
      const f = this.frame(this.plane, [x0, x1], padded(ys, 0.25), 0.75);
      const path = (values, name) => {
        const inside = (k) => f.py(Math.max(f.y0, Math.min(f.y1, values[k]))).toFixed(1);
        const points = grid.map((x, k) => `${f.px(x).toFixed(1)},${inside(k)}`).join(" ");
        f.svg.append(element("polyline", { class: name, points }));
        return inside;
      };
      for (let m = 0; this.hasParts && m < data.sizes[L - 1]; m++) {
        const w = this.weight(params, L, 0, m);
        const inside = path(
          passes.map((p) => w * p.a[L - 1][m]),
          `skb-part ${w < 0 ? "skb-negative" : "skb-positive"}`,
        );
        const k = Math.round(fine * (0.03 + ((0.382 * m) % 0.94)));
        f.svg.append(
          element(
            "text",
            { x: f.px(grid[k]), y: Number(inside(k)) + 4, class: "skb-line-number", "text-anchor": "middle" },
            String(m + 1),
          ),
        );
      }
      path(
        passes.map((p) => p.a[L][0]),
        "skb-prediction",
      );
      this.dots(f, xs, ys, 2.6);
      f.svg.setAttribute("aria-label", `samples and prediction; sample ${data.rows[this.drawn] + 1} is drawn`);
      this.axes(f, data.features[0], this.outputs[0]);
      this.plane.replaceChildren(f.svg);
    }

    showLosses(after) {
      const own = [this.data.before[this.t], this.lossAfter(after)];
      const changed = Number(this.tauSlider.value) !== 0;
      this.tauText.textContent = changed
        ? `${givenNumber(this.tau)}; the update is recomputed, the training had ${givenNumber(this.data.tau[this.t])}`
        : `${givenNumber(this.tau)}, as in the training`;
      this.tauSlider.setAttribute("aria-valuetext", givenNumber(this.tau));
      let text = `Loss of the drawn sample: ${number(own[0])} before the step, ${number(own[1])} after.`;
      if (own[1] > own[0]) text += " The step is too long, its loss rises.";
      if (this.hasScatter) {
        const before = this.allLosses(this.before),
          later = this.allLosses(after),
          n = before.length;
        const mean = (v) => v.reduce((s, u) => s + u, 0) / n;
        const fall = before.filter((v, i) => later[i] < v).length,
          rise = before.filter((v, i) => later[i] > v).length;
        text +=
          ` Mean of ${n === this.data.n ? "all" : "the"} ${n} samples${n === this.data.n ? "" : " shown"}: ` +
          `${number(mean(before))} → ${number(mean(later))}; it falls for ${fall} and rises for ${rise}.`;
        this.showScatter(before, later);
      }
      if (this.hasCourse) this.showCourse();
      this.summary.textContent = text;
    }

    showScatter(before, later) {
      const finite = [...before, ...later].filter(Number.isFinite),
        most = Math.max(...finite, 1e-12);
      const f = this.frame(this.scatter, [0, most], [0, most], 0.75);
      f.svg.append(
        element("line", { x1: f.px(0), y1: f.py(0), x2: f.px(most), y2: f.py(most), class: "skb-diagonal" }),
      );
      this.dots(f, before, later, 2.6);
      f.svg.setAttribute("aria-label", "the loss of each sample before and after the step");
      this.axes(f, "loss before", "loss after");
      this.scatter.replaceChildren(f.svg);
    }

    showCourse() {
      const n = this.data.rows.length;
      this.courseValues ||= this.hasMeans
        ? Array.from({ length: this.T + 1 }, (_, t) => this.allLosses(this.paramsAt(t)).reduce((s, v) => s + v, 0) / n)
        : [...this.data.before];
      const values = this.courseValues,
        at = this.t + Number(this.hasMeans && this.phase === 3);
      const f = this.frame(this.course, [0, values.length - 1], [0, ...values.filter(Number.isFinite)], 0.75);
      f.svg.append(
        element("polyline", {
          class: this.hasMeans ? "skb-prediction" : "skb-prediction skb-thin",
          points: values.map((v, t) => `${f.px(t).toFixed(1)},${f.py(v).toFixed(1)}`).join(" "),
        }),
        element("circle", { cx: f.px(at), cy: f.py(values[at]), r: 5, class: "skb-marker" }),
      );
      const name = this.hasMeans ? `mean loss after ${at} steps` : `loss of the sample of step ${at + 1}`;
      f.svg.setAttribute("aria-label", `${name}: ${number(values[at])}`);
      this.axes(f, "steps", this.hasMeans ? "mean loss" : "loss");
      this.course.replaceChildren(f.svg);
    }
  }

  /** From the smallest to the largest value, with some room. */
  function padded(values, share = 0.08) {
    const [low, high] = [Math.min(...values), Math.max(...values)],
      room = share * (high - low || 1);
    return [low - room, high + room];
  }

  const mix = (from, to, share) => from.map((v, k) => v + share * (to[k] - v));
  const hex = (text) => [1, 3, 5].map((k) => parseInt(text.slice(k, k + 2), 16));

  /** From the first of three colours, at 0, over the second to the third, at 1. */
  function blend(colors, share) {
    const s = Math.max(0, Math.min(1, share));
    return s < 0.5 ? mix(colors[0], colors[1], 2 * s) : mix(colors[1], colors[2], 2 * s - 1);
  }

  const start = (root) => new Stepper(root);
  start.arithmetic = { ACTIVATIONS, layout, forward, loss, updated, decode, number };
  return start;
})();
if (typeof module !== "undefined") module.exports = skbackpropStepper;
