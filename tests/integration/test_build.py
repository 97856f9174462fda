"""The page is built from Python alone, wherever the hub is packed or installed."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "hub", "streams")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The sources as they are in a fresh clone, without what was built."""
    clone = tmp_path / "clone"
    clone.mkdir()
    shutil.copy(ROOT / ".gitignore", clone)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, clone / name, ignore=shutil.ignore_patterns("built", "node_modules", "__pycache__")
            )
        else:
            shutil.copy(ROOT / name, clone)
    return clone


def wheel_of(clone: Path, **environment: str) -> list[str]:
    """The names of the files in a wheel built there, with the build's requirements that are installed here."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    # A machine's own Node must not be what builds it.
    subprocess.run(command, cwd=clone, env={**os.environ, "PATH": "/usr/bin:/bin", **environment}, check=True)
    (wheel,) = (clone / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_a_wheel_has_the_built_page_and_none_of_its_sources(clone: Path) -> None:
    names = wheel_of(clone)
    page = sorted(name.removeprefix("hub/dashboard/") for name in names if name.startswith("hub/dashboard/"))
    assert page == [
        *("built/docs/docs.css", "built/docs/docs.js", "built/docs/index.html"),
        *("built/favicon.svg", "built/index.html", "built/page.css", "built/page.js"),
    ]
    assert "hub/app.py" in names


def test_the_page_can_be_left_out(clone: Path) -> None:
    names = wheel_of(clone, HUB_SKIP_DASHBOARD="1")
    assert not [name for name in names if name.startswith("hub/dashboard/")]
