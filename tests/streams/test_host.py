"""The host: what one worker says is known to the others before anybody relies on it."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.host import AnnouncementFailed, Host, LocalHost, SharedHost, TooManyWorkers, Touched
from streams.host.slots import MAX_WORKERS, RANGES
from streams.points import NANOSECONDS

SECOND = 1_000 * NANOSECONDS
POINT = Touched("cpu", 5 * SECOND, 5 * SECOND)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def workers(directory: Path) -> Iterator[tuple[SharedHost, SharedHost]]:
    a, b = SharedHost(directory), SharedHost(directory)
    yield a, b
    a.close()
    b.close()


@pytest.fixture(params=["local", "shared"])
def host(request: pytest.FixtureRequest, directory: Path) -> Iterator[Host]:
    host: Host = LocalHost() if request.param == "local" else SharedHost(directory)
    yield host
    host.close()


def heard(host: Host) -> list[Touched]:
    """What others announce to this worker from now on, once it polls."""
    said: list[Touched] = []
    host.on_touched = said.extend
    return said


def test_a_point_is_held_from_its_receipt_to_its_release(host: Host) -> None:
    hold = host.hold([POINT])
    assert host.holds("cpu", 5 * SECOND, 6 * SECOND)
    host.release(hold)
    assert not host.holds("cpu", 5 * SECOND, 6 * SECOND)


def test_a_window_has_its_start_and_not_its_stop(host: Host) -> None:
    host.hold([Touched("cpu", 10, 20)])
    assert host.holds("cpu", 20, 21)
    assert not host.holds("cpu", 21, 30)
    assert host.holds("cpu", 0, 11)
    assert not host.holds("cpu", 0, 10)


def test_a_hold_concerns_its_measurement_alone(host: Host) -> None:
    host.hold([POINT, Touched("memory", 1, 2)])
    assert host.holds("memory", 0, 10)
    assert not host.holds("memory", 5 * SECOND, 6 * SECOND)
    assert not host.holds("disk", 0, 9 * SECOND)


def test_what_the_spool_keeps_counts_as_held(host: Host) -> None:
    host.held_elsewhere = lambda measurement, start, stop: (measurement, start, stop) == ("cpu", 1, 2)
    assert host.holds("cpu", 1, 2)
    assert not host.holds("cpu", 2, 3)


def test_one_worker_leads_until_it_leaves(workers: tuple[SharedHost, SharedHost], directory: Path) -> None:
    a, b = workers
    assert a.lead("drain")
    assert a.lead("drain")
    assert not b.lead("drain")
    assert b.lead("rollup")
    c = SharedHost(directory)
    assert not c.lead("rollup")
    c.close()
    assert LocalHost().lead("drain")


def test_a_worker_sees_what_another_holds(workers: tuple[SharedHost, SharedHost]) -> None:
    a, b = workers
    hold = a.hold([POINT])
    assert b.holds("cpu", 5 * SECOND, 6 * SECOND)
    a.release(hold)
    assert not b.holds("cpu", 5 * SECOND, 6 * SECOND)


def test_a_late_point_is_announced_to_workers_that_made_its_window_final(
    workers: tuple[SharedHost, SharedHost],
) -> None:
    a, b = workers
    said = heard(b)
    b.publish_final(6_000)
    a.announce([POINT, Touched("cpu", 6 * SECOND, 7 * SECOND)])
    b.poll()
    b.poll()
    assert said == [POINT]


def test_a_worker_hears_nothing_of_its_own_and_nothing_of_the_future(workers: tuple[SharedHost, SharedHost]) -> None:
    a, b = workers
    said = [heard(a), heard(b)]
    a.publish_final(9_000)
    b.publish_final(5_000)
    a.announce([POINT])
    a.poll()
    b.poll()
    assert said == [[], []]


def test_final_never_goes_back(workers: tuple[SharedHost, SharedHost]) -> None:
    a, b = workers
    said = heard(b)
    b.publish_final(6_000)
    b.publish_final(2_000)
    a.announce([POINT])
    b.poll()
    assert said == [POINT]


def test_an_announcement_outlives_its_writer_and_half_a_line_of_another(directory: Path) -> None:
    a, b, c = SharedHost(directory), SharedHost(directory), SharedHost(directory)
    said = heard(b)
    b.publish_final(6_000)
    a.announce([POINT])
    a.close()
    with (directory / "worker-01.inbox").open("ab") as inbox:
        inbox.write(b'\n["cpu",50')
    c.announce([Touched("mémoire", 1, 2)])
    b.poll()
    assert said == [POINT, Touched("mémoire", 1, 2)]
    b.close()
    c.close()


def test_an_announcement_that_cannot_be_written_is_an_error(
    workers: tuple[SharedHost, SharedHost], directory: Path
) -> None:
    a, b = workers
    b.publish_final(6_000)
    (directory / "worker-01.inbox").unlink()
    (directory / "worker-01.inbox").symlink_to("/dev/full")
    with pytest.raises(AnnouncementFailed, match="ENOSPC"):
        a.announce([POINT])


def test_a_new_worker_does_not_inherit(directory: Path) -> None:
    a, b = SharedHost(directory), SharedHost(directory)
    b.publish_final(6_000)
    a.announce([POINT])
    b.close()
    successor = SharedHost(directory)
    said = heard(successor)
    successor.poll()
    a.announce([POINT])
    successor.poll()
    assert said == []
    a.close()
    successor.close()


def test_more_ranges_than_fit_are_widened_and_never_forgotten(workers: tuple[SharedHost, SharedHost]) -> None:
    a, b = workers
    holds = [a.hold([Touched("cpu", 10 * i, 10 * i)]) for i in range(RANGES)]
    crowd = [a.hold([Touched("memory", 1_000_000 + i, 1_000_000 + i)]) for i in range(3)]
    assert b.holds("memory", 1_000_002, 1_000_003)
    assert b.holds("anything", 1_000_001, 1_000_002)
    assert not b.holds("memory", 1_000_003, 1_000_004)
    for hold in crowd:
        assert b.holds("memory", 1_000_002, 1_000_003)
        a.release(hold)
    assert not b.holds("memory", 0, 2_000_000)
    assert b.holds("cpu", 10 * (RANGES - 1), 10 * RANGES)
    for hold in holds:
        a.release(hold)
    assert not b.holds("cpu", 0, 10 * RANGES)


def test_a_worker_too_many_is_told_so(directory: Path) -> None:
    hosts = [SharedHost(directory) for _ in range(MAX_WORKERS)]
    with pytest.raises(TooManyWorkers, match="start fewer"):
        SharedHost(directory)
    hosts.pop().close()
    hosts.append(SharedHost(directory))
    for host in hosts:
        host.close()


@pytest.mark.anyio
async def test_announcements_arrive_while_the_worker_runs(workers: tuple[SharedHost, SharedHost]) -> None:
    a, b = workers
    arrived = anyio.Event()
    b.on_touched = lambda touched: arrived.set()
    b.publish_final(6_000)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(b.run)
        a.announce([POINT])
        with anyio.fail_after(5):
            await arrived.wait()
        tasks.cancel_scope.cancel()


range_of_times = st.tuples(st.integers(-100, 100), st.integers(0, 30)).map(lambda r: (r[0], r[0] + r[1]))
names = st.sampled_from(["cpu", "memory", "disk"])
script = st.lists(st.one_of(st.tuples(names, range_of_times), st.integers(0, 20)), max_size=30)


@given(script, names, range_of_times)
@settings(max_examples=50, deadline=None)
def test_both_hosts_agree_with_a_list(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, tuple[int, int]] | int],
    measurement: str,
    window: tuple[int, int],
) -> None:
    hosts: list[Host] = [LocalHost(), SharedHost(tmp_path_factory.mktemp("host"))]
    held: list[tuple[Touched, list[tuple[int, ...]]]] = []
    for step in steps:
        if isinstance(step, tuple):
            touched = Touched(step[0], *step[1])
            held.append((touched, [host.hold([touched]) for host in hosts]))
        elif step < len(held):
            for host, hold in zip(hosts, held.pop(step)[1], strict=True):
                host.release(hold)
    start, stop = window
    expected = any(t.measurement == measurement and t.start < stop and t.stop >= start for t, _ in held)
    assert [host.holds(measurement, start, stop) for host in hosts] == [expected, expected]
    for host in hosts:
        host.close()


def test_a_late_write_of_any_worker_is_seen_until_it_ends(host: Host) -> None:
    assert not host.late_writes()
    host.write_late(under_way=True)
    assert host.late_writes()
    host.write_late(under_way=False)
    assert not host.late_writes()


def test_a_late_write_is_seen_by_the_others_and_ends_with_its_worker(
    workers: tuple[SharedHost, SharedHost], directory: Path
) -> None:
    a, b = workers
    a.write_late(under_way=True)
    b.write_late(under_way=True)
    assert a.late_writes()
    b.write_late(under_way=False)
    assert b.late_writes()

    c = SharedHost(directory)
    a.write_late(under_way=False)
    c.write_late(under_way=True)
    c.close()
    assert not b.late_writes()
