"""How the benchmarks write their results: numbers, and what they were measured with."""

import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def number(value):
    """Three digits, never in scientific notation."""
    return f"{float(f'{value:.3g}'):,g}" if value < 1e6 else "–"


def versions(libraries=("torch", "jax")):
    """Processor and libraries: NumPy, SciPy, scikit-learn and those named."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = next(iter(models), processor)
    found = []
    for name in ("numpy", "scipy", "scikit-learn", *libraries):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            pass
    return f"{date.today()}, {processor}, Python {platform.python_version()}, " + ", ".join(found)
