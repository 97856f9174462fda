"""`pxl-hub load` as a process, on a real hub."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.servers.hub import COMMAND, HubProcess


def start(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(COMMAND), "load", *arguments],
        env={name: value for name, value in os.environ.items() if not name.startswith("HUB_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    process = start(*arguments)
    stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("hub"), "--store", "duckdb::memory:") as running:
        yield running


def test_a_load_is_reported_in_words_with_its_progress_beside(hub: HubProcess) -> None:
    done = run(
        "--url", hub.sockets, "--duration", "2s", "--devices", "4", "--rate", "5", "--dashboards", "5",
        "--every", "200ms", "--slow", "0.2", "--stalled", "0.2",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    words = done.stdout
    assert words.startswith("4 devices with 200 points/s, 5 dashboards (1 slow, 1 stalled) of 1 query every 200ms")
    assert "9 of 9 opened" in words
    assert " 0 rejected, 0 without an outcome\n" in words
    assert "are in final windows, 0 lost\n" in words
    assert [line.split()[0] for line in words.splitlines() if line.startswith(("due", "stop", "sent"))] == [
        "due", "stop", "sent",
    ]  # fmt: skip
    assert "under load, 0%" in done.stderr


def test_control_c_ends_the_load_and_reports_what_there_was(hub: HubProcess) -> None:
    process = start("--url", hub.sockets, "--duration", "1h", "--every", "200ms", "--json")
    assert process.stderr
    for line in process.stderr:
        if line.startswith("under load"):
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    report = json.loads(stdout)
    assert process.returncode == 0, stdout + stderr
    assert report["points"]["checked"] == report["points"]["written"] >= 100
    assert report["windows"]["lost"] == 0
    assert report["seconds"] < 30
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--url", "ws://127.0.0.1:1"), "the hub cannot be reached"),
        (("--duration", "5"), "'5' is not a duration"),
        (("--dashboards", "100000000"), "open files"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_what_the_hub_refuses_is_told(hub: HubProcess) -> None:
    done = run("--url", hub.sockets, "--every", "50ms")
    assert (done.returncode, done.stdout) == (2, "")
    assert "shorter than 100ms" in done.stderr
