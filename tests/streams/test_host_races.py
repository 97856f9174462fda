"""The race that the host makes impossible: one worker makes a window final without a point that another commits.

First every order of the steps, then real processes.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from streams.host import Host, SharedHost, Touched
from streams.points import NANOSECONDS

SECOND = 1_000 * NANOSECONDS
POINT = Touched("cpu", 5 * SECOND, 5 * SECOND)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


def heard(host: Host) -> list[Touched]:
    """What others announce to this worker from now on, once it polls."""
    said: list[Touched] = []
    host.on_touched = said.extend
    return said


Steps = list[Callable[[], None]]


def interleavings(*programs: Steps) -> Iterator[Steps]:
    """Every order in which the steps of two programs can happen."""
    first, second = programs
    total = len(first) + len(second)
    for places in combinations(range(total), len(first)):
        a, b = iter(first), iter(second)
        yield [next(a if at in places else b) for at in range(total)]


class Race:
    """A writer's and a reader's steps on one window, with a set for the store and one for the spool."""

    def __init__(self, directory: Path) -> None:
        self.a, self.b = SharedHost(directory), SharedHost(directory)
        self.store: set[Touched] = set()
        self.spool: set[Touched] = set()
        self.told = heard(self.b)
        self.hold: tuple[int, ...] = ()
        self.held = self.read = False
        self.b.held_elsewhere = lambda *window: bool(self.spool)

    def writing(self) -> Steps:
        return [self.receive, self.commit, self.announce, self.release]

    def spooling(self) -> Steps:
        return [self.receive, lambda: self.spool.add(POINT), self.release, self.commit, self.announce, self.spool.clear]

    def finalising(self) -> Steps:
        return [lambda: self.b.publish_final(6_000), self.look, self.answer]

    def receive(self) -> None:
        self.hold = self.a.hold([POINT])

    def commit(self) -> None:
        self.store.add(POINT)

    def announce(self) -> None:
        self.a.announce([POINT])

    def release(self) -> None:
        self.a.release(self.hold)

    def look(self) -> None:
        self.held = self.b.holds("cpu", 5 * SECOND, 6 * SECOND)

    def answer(self) -> None:
        self.read = POINT in self.store

    def ends_well(self) -> bool:
        """The window waits, or it has the point, or it will be corrected."""
        self.b.poll()
        return self.held or self.read or self.told == [POINT]

    def close(self) -> None:
        self.a.close()
        self.b.close()


@pytest.mark.parametrize("way", [Race.writing, Race.spooling])
def test_no_order_of_steps_loses_a_point(way: Callable[[Race], Steps], directory: Path) -> None:
    orders = range(35 if way is Race.writing else 84)
    for number in orders:
        race = Race(directory)
        for step in list(interleavings(way(race), race.finalising()))[number]:
            step()
        assert race.ends_well(), f"order {number}"
        race.close()


def test_a_point_that_goes_into_the_spool_while_the_reader_looks_is_seen(directory: Path) -> None:
    """The reader looks into the hands first and into the spool last; the writer takes steps in between."""
    for before, between in combinations(range(7), 2):
        race = Race(directory)
        steps = race.spooling()

        def look_into_spool(*window: object, race: Race = race, steps: Steps = steps[before:between]) -> bool:
            for step in steps:
                step()
            return bool(race.spool)

        race.b.held_elsewhere = look_into_spool
        for step in steps[:before]:
            step()
        race.b.publish_final(6_000)
        race.look()
        race.answer()
        # Held in the hand: the spool was not asked, and the writer did nothing in between.
        for step in steps[before if before in {1, 2} else between :]:
            step()
        assert race.ends_well(), f"{before} steps before, {between - before} between"
        race.close()


def test_the_model_finds_a_wrong_order(directory: Path) -> None:
    def goes_wrong(number: int) -> bool:
        race = Race(directory)
        look, publish, answer = race.look, race.finalising()[0], race.answer
        for step in list(interleavings(race.writing(), [look, answer, publish]))[number]:
            step()
        lost = not race.ends_well()
        race.close()
        return lost

    assert any(goes_wrong(number) for number in range(35))


# Real processes.

WRITER = """
import os, sys
from pathlib import Path
from streams.host import SharedHost, Touched
host = SharedHost(Path(sys.argv[1]))
print(host.lead("drain"), flush=True)
for line in sys.stdin:
    word, start, stop = line.split()
    touched = [Touched("cpu", int(start), int(stop))]
    host.hold(touched) if word == "hold" else host.announce(touched)
    print("done", flush=True)
"""


class Worker:
    """Another process of the host, told what to do a line at a time."""

    def __init__(self, directory: Path) -> None:
        command = [sys.executable, "-c", WRITER, str(directory)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.leads = self.answer() == "True"

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def tell(self, word: str, start: int, stop: int) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{word} {start} {stop}\n")
        self.process.stdin.flush()
        assert self.answer() == "done"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def test_a_killed_worker_holds_nothing_leads_nothing_and_was_heard(directory: Path) -> None:
    host = SharedHost(directory)
    said = heard(host)
    host.publish_final(6_000)
    worker = Worker(directory)
    assert worker.leads
    assert not host.lead("drain")
    worker.tell("hold", 10, 20)
    worker.tell("announce", 30, 40)
    assert host.holds("cpu", 15, 16)
    worker.kill()
    assert not host.holds("cpu", 15, 16)
    assert host.lead("drain")
    host.poll()
    assert said == [Touched("cpu", 30, 40)]
    host.close()


RACER = """
import os, sys
from pathlib import Path
from streams.host import SharedHost, Touched
from streams.points import NANOSECONDS
directory, rounds = Path(sys.argv[1]), int(sys.argv[2])
host = SharedHost(directory / "state")
store = os.open(directory / "store", os.O_RDWR)
print("ready", flush=True)
sys.stdin.readline()
for number in range(1, rounds):
    touched = [Touched("cpu", number * NANOSECONDS, number * NANOSECONDS)]
    hold = host.hold(touched)
    os.pwrite(store, b"x", number)
    host.announce(touched)
    host.release(hold)
"""


def test_two_processes_race_for_thousands_of_windows_and_lose_none(tmp_path: Path) -> None:
    rounds = 4_000
    host = SharedHost(tmp_path / "state")
    said = heard(host)
    store = os.open(tmp_path / "store", os.O_RDWR | os.O_CREAT)
    os.pwrite(store, bytes(rounds), 0)
    command = [sys.executable, "-c", RACER, str(tmp_path), str(rounds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as racer:
        assert racer.stdin
        assert racer.stdout
        racer.stdout.readline()
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
        final_without: set[int] = set()
        for number in range(1, rounds):
            host.publish_final(number + 1)
            while host.holds("cpu", number * NANOSECONDS, (number + 1) * NANOSECONDS):
                pass
            if os.pread(store, 1, number) != b"x":
                final_without.add(number)
            host.poll()
        assert racer.wait(30) == 0
    host.poll()
    corrected = {touched.start // NANOSECONDS for touched in said}
    assert final_without <= corrected
    os.close(store)
    host.close()
