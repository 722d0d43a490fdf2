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

  /** z^l = W^l a^(l-1) + b^l, a^l = σ(z^l): lists by layer, a[0] being x. */
  function forward(net, activations, params, x) {
    const z = [null],
      a = [x];
    for (let l = 1; l < net.sizes.length; l++) {
      const m = net.sizes[l],
        n = net.sizes[l - 1],
        below = a[l - 1],
        zl = new Float64Array(m);
      for (let j = 0, at = net.W[l]; j < m; j++) {
        let sum = params[net.b[l] + j];
        for (let k = 0; k < n; k++) sum += params[at++] * below[k];
        zl[j] = sum;
      }
      z.push(zl);
      if (activations[l - 1] === "softmax") {
        const largest = Math.max(...zl),
          e = zl.map((v) => Math.exp(v - largest));
        const total = e.reduce((s, v) => s + v, 0);
        a.push(e.map((v) => v / total));
      } else a.push(zl.map(ACTIVATIONS[activations[l - 1]]));
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

  /** A sum of products with its signs: 0.3 · 0.5 − 0.2 · 0.1 + … */
  function sumText(products, most) {
    const shown = products.slice(0, most).map(([w, a], k) => {
      const sign = w < 0 ? (k ? " − " : "−") : k ? " + " : "";
      return `${sign}${number(Math.abs(w))} · ${bracketed(a)}`;
    });
    return shown.join("") + (products.length > most ? ` + … (${products.length} terms)` : "");
  }

  /** Five digits, in which a small step shows. */
  const change = (from, to) => `${fiveDigits(from)} → ${fiveDigits(to)}`;
  const fiveDigits = (v) => (Number.isFinite(v) ? String(Number(v.toPrecision(5))).replace(/-/g, "−") : number(v));

  const signedText = (v) => (v < 0 ? ` − ${number(-v)}` : ` + ${number(v)}`);

  // ---- elements --------------------------------------------------------------------------------------------------

  function element(name, attributes, ...children) {
    const svg = ["svg", "g", "line", "rect", "circle", "text", "title", "polyline", "tspan"].includes(name);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  }

  const PHASES = ["draw", "forward", "backward", "update"];
  const FOLD = 16; // a layer of more units folds the graph into heat maps
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
      for (const name of ["params", "values", "X", "Y"]) this[name] = decode(data[name]);
      for (const name of ["tau", "before", "after"]) data[name] = decode(data[name]);
      this.weights = data.weights && decode(data.weights);
      this.folded = Math.max(...data.sizes) > FOLD;
      this.t = 0;
      this.phase = 0;
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

    get focus() {
      if (this.pick) return { ...this.pick, k: this.pick.k ?? 0 };
      let best = 0;
      for (let j = 1; j < this.net.sizes[this.L]; j++) {
        if (Math.abs(this.unit(this.L, j).delta) > Math.abs(this.unit(this.L, best).delta)) best = j;
      }
      return { l: this.L, j: best, k: 0 };
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

    go(t, phase, quiet) {
      const moved = t !== this.t;
      this.t = Math.max(0, Math.min(this.T - 1, t));
      this.phase = phase;
      if (moved) this.tauSlider.value = 0;
      this.show(quiet);
    }

    next() {
      if (this.phase < 3) this.go(this.t, this.phase + 1);
      else if (this.t < this.T - 1) this.go(this.t + 1, 0);
    }

    previous() {
      if (this.phase > 0) this.go(this.t, this.phase - 1);
      else if (this.t > 0) this.go(this.t - 1, 3);
    }

    /** The next sample; of a single step, its beginning. */
    draw() {
      this.go(this.t + 1, this.t < this.T - 1 || this.T === 1 ? 0 : this.phase);
    }

    play() {
      if (this.timer !== null) return this.pause();
      if (this.t === this.T - 1) this.t = 0;
      const tick = () => (this.t < this.T - 1 ? this.go(this.t + 1, 3, true) : this.pause());
      this.timer = setInterval(tick, this.still.matches ? 1000 : 120);
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
        n: () => this.next(),
        p: () => this.previous(),
        ArrowRight: () => this.next(),
        ArrowLeft: () => this.previous(),
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
        draw: button("draw", "Draw", "D", () => this.draw()),
        forward: button("forward", "Forward", "F", () => this.go(this.t, 1)),
        backward: button("backward", "Backward", "B", () => this.go(this.t, 2)),
        update: button("update", "Update", "U", () => this.go(this.t, 3)),
        ten: button("ten", "Ten steps", "T", () => this.go(this.t + 10, 3)),
        epoch: button("epoch", "Epoch", "E", () => this.go(this.t + this.data.epoch, 3)),
        play: button("play", "Play", "Space", () => this.play()),
      };
      this.slider = element("input", {
        type: "range",
        min: 1,
        max: this.T,
        step: 1,
        value: 1,
        "aria-label": "step",
        oninput: () => this.go(Number(this.slider.value) - 1, 3),
      });
      this.tauSlider = element("input", {
        type: "range",
        min: -2,
        max: 3,
        step: 0.05,
        value: 0,
        "aria-label": "step size",
        oninput: () => {
          this.phase = 3;
          this.show();
        },
      });
      this.heading = element("p", { class: "skb-heading" });
      this.lines = PHASES.map((name) => element("li", { "data-phase": name }, element("code"), element("span")));
      this.network = element("div", { class: "skb-network" });
      this.details = element("div", { class: "skb-details" });
      this.plane = element("div", { class: "skb-plane" });
      this.scatter = element("div", { class: "skb-scatter" });
      this.course = element("div", { class: "skb-course" });
      this.summary = element("p", { class: "skb-summary" });
      this.tauText = element("output");
      this.live = element("p", { class: "skb-live", role: "status", "aria-live": "polite" });
      this.probe = element("span", { hidden: true });
      const many = this.T > 1;
      const figure = (node, ...caption) => element("figure", null, node, element("figcaption", null, ...caption));
      const { sizes } = this.data;
      const views = [
        figure(
          element("div", null, this.network, this.picker(), this.details),
          this.folded
            ? "Weights, orange above 0, blue below. Click one to see its derivative."
            : "Lines: weights, orange above 0, blue below. In a unit: a, and below it δ. Click either to see its derivatives.",
        ),
      ];
      const several = this.light && this.data.rows.length > 1;
      this.hasPlane = several && (sizes[0] === 2 || (sizes[0] === 1 && sizes[this.L] === 1));
      if (this.hasPlane) {
        views.push(
          sizes[0] === 2
            ? figure(
                this.plane,
                "The output over the plane of the inputs; each unit of layer 1 has its line, z = 0. In the ring: the drawn sample. ",
                ...this.legend(),
              )
            : figure(
                this.plane,
                "Samples, prediction (thick) and each unit’s part of it (thin). In the ring: the drawn sample.",
              ),
        );
      }
      this.hasScatter = several;
      if (several) {
        views.push(
          figure(
            this.scatter,
            "The loss of every sample before and after this step: below the diagonal it falls. ",
            ...(this.hasPlane ? [] : this.legend()),
          ),
        );
      }
      this.hasCourse = several && many && this.T * this.data.rows.length * this.net.nParams <= 4e7;
      if (this.hasCourse) views.push(figure(this.course, "Mean loss of the samples after each step."));
      views.push(
        element(
          "div",
          { class: "skb-tau" },
          element("label", null, "τ", this.tauSlider),
          element("p", null, this.tauText),
          this.summary,
        ),
      );
      views[0].className = this.folded ? "skb-full" : "skb-wide";
      if (!this.folded) views[1].classList.add("skb-beside");
      const { draw, forward: ahead, backward, update, ten, epoch, play } = this.buttons;
      const controls = element(
        "div",
        { class: "skb-controls", role: "group", "aria-label": "Steps" },
        draw,
        ahead,
        backward,
        update,
        ...(many ? [ten, epoch, play] : []),
      );
      if (many) controls.append(element("label", { class: "skb-slider" }, "step", this.slider));
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
        controls,
        element("ol", { class: "skb-lines" }, ...this.lines),
        element("div", { class: "skb-views" }, ...views),
        element(
          "p",
          { class: "skb-keys" },
          "Keys: ← → go through the algorithm, ",
          "D draw, F forward, B backward, U update",
          many ? ", T ten steps, E epoch, space play or pause, Home, End." : ".",
        ),
        this.live,
        this.probe,
      );
      app.addEventListener("keydown", (event) => this.keys(event));
      this.root.querySelector(".skb-static").replaceWith(app);
      this.app = app;
    }

    /** The colours of the classes. */
    legend() {
      const { classes } = this.data,
        single = this.data.sizes[this.L] === 1;
      if (!classes.length || (!single && classes.length !== this.data.sizes[this.L])) return [];
      return classes.slice(0, 10).map((name, k) => {
        const color = single ? `var(--skb-${k ? "positive" : "negative"})` : CLASS_COLORS[k];
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
        shown = this.phase === 3 ? after : this.before;
      this.app.dataset.phase = PHASES[this.phase];
      this.showHeading();
      this.showLines(after);
      if (this.folded) this.showHeatMaps(shown);
      else this.showNetwork(shown);
      this.showDetails(after);
      if (this.hasPlane) this.data.sizes[0] === 2 ? this.showPlane(shown) : this.showCurve(shown);
      this.showLosses(after);
      if (!quiet)
        this.say(`Step ${this.t + 1}, ${PHASES[this.phase]}. ${this.lines[this.phase].lastChild.textContent}`);
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
      const last = t === this.T - 1;
      for (const name of ["draw", "ten", "epoch"]) this.buttons[name].disabled = last && this.T > 1;
      PHASES.forEach((name, k) => this.buttons[name].setAttribute("aria-pressed", String(k === this.phase)));
      this.buttons.play.textContent = this.timer === null ? "Play" : "Pause";
    }

    /** The four lines of the algorithm with the numbers of the unit in focus. */
    showLines(after) {
      const { l, j, k } = this.focus,
        { data } = this,
        { z, a, slope, delta } = this.unit(Math.max(l, 1), l ? j : 0);
      const at = Math.max(l, 1),
        unit = l ? j : 0,
        from = l ? k : j,
        below = data.sizes[at - 1];
      const x = [...this.x(this.drawn)];
      const inputs = x
        .slice(0, 4)
        .map((v, i) => `${data.features[i]} = ${givenNumber(v)}`)
        .join(", ");
      const first = `sample ${data.rows[this.drawn] + 1}: ${inputs}${x.length > 4 ? ", …" : ""}; y = ${this.targetText(this.drawn)}`;

      const products = Array.from({ length: below }, (_, i) => [
        this.weight(this.before, at, unit, i),
        this.unit(at - 1, i).a,
      ]);
      const bias = this.bias(this.before, at, unit);
      const forwardText =
        `${symbol("z", at, unit)} = ${sumText(products, 3)}${signedText(bias)} = ${number(z)};  ` +
        `${symbol("a", at, unit)} = σ(${number(z)}) = ${number(a)}`;

      let error;
      const y = this.y(this.drawn)[unit];
      if (at < this.L) {
        const back = Array.from({ length: data.sizes[at + 1] }, (_, i) => [
          this.weight(this.before, at + 1, i, unit),
          this.unit(at + 1, i).delta,
        ]);
        error = `(${sumText(back, 3)}) · ${number(slope)}`;
      } else if (data.loss.endsWith("log_loss")) error = `${number(a)} − ${givenNumber(y)}`;
      else if (data.loss === "squared_error")
        error = `2 (${number(a)} − ${y < 0 ? `(${givenNumber(y)})` : givenNumber(y)}) · ${number(slope)}`;
      else error = `${bracketed(slope ? delta / slope : 0)} · ${number(slope)}`;
      if (at === this.L && this.weights) error = `${number(this.weights[this.drawn])} · [${error}]`;
      const backwardText = `${symbol("δ", at, unit)} = ${error} = ${number(delta)}`;

      const w = this.weight(this.before, at, unit, from),
        value = this.unit(at - 1, from).a;
      const decay = data.alpha ? ` + ${givenNumber(data.alpha)} · ${bracketed(w)}` : "";
      const gradient = `${bracketed(delta)} · ${bracketed(value)}`;
      const updateText =
        `${symbol("W", at, unit, from)} ← ${fiveDigits(w)} − ${givenNumber(this.tau)} · ` +
        `${decay ? `(${gradient}${decay})` : gradient} = ${fiveDigits(this.weight(after, at, unit, from))}`;
      const formulas = [
        "iₜ ∈ {1, …, n}",
        "zˡ = Wˡ aˡ⁻¹ + bˡ,  aˡ = σ(zˡ)",
        at < this.L
          ? "δˡ = [(Wˡ⁺¹)ᵀ δˡ⁺¹] ⊙ σ′(zˡ)"
          : data.loss.endsWith("log_loss")
            ? "δᴸ = aᴸ − y"
            : "δᴸ = ∇f(aᴸ) ⊙ σ′(zᴸ)",
        data.alpha ? "Wˡ ← Wˡ − τ (δˡ (aˡ⁻¹)ᵀ + α Wˡ)" : "Wˡ ← Wˡ − τ δˡ (aˡ⁻¹)ᵀ,  bˡ ← bˡ − τ δˡ",
      ];
      [first, forwardText, backwardText, updateText].forEach((text, p) => {
        const line = this.lines[p];
        line.firstChild.textContent = formulas[p];
        line.lastChild.textContent = p <= this.phase ? text : "";
        if (p === this.phase) line.setAttribute("aria-current", "step");
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
          `${this.unitName(l, j)}, ${this.data.activations[l - 1].replace("_", " ")}: ${symbol("z", l, j)} = ${number(u.z)}, ` +
            `${symbol("a", l, j)} = ${number(u.a)}, σ′(z) = ${number(u.slope)}, ${symbol("δ", l, j)} = ${number(u.delta)}`,
        );
      }
      for (const i of rows.slice(0, FOLD)) {
        const a = this.unit(l - 1, i).a,
          w = this.weight(this.before, l, j, i);
        say(
          `∂f/∂${symbol("W", l, j, i)} = ${symbol("δ", l, j)} · ${symbol("a", l - 1, i)} = ${number(u.delta)} · ${bracketed(a)} = ` +
            `${number(u.delta * a)};  ${symbol("W", l, j, i)}: ${change(w, this.weight(after, l, j, i))}`,
        );
      }
      if (k === undefined) {
        say(
          `∂f/∂${symbol("b", l, j)} = ${symbol("δ", l, j)} = ${number(u.delta)};  ${symbol("b", l, j)}: ` +
            change(this.bias(this.before, l, j), this.bias(after, l, j)),
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
    showNetwork(params) {
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
              class: "skb-layer",
              "text-anchor": l === 0 ? "start" : l === L ? "end" : "middle",
              dx: l === 0 ? -margin : l === L ? margin : 0,
            },
            l === 0
              ? "input"
              : width < 420
                ? `layer ${l}`
                : `layer ${l}, ${this.data.activations[l - 1].replace("_", " ")}`,
          ),
        );
      }
      for (let l = 1; l <= L; l++) {
        const most = this.largest(params, l);
        for (let j = 0; j < sizes[l]; j++) {
          for (let k = 0; k < sizes[l - 1]; k++) {
            const w = this.weight(params, l, j, k),
              [x1, y1] = place(l - 1, k),
              [x2, y2] = place(l, j);
            const ends = { x1: x1 + boxWidth / 2, y1, x2: x2 - boxWidth / 2, y2 };
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
              element("line", { ...ends, "stroke-width": 0.5 + 4 * size, "stroke-opacity": 0.25 + 0.7 * size }),
              element("line", { ...ends, class: "skb-target" }),
              element("title", null, `${symbol("W", l, j, k)} = ${number(w)}`),
            );
            svg.append(edge);
          }
        }
      }
      for (let l = 0; l <= L; l++) {
        for (let j = 0; j < sizes[l]; j++) {
          const [x, y] = place(l, j),
            u = this.unit(l, j);
          const hasA = l === 0 || this.phase >= 1,
            hasDelta = l > 0 && this.phase >= 2;
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

    /** Each layer's weights as a heat map; those of square images, as an image for each unit. */
    showHeatMaps(params) {
      const colors = [this.rgb("negative"), this.rgb("middle"), this.rgb("positive")];
      const parts = [],
        edge = Math.sqrt(this.net.sizes[0]);
      if (edge >= 4 && Number.isInteger(edge)) {
        const x = this.x(this.drawn),
          most = Math.max(...x.map(Math.abs)) || 1;
        const image = element("canvas", { width: edge, height: edge, role: "img", "aria-label": "the drawn sample" });
        const context = image.getContext("2d"),
          pixels = context.createImageData(edge, edge);
        x.forEach((v, k) => pixels.data.set([...blend(colors, (v / most + 1) / 2), 255], 4 * k));
        context.putImageData(pixels, 0, 0);
        image.style.width = "112px";
        parts.push(element("p", { class: "skb-layer" }, "the drawn sample"), image);
      }
      for (let l = 1; l <= this.L; l++) {
        const m = this.net.sizes[l],
          n = this.net.sizes[l - 1],
          most = this.largest(params, l),
          side = Math.sqrt(n);
        const images = l === 1 && n >= 16 && Number.isInteger(side);
        const columns = images ? Math.ceil(Math.sqrt(m * 1.6)) : 1;
        const w = images ? columns * (side + 1) - 1 : n,
          h = images ? Math.ceil(m / columns) * (side + 1) - 1 : m;
        const where = (j, k) =>
          images
            ? [(j % columns) * (side + 1) + (k % side), Math.floor(j / columns) * (side + 1) + Math.floor(k / side)]
            : [k, j];
        const canvas = element("canvas", {
          width: w,
          height: h,
          "data-layer": l,
          role: "img",
          "aria-label": `the weights of layer ${l}, ${m} × ${n}`,
        });
        canvas.style.width = `${w * Math.min(14, (this.network.clientWidth || 320) / w, 340 / h)}px`;
        const context = canvas.getContext("2d"),
          pixels = context.createImageData(w, h);
        for (let j = 0; j < m; j++) {
          for (let k = 0; k < n; k++) {
            const [cx, cy] = where(j, k),
              c = blend(colors, (this.weight(params, l, j, k) / most + 1) / 2);
            pixels.data.set([...c, 255], 4 * (cy * w + cx));
          }
        }
        context.putImageData(pixels, 0, 0);
        canvas.addEventListener("click", (event) => {
          const box = canvas.getBoundingClientRect();
          const within = (share, size) => Math.max(0, Math.min(size - 1, Math.floor(share * size)));
          const cx = within((event.clientX - box.left) / box.width, w),
            cy = within((event.clientY - box.top) / box.height, h);
          if (!images) return this.choose(l, cy, cx);
          const j = Math.floor(cy / (side + 1)) * columns + Math.floor(cx / (side + 1));
          const kx = cx % (side + 1),
            ky = cy % (side + 1);
          if (j < m && kx < side && ky < side) this.choose(l, j, ky * side + kx);
        });
        const strip = (name, size, value) => {
          const text = Array.from({ length: Math.min(size, FOLD) }, (_, j) => number(value(j))).join("  ");
          return element("p", { class: "skb-strip" }, `${name}: ${text}${size > FOLD ? " …" : ""}`);
        };
        parts.push(
          element(
            "p",
            { class: "skb-layer" },
            `layer ${l}, ${this.data.activations[l - 1].replace("_", " ")}: ` +
              `${m} × ${n} weights${images ? `, an image of ${side} × ${side} for each unit` : ""}`,
          ),
          canvas,
        );
        if (this.phase >= 1) parts.push(strip(symbol("a", l), m, (j) => this.unit(l, j).a));
        if (this.phase >= 2) parts.push(strip(symbol("δ", l), m, (j) => this.unit(l, j).delta));
      }
      this.network.replaceChildren(...parts);
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

    showPlane(params) {
      const { data, L } = this,
        n = data.rows.length;
      const xs = data.rows.map((_, i) => this.x(i)[0]),
        ys = data.rows.map((_, i) => this.x(i)[1]);
      const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      const padX = 0.08 * (x1 - x0 || 1),
        padY = 0.08 * (y1 - y0 || 1);
      const f = this.frame(this.plane, [x0 - padX, x1 + padX], [y0 - padY, y1 + padY], 0.85);
      const fine = 64,
        canvas = element("canvas", { width: fine, height: fine, "aria-hidden": "true" });
      const context = canvas.getContext("2d"),
        pixels = context.createImageData(fine, fine);
      const colors = [this.rgb("negative"), this.rgb("middle"), this.rgb("positive")];
      const single = data.sizes[L] === 1,
        targets = [...this.Y];
      const low = data.classes.length ? 0 : Math.min(...targets),
        high = data.classes.length ? 1 : Math.max(...targets);
      const background = this.rgb("back");
      const shade = (a) => {
        const share = (a - low) / (high - low || 1);
        return data.classes.length ? share + (share > 0.5 ? 0.15 : -0.15) : share; // a step where the class changes
      };
      for (let r = 0; r < fine; r++) {
        for (let c = 0; c < fine; c++) {
          const x = [f.x0 + ((c + 0.5) / fine) * (f.x1 - f.x0), f.y1 - ((r + 0.5) / fine) * (f.y1 - f.y0)];
          const a = forward(this.net, data.activations, params, x).a[L];
          const color = single
            ? mix(background, blend(colors, shade(a[0])), 0.55)
            : mix(background, hex(CLASS_COLORS[a.indexOf(Math.max(...a)) % 10]), 0.35);
          pixels.data.set([...color, 255], 4 * (r * fine + c));
        }
      }
      context.putImageData(pixels, 0, 0);
      Object.assign(canvas.style, {
        left: `${(f.left / f.width) * 100}%`,
        top: `${(6 / f.height) * 100}%`,
        width: `${((f.width - f.left - 6) / f.width) * 100}%`,
        height: `${((f.height - f.bottom - 6) / f.height) * 100}%`,
      });
      for (let j = 0; L > 0 && j < data.sizes[1] && data.sizes[1] <= FOLD; j++) this.unitLine(f, params, j);
      for (let i = 0; i < n; i++) {
        f.svg.append(this.sample(i, f.px(xs[i]), f.py(ys[i]), 3.2));
      }
      f.svg.append(element("circle", { cx: f.px(xs[this.drawn]), cy: f.py(ys[this.drawn]), r: 8, class: "skb-ring" }));
      f.svg.setAttribute("aria-label", `the plane; sample ${data.rows[this.drawn] + 1} is drawn`);
      this.axes(f, data.features[0], data.features[1]);
      this.plane.replaceChildren(canvas, f.svg);
    }

    /** The line on which unit j of layer 1 has z = 0, within the frame. */
    unitLine(f, params, j) {
      const [u, v] = [this.weight(params, 1, j, 0), this.weight(params, 1, j, 1)],
        b = this.bias(params, 1, j),
        points = [];
      const add = (x, y) => {
        if (x >= f.x0 && x <= f.x1 && y >= f.y0 && y <= f.y1) points.push([f.px(x), f.py(y)]);
      };
      if (v) for (const x of [f.x0, f.x1]) add(x, -(u * x + b) / v);
      if (u) for (const y of [f.y0, f.y1]) add(-(v * y + b) / u, y);
      if (points.length < 2) return;
      const [[ax, ay], [bx, by]] = points,
        share = 0.1 + ((0.382 * j) % 0.8),
        chosen = this.pick && this.pick.l === 1 && this.pick.j === j;
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
          String(j + 1),
        ),
      );
    }

    /** One feature: the samples, the prediction and each unit's part of it. */
    showCurve(params) {
      const { data, L } = this,
        n = data.rows.length,
        fine = 80;
      const xs = data.rows.map((_, i) => this.x(i)[0]),
        ys = data.rows.map((_, i) => this.y(i)[0]);
      const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
      const grid = Array.from({ length: fine + 1 }, (_, k) => x0 + (k / fine) * (x1 - x0));
      const passes = grid.map((x) => forward(this.net, data.activations, params, [x]));
      const curve = passes.map((p) => p.a[L][0]);
      const f = this.frame(this.plane, [x0, x1], [...ys, ...curve], 0.75);
      const path = (values, name) =>
        f.svg.append(
          element("polyline", {
            class: name,
            points: grid.map((x, k) => `${f.px(x).toFixed(1)},${f.py(values[k]).toFixed(1)}`).join(" "),
          }),
        );
      for (let m = 0; L > 1 && m < data.sizes[L - 1] && data.sizes[L - 1] <= FOLD; m++) {
        const w = this.weight(params, L, 0, m);
        path(
          passes.map((p) => Math.max(f.y0, Math.min(f.y1, w * p.a[L - 1][m]))),
          `skb-part ${w < 0 ? "skb-negative" : "skb-positive"}`,
        );
      }
      for (let i = 0; i < n; i++) f.svg.append(this.sample(i, f.px(xs[i]), f.py(ys[i]), 2.6));
      path(curve, "skb-prediction");
      f.svg.append(element("circle", { cx: f.px(xs[this.drawn]), cy: f.py(ys[this.drawn]), r: 8, class: "skb-ring" }));
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
      before.forEach((v, i) => {
        if (Number.isFinite(v) && Number.isFinite(later[i])) f.svg.append(this.sample(i, f.px(v), f.py(later[i]), 2.6));
      });
      const i = this.drawn;
      if (Number.isFinite(later[i]))
        f.svg.append(element("circle", { cx: f.px(before[i]), cy: f.py(later[i]), r: 8, class: "skb-ring" }));
      f.svg.setAttribute("aria-label", "the loss of each sample before and after the step");
      this.axes(f, "loss before", "loss after");
      this.scatter.replaceChildren(f.svg);
    }

    showCourse() {
      if (!this.means) {
        const n = this.data.rows.length;
        this.means = Array.from(
          { length: this.T + 1 },
          (_, t) => this.allLosses(this.paramsAt(t)).reduce((s, v) => s + v, 0) / n,
        );
      }
      const f = this.frame(this.course, [0, this.T], [0, ...this.means], 0.75),
        at = this.phase === 3 ? this.t + 1 : this.t;
      f.svg.append(
        element("polyline", {
          class: "skb-prediction",
          points: this.means.map((v, t) => `${f.px(t).toFixed(1)},${f.py(v).toFixed(1)}`).join(" "),
        }),
        element("circle", { cx: f.px(at), cy: f.py(this.means[at]), r: 5, class: "skb-marker" }),
      );
      f.svg.setAttribute("aria-label", `mean loss after ${at} steps: ${number(this.means[at])}`);
      this.axes(f, "steps", "mean loss");
      this.course.replaceChildren(f.svg);
    }
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
