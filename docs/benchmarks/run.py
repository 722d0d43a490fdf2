"""Run steps.py, batches.py, threads.py and accuracy.py, and write results.md and steps.svg beside this file.

    python docs/benchmarks/run.py [--rounds 7] [--seeds 5] [--only steps batches threads accuracy]

This needs the `benchmarks` extra, for torch, JAX and the plot, and takes about 40 minutes. With `--only`, the other
sections of results.md stay as they are.
"""

import argparse
import re
from pathlib import Path

import accuracy
import batches
import matplotlib.pyplot as plt
import steps
import threads
from _report import number, versions
from joblib import cpu_count
from matplotlib.ticker import LogLocator, StrMethodFormatter

FOLDER = Path(__file__).parent
LABELS = {
    "ours": "ours",
    "ours_float64": "ours, float64",
    "ours_penalty": "ours, alpha > 0",
    "ours_adam": "ours, Adam",
    "ours_sgd": "ours, SGD",
    "scikit_learn": "MLPClassifier, batch_size=1",
    "mlp_adam": "MLPClassifier, Adam",
    "mlp_sgd": "MLPClassifier, SGD",
    "numpy_loop": "NumPy loop",
    "torch_by_hand": "torch, by hand",
    "torch_adam": "torch, Adam",
    "torch_sgd": "torch, SGD",
    "jax_scan": "JAX, compiled scan",
    "fann": "FANN",
    "arithmetic": "arithmetic",
    "read": "reading",
    "update": "updating",
}
LIMITS = ("arithmetic", "read", "update")


def table(label, figures):
    """{label: {contestant: figure}} in Markdown, with ratios to the first contestant of the row in brackets."""
    names = [name for name in LABELS if any(name in row for row in figures.values())]
    lines = [[label, *(LABELS[name] for name in names)], ["---"] * (len(names) + 1)]
    for row_label, row in figures.items():
        first = next(iter(row))
        ratios = {name: f" ({number(row[name] / row[first])})" for name in row if name not in (first, *LIMITS)}
        lines.append([row_label, *(number(row[n]) + ratios.get(n, "") if n in row else "" for n in names)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def plot(figures, path):
    """Plot µs per step by network, with a marker per contestant and the machine's limit as a bar."""
    plt.rcParams["svg.hashsalt"] = "skbackprop"
    figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    nets = list(figures)[::-1]
    smallest = min(min(row.values()) for row in figures.values()) / 2
    limit = [max(figures[net]["arithmetic"], figures[net]["update"]) for net in nets]
    axes.barh(range(len(nets)), limit, left=0, height=0.5, color="0.88", label="the machine's limit")
    markers = {"ours": "o", "jax_scan": "s", "fann": "v", "numpy_loop": "D", "torch_by_hand": "^", "scikit_learn": "X"}
    for name, marker in markers.items():
        places = [k for k, net in enumerate(nets) if name in figures[net]]
        values = [figures[nets[k]][name] for k in places]
        axes.scatter(values, places, s=60, marker=marker, label=LABELS[name], zorder=3)
    axes.set(xscale="log", yticks=range(len(nets)), yticklabels=nets, xlabel="µs per step", xlim=(smallest, None))
    axes.xaxis.set_major_locator(LogLocator(numticks=20))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.set_title("One step of one-sample SGD, float32, one core", loc="left")
    axes.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.45, -0.12), frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def threads_section(options):
    """One thread and all cores; before the others, which keep the process to one core."""
    figures = threads.measure(rounds=min(options.rounds, 5))
    states = {"idle": "On an otherwise idle machine:", "busy": "Beside a process that keeps one core busy:"}
    parts = []
    for state, title in states.items():
        names = list(threads.ADAM)
        lines = [["net, work", *names], ["---"] * (len(names) + 1)]
        for label, row in figures[state].items():
            lines.append([label, *(threads.cell(row[name]) if name in row else "" for name in names)])
        parts.append(f"{title}\n\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines))
    return f"""\
µs per sample of wall time, relu and softmax, medians of {min(options.rounds, 5)} interleaved rounds:
one thread → {cpu_count()} threads (and the speed-up). Batches use Adam; predictions are for 100,000 rows.

{parts[0]}
{parts[1]}"""


def steps_section(options):
    figures = steps.measure(rounds=options.rounds)
    plot(figures, FOLDER / "steps.svg")
    return f"""\
µs per step in float32, medians of {options.rounds} interleaved rounds, with the ratio to ours in brackets. The last
three columns are the machine's limits, measured in the same rounds: no step can be faster than the longer of its
arithmetic and of updating the weights it touches.

![µs per step by network](steps.svg)

{table("net", figures)}"""


def batches_section(options):
    figures = batches.measure(rounds=options.rounds)
    return f"""\
µs per sample, relu and softmax, medians of {options.rounds} interleaved rounds, with the ratio to ours with Adam in
brackets.

{table("net", figures)}"""


def accuracy_section(options):
    figures = accuracy.measure(seeds=options.seeds)
    return f"""\
MNIST, 784-300-10: seconds of training to reach a test error, medians of {options.seeds} seeds, with the ratio to ours
in brackets.

{table("test error", figures)}"""


#: Name -> title in results.md, and what measures and describes it
SECTIONS = {
    "steps": ("One step", steps_section),
    "batches": ("Mini-batches", batches_section),
    "threads": ("Threads", threads_section),
    "accuracy": ("Time to accuracy", accuracy_section),
}


def write(texts):
    """Write results.md with these sections {title: text}; what it has of others stays."""
    path = FOLDER / "results.md"
    before = re.split("^## (.*)\n\n", path.read_text(), flags=re.MULTILINE)[1:] if path.exists() else []
    texts = dict(zip(before[::2], (text.rstrip("\n") + "\n" for text in before[1::2]), strict=True)) | texts
    sections = [f"## {title}\n\n{texts[title]}" for title, _ in SECTIONS.values() if title in texts]
    introduction = "Written by `run.py`. [README.md](README.md) and the scripts say what was measured and how."
    path.write_text("\n".join([f"# Results\n\n{introduction}\n", *sections]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION")
    options = parser.parse_args()
    for name in sorted(options.only, key=lambda name: name != "threads"):  # first: the others keep to one core
        title, measure = SECTIONS[name]
        write({title: f"{measure(options)}\n{versions()}.\n"})
