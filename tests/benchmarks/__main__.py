"""`python -m tests.benchmarks NAME …`: run the benchmark of that name; each says what it compares."""

import importlib
import sys
from pathlib import Path

NAMES = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if "\ndef main(" in path.read_text(encoding="utf-8")
)


def run(arguments: list[str]) -> int:
    """The exit code."""
    if not arguments or arguments[0] not in NAMES:
        print(f"scripts/bench NAME …, with NAME one of {', '.join(NAMES)}", file=sys.stderr)
        return 2
    importlib.import_module(f"tests.benchmarks.{arguments[0]}").main(arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
