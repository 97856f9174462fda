"""What the benchmarks share: C programs compiled for this run, processes on cores of their own, what they used."""

import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="hub-benchmark-")


@cache
def compiled(name: str) -> str:
    """The path of `name.c`, compiled for this run."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("this benchmark needs a C compiler: install gcc")
    program = Path(_folder().name) / name
    subprocess.run([compiler, "-O2", "-Wall", "-o", str(program), str(HERE / f"{name}.c")], check=True)
    return str(program)


class Running:
    """A process on one core that talks in lines of JSON, and ends with its stdin."""

    def __init__(self, command: Sequence[str], core: int) -> None:
        with pinned(core):
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def line(self) -> Any:
        """The next line it says."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} has ended with {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(subprocess.TimeoutExpired, BrokenPipeError):
            self._process.communicate(timeout=15)
        self._process.kill()
        self._process.wait()


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started inside runs on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def server(kind: str, *numbers: int) -> Running:
    """One of `tests.benchmarks.servers`, or the bare loop `c`: SOCKETS ROUNDS BYTES INTERVAL_MS."""
    if kind == "c":
        sockets, rounds, size, interval_ms = numbers
        return Running([compiled("send"), *map(str, (sockets, rounds, size, interval_ms * 1_000))], SERVER_CORE)
    return Running([sys.executable, "-m", "tests.benchmarks.servers", kind, *map(str, numbers)], SERVER_CORE)


def receiver(
    port: int, sockets: int, *, path: str = "/", windows: int = 0, seconds: float = 60, stalled: int = 0,
    slow: int = 0, every_ms: int = 0, message: str | None = None,
) -> Running:  # fmt: skip
    """Clients that read until each has had so many windows; see `receive.c`."""
    numbers = (sockets, windows, seconds, stalled, slow, every_ms)
    command = [compiled("receive"), str(port), path, *map(str, numbers)]
    return Running([*command, *([message] if message else [])], CLIENT_CORE)


def processor_time(pid: int) -> float:
    """Seconds of CPU, user and system, that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def resident_kib(pid: int) -> int:
    """What a process has in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1_024


def print_versions(*packages: str) -> None:
    """Say what is compared, on what."""
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def median(numbers: Sequence[float]) -> float:
    """The median."""
    return statistics.median(numbers)


def percentile(numbers: Sequence[float], percent: float) -> float:
    """The number at this rank; the greatest where there are few."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def verdict(name: str, value: float, sign: str, bar: float, unit: str = "") -> str:
    """A line that says whether a bar was reached."""
    reached = value >= bar if sign == "≥" else value <= bar
    return f"  {'reached' if reached else 'MISSED '}  {name}: {value:.2f}{unit} (bar {sign} {bar:g}{unit})"
