"""What was written late is known to whoever comes back, whichever worker took it and however that ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.host import AnnouncementFailed, LateLog, LocalHost, SharedHost
from streams.host import late as module
from streams.host.late import LATE_MS, REPEAT_MS, note
from streams.points import NANOSECONDS, Touched
from tests.streams.test_host_races import Worker

HOUR = 3_600_000


class Now:
    """A clock that is put."""

    def __init__(self) -> None:
        self.time = 100 * HOUR

    def now(self) -> int:
        return self.time

    async def sleep_until(self, time_ms: int) -> None:
        self.time = max(self.time, time_ms)


def at(time: int, stop: int | None = None) -> Touched:
    """A range of times, milliseconds."""
    return Touched("cpu", time * NANOSECONDS, (stop or time) * NANOSECONDS)


def times(found: list[Touched] | None) -> list[tuple[int, int]] | None:
    """The ranges in milliseconds, without the one of what may have come soon."""
    return None if found is None else [(one.start // NANOSECONDS, one.stop // NANOSECONDS) for one in found[1:]]


@pytest.fixture
def clock() -> Now:
    return Now()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "late"


@pytest.fixture
def log(path: Path, clock: Now) -> Iterator[LateLog]:
    log = LateLog(path, clock.now)
    clock.time += HOUR
    yield log
    log.close()


def test_what_came_late_is_known_to_others_and_after_a_restart(path: Path, clock: Now, log: LateLog) -> None:
    now = clock.now()
    other = LateLog(path, clock.now)
    log.note([at(now - HOUR), Touched("mem", 0, 0)])
    assert times(other.since("cpu", now)) == [(now - HOUR, now - HOUR + 999)]
    other.note([at(now - 60_500, now - 59_500)])
    other.close()
    after = LateLog(path, clock.now)
    assert times(after.since("cpu", now)) == [(now - HOUR, now - HOUR + 999), (now - 61_000, now - 59_001)]
    clock.time += HOUR
    assert times(after.since("cpu", clock.now())) == []
    after.close()


def test_what_came_soon_is_not_written_and_said_all_the_same(path: Path, clock: Now, log: LateLog) -> None:
    size = path.stat().st_size
    log.note([at(clock.now() - LATE_MS)])
    assert path.stat().st_size == size
    found = log.since("cpu", clock.now())
    assert found is not None
    assert found[0].start == (clock.now() - LATE_MS) * NANOSECONDS
    assert found[0].stop > clock.now() * NANOSECONDS


def test_the_same_range_is_written_once_in_a_while(path: Path, clock: Now, log: LateLog) -> None:
    late = at(clock.now() - HOUR)
    log.note([late])
    size = path.stat().st_size
    for _ in range(5):
        clock.time += REPEAT_MS // 5 - 1
        log.note([late])
        assert times(log.since("cpu", clock.now())) == [(late.start // NANOSECONDS, late.start // NANOSECONDS + 999)]
    assert path.stat().st_size == size
    clock.time += 5
    log.note([late])
    assert path.stat().st_size > size


def test_nothing_is_known_of_the_time_before_it_began_nor_before_the_machine_started(path: Path, clock: Now) -> None:
    log = LateLog(path, clock.now)
    log.note([at(0)])
    assert log.since("cpu", clock.now() - 1) is None
    assert log.since("cpu", clock.now()) is not None
    log.close()
    clock.time += HOUR
    log = LateLog(path, clock.now, "another run of the machine")
    assert log.since("cpu", clock.now() - 1) is None
    assert times(log.since("cpu", clock.now())) == []
    log.close()


def test_of_two_files_the_older_one_goes_when_both_are_full(
    path: Path, clock: Now, log: LateLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 500)
    other = LateLog(path, clock.now)
    began = clock.now()
    written: list[int] = []
    while log.since("cpu", began) is not None:
        clock.time += 1_000
        log.note([at(1_000 * len(written))])
        written.append(clock.now())
        known = [time for time in written if other.since("cpu", time) is not None]
        found = times(other.since("cpu", known[0])) or []
        assert {(1_000 * place, 1_000 * place + 999) for place, time in enumerate(written) if time >= known[0]} <= {
            *found
        }
    assert len(written) > 10
    assert len(known) > 5
    other.close()


def test_half_a_line_spoils_no_other(path: Path, clock: Now, log: LateLog) -> None:
    with path.open("ab") as file:
        file.write(b'\n[1234,"cp')
    log.note([at(0)])
    assert times(log.since("cpu", clock.now())) == [(0, 999)]


def test_where_it_cannot_be_written_nothing_is_known(
    path: Path, clock: Now, log: LateLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "full")

    assert log.since("cpu", clock.now()) is not None
    with monkeypatch.context() as patch:
        patch.setattr(module, "_write", fail)
        log.note([at(0)])
        assert log.since("cpu", clock.now()) is None
        patch.setattr(LateLog, "_forget", fail)
        with pytest.raises(AnnouncementFailed, match="ENOSPC"):
            note(log, [at(0)])
    clock.time += 1
    log.note([at(1_000)])
    assert log.since("cpu", clock.now() - 1) is None
    assert times(log.since("cpu", clock.now())) == [(1_000, 1_999)]


def test_a_host_of_one_worker_knows_it_where_it_has_a_log(clock: Now, log: LateLog) -> None:
    host = LocalHost(log)
    host.announce([at(0)])
    assert times(host.late_since("cpu", clock.now())) == [(0, 999)]
    assert LocalHost().late_since("cpu", clock.now()) is None


def test_what_a_killed_worker_held_may_be_stored_and_is_taken_for_late(tmp_path: Path, clock: Now) -> None:
    SharedHost(tmp_path, clock).close()
    clock.time += HOUR
    worker = Worker(tmp_path)
    worker.tell("hold", 5_000 * NANOSECONDS, 6_000 * NANOSECONDS)
    worker.tell("hold", 1_000 * NANOSECONDS, 1_001 * NANOSECONDS)
    worker.kill()
    host = SharedHost(tmp_path, clock)
    assert times(host.late_since("cpu", clock.now())) == [(1_000, 6_999)]
    assert times(host.late_since("mem", clock.now())) == [(1_000, 6_999)]
    host.close()
