"""Builds the real servers that the tests talk to, once for each user: `python -m tests.servers.build [NAME…]`.

They come from the Go module proxy as source, and end in the user's cache folder; no test starts a build by itself.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

TELEGRAF_PLUGINS = (
    "outputs.file",
    "outputs.influxdb_v2",
    "outputs.websocket",
    "inputs.exec",
    "inputs.file",
    "inputs.http_listener_v2",
    "inputs.mock",
    "inputs.socket_listener",
    "parsers.graphite",
    "parsers.influx",
    "serializers.influx",
    "serializers.json",
)


class Unbuildable(Exception):
    """A server is not there or cannot be built; the text says why and what helps."""


def find(name: str) -> Path:
    """The binary of a server that was built before; Unbuildable names the command that builds it."""
    path = _folder() / name
    if not path.exists():
        raise Unbuildable(f"{name} is not built; run: python -m tests.servers.build {name}")
    return path


def build(name: str) -> Path:
    """The binary of a server, built now unless it is there; Unbuildable when a tool or the network is missing."""
    recipe = RECIPES[name]
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder) as scratch:
                recipe(Path(scratch)).rename(folder / name)
    return folder / name


def _folder() -> Path:
    return platformdirs.user_cache_path("pxl-hub") / "servers"


def _influxdb_1(scratch: Path) -> Path:
    _need("go")
    _run(scratch, "go", "install", "github.com/influxdata/influxdb/cmd/influxd@v1.8.10", CGO_ENABLED="0")
    return scratch / "influxd"


def _influxdb_2(scratch: Path) -> Path:
    _need("go", "cargo", "gcc", "git", "pkg-config")
    wrapper = scratch / "rustc-wrapper"
    wrapper.write_text(
        '#!/bin/sh\n# Newer compilers warn, and the sources forbid warnings.\nexec "$@" --cap-lints warn\n'
    )
    wrapper.chmod(0o755)
    _run(scratch, "go", "install", "github.com/influxdata/pkg-config@v0.3.0")
    environment = {
        "CGO_ENABLED": "1",
        "GOFLAGS": "-mod=mod",
        "PKG_CONFIG": str(scratch / "pkg-config"),
        "RUSTC_WRAPPER": str(wrapper),
        "RUSTUP_TOOLCHAIN": "stable",  # the pinned one would be downloaded
    }
    package = "github.com/influxdata/influxdb/v2/cmd/influxd"
    return _build_module(scratch, package, "v2.9.1", "sqlite_foreign_keys,sqlite_json", environment)


def _telegraf(scratch: Path) -> Path:
    _need("go")
    tags = ",".join(("custom", *TELEGRAF_PLUGINS))
    environment = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}
    return _build_module(scratch, "github.com/influxdata/telegraf/cmd/telegraf", "v1.39.0", tags, environment)


RECIPES: dict[str, Callable[[Path], Path]] = {
    "influxd-2.9.1": _influxdb_2,
    "influxd-1.8.10": _influxdb_1,
    "telegraf-1.39.0": _telegraf,
}
"""Each makes the binary inside an empty folder and returns its path."""


def _build_module(scratch: Path, package: str, version: str, tags: str, environment: dict[str, str]) -> Path:
    module = scratch / "module"
    module.mkdir()
    _run(module, "go", "mod", "init", "build")
    _run(module, "go", "get", "-tags", tags, f"{package}@{version}", **environment)
    _run(module, "go", "build", "-tags", tags, "-o", str(scratch / "server"), package, **environment)
    return scratch / "server"


def _need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise Unbuildable(f"{' and '.join(missing)} must be installed first")


def _run(folder: Path, *command: str, **environment: str) -> None:
    run = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "GOBIN": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if run.returncode:
        tail = "\n".join(run.stdout.splitlines()[-10:])
        raise Unbuildable(f"{' '.join(command)} failed:\n{tail}")


def main(names: list[str]) -> int:
    """Build the servers named, or all; 1 when one of them could not be."""
    failed = False
    for name in names or RECIPES:
        if name not in RECIPES:
            print(f"{name} is no server; there are {' '.join(RECIPES)}", file=sys.stderr)
            return 2
        print(f"{name}: ", end="", flush=True)
        try:
            print(build(name))
        except Unbuildable as error:
            print(f"cannot be built: {error}", flush=True)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
