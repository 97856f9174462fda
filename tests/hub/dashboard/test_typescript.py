"""The page's pure parts, tested by Node's own test runner: each file beside this one that ends in `.test.ts`."""

import subprocess
from pathlib import Path

import pytest

from tests.node import NODE

FILES = sorted(Path(__file__).parent.glob("*.test.ts"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(".test.ts"))
def test_it_passes(file: Path) -> None:
    run = subprocess.run([NODE, "--test", file], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert " tests 0\n" not in run.stdout
