"""The validators that look at what is in infra/ and scripts/."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import missing

ROOT = Path(__file__).parents[2]
INFRA, SCRIPTS = ROOT / "infra", ROOT / "scripts"


def tool(name: str, package: str) -> str:
    """The path of a program of this virtual environment or of the system; where it is missing, the test is skipped."""
    beside = Path(sys.executable).with_name(name)
    if beside.exists():
        return str(beside)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return shutil.which(name, path=path) or missing(f"{name} is not installed; get it with {package}")


def output(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """All that a command prints, which has to end well."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
