"""nginx with our configuration: its own check, and a WebSocket through its TLS to a hub."""

import json
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from hub.settings import Settings
from tests.hub.running import running_hub
from tests.infra.tools import INFRA, output, tool
from tests.servers.hub import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What nginx is started with as its prefix: a certificate for 127.0.0.1, and a place for logs."""
    (tmp_path / "tls").mkdir()
    (tmp_path / "logs").mkdir()
    files = ["-keyout", str(tmp_path / "tls" / "tls.key"), "-out", str(tmp_path / "tls" / "tls.crt")]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    output(tool("openssl", "apt install openssl"), "req", "-x509", "-days", "2", *key, *name, *files)
    return tmp_path


def nginx(folder: Path, configuration: str, *options: str) -> list[str]:
    file = folder / "nginx.conf"
    file.write_text(configuration)
    return [
        tool("nginx", "apt install nginx-light"),
        "-p",
        str(folder),
        "-c",
        str(file),
        "-e",
        "logs/error.log",
        *options,
    ]


def test_nginx_finds_nothing_wrong(folder: Path) -> None:
    command = nginx(folder, (INFRA / "nginx.conf").read_text(), "-t")
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert said.returncode == 0, said.stderr
    assert "warn" not in said.stderr


@pytest.fixture
def proxied(folder: Path) -> Iterator[int]:
    """The port of an nginx in front of a hub; only ports, and whom it runs as, differ from the file."""
    port, plain = free_port(), free_port()
    with running_hub(Settings(store="duckdb::memory:", data_folder=str(folder / "hub"))) as hub:
        changes = {
            "listen 443": f"listen 127.0.0.1:{port}",
            "listen 80": f"listen 127.0.0.1:{plain}",
            "127.0.0.1:8000": f"127.0.0.1:{hub.port}",
            "worker_rlimit_nofile 65536": "worker_rlimit_nofile 1024",
            "worker_connections 32768": "worker_connections 256",
        }
        configuration = (INFRA / "nginx.conf").read_text()
        for old, new in changes.items():
            assert old in configuration
            configuration = configuration.replace(old, new)
        server = subprocess.Popen(nginx(folder, configuration, "-g", "daemon off;"))
        try:
            _wait(f"https://127.0.0.1:{port}/healthz", _trusting(folder))
            yield port
        finally:
            server.terminate()
            server.wait(10)


def _trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "tls" / "tls.crt")


def _wait(url: str, context: ssl.SSLContext) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2, context=context):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


async def test_a_device_and_a_dashboard_get_through_tls_and_nginx(proxied: int, folder: Path) -> None:
    url, context = f"wss://127.0.0.1:{proxied}", _trusting(folder)
    async with connect(f"{url}/v1/write", ssl=context) as device, connect(f"{url}/v1/live", ssl=context) as dashboard:
        assert json.loads(await device.recv())["type"] == "ready"
        assert json.loads(await dashboard.recv())["type"] == "ready"
        await device.send("weather,site=s1 temp=21.5")
        assert json.loads(await device.recv()) == {"type": "ack", "frame": 1, "stored": "store"}
        query = {"measurement": "weather", "select": {"temp": ["last"]}, "every": "1s"}
        await dashboard.send(json.dumps({"type": "subscribe", "id": "a", "query": query, "history": "5s"}))
        assert json.loads(await dashboard.recv())["type"] == "subscribed"


async def test_the_metrics_stay_inside(proxied: int, folder: Path) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        urllib.request.urlopen(f"https://127.0.0.1:{proxied}/metrics", context=_trusting(folder))
    caught.value.close()
