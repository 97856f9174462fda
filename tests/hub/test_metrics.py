"""What is counted, and how the processes of one Gunicorn are added up."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.messages import Ack, Reject, RejectedPoint, Retry
from hub.metrics import MOST_MEASUREMENTS, Metrics, ObservedEngine
from hub.topics import Topics
from streams.engine import Engine
from streams.host import LocalHost
from streams.ingest.dead_letters import DeadLetter, DeadLetters
from streams.ingest.outcome import Committed
from streams.ingest.spool import Spool, SpoolEntry
from streams.points import NANOSECONDS, Point, Touched
from streams.queries import parse_query
from tests.streams.engine.memory_store import MemoryStore
from tests.streams.simulation import SimulatedClock, simulate

pytestmark = pytest.mark.anyio

COUNT = """
import sys
from pathlib import Path
from hub.metrics import Metrics, add_up, forget
if sys.argv[2] == "first":
    add_up(Path(sys.argv[1]))
else:
    import os; os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
    from prometheus_client import values; values.ValueClass = values.get_value_class()
metrics = Metrics()
metrics.frames.inc(2)
metrics.connections.labels("live").inc()
print(metrics.exposition().decode())
forget(os.getpid()) if sys.argv[2] == "second" else None
print(metrics.exposition().decode())
"""


def value(metrics: Metrics, name: str) -> float | None:
    lines = metrics.exposition().decode().splitlines()
    return next((float(line.split(" ")[-1]) for line in lines if line.startswith(f"{name} ")), None)


def test_outcomes_are_counted_as_devices_hear_of_them() -> None:
    metrics = Metrics()
    metrics.told(Ack(frame=3, stored="spool"))
    metrics.told(Reject(frame=4, accepted=0, rejected=[RejectedPoint(1, "field_type", "no")], more=6))
    metrics.told(Retry(frame=5, after_ms=500))
    metrics.committed(Committed(points=100, frames=3, devices=2, waited=0.001, seconds=0.004, spooled=False))
    assert value(metrics, 'hub_acks_total{stored="spool"}') == 1
    assert value(metrics, 'hub_rejected_points_total{code="field_type"}') == 1
    assert value(metrics, 'hub_rejected_points_total{code="(others)"}') == 6
    assert value(metrics, "hub_retries_total") == 1
    assert value(metrics, "hub_committed_points_total") == 100
    assert value(metrics, 'hub_commit_seconds_bucket{le="0.005"}') == 1


async def test_what_lies_on_disk_is_told_as_it_is(tmp_path: Path) -> None:
    metrics = Metrics()
    letters, spool = DeadLetters(tmp_path / "letters", 2**20), Spool(tmp_path, "store", 2**20)
    metrics.watch_disk(letters, spool)
    assert value(metrics, "hub_spool_entries") == 0
    assert value(metrics, "hub_spool_oldest_seconds") == 0
    await spool.append([SpoolEntry(b"m v=1 1", "device", int(time.time() * 1_000) - 60_000, [Touched("m", 1, 1)])])
    letters.reject([DeadLetter(1, "device", "too_old", "clock", b"m v=1 1")] * 2)
    letters.refuse([DeadLetter(1, "device", "field_type", "type", b"m v=1 1")])
    assert value(metrics, "hub_spool_entries") == 1
    assert value(metrics, "hub_spool_bytes") == spool.statistics().bytes > 0
    assert value(metrics, "hub_spool_oldest_seconds") == pytest.approx(60, abs=5)
    assert value(metrics, "hub_spool_damaged") == 0
    assert value(metrics, 'hub_dead_letters_total{code="too_old"}') == 2
    assert value(metrics, 'hub_dead_letters_total{code="field_type"}') == 1
    assert value(metrics, "hub_dead_letter_bytes") == letters.refused_bytes() > 0
    spool.close()
    letters.close()


def test_a_plan_and_its_windows_are_counted_once_however_many_watch() -> None:
    async def scenario() -> None:
        metrics, clock = Metrics(), SimulatedClock()
        engine = Engine(MemoryStore(), clock, LocalHost())
        running = asyncio.create_task(engine.run())
        topics = Topics(ObservedEngine(engine, metrics, clock), metrics.subscribed)
        query = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="500ms")
        topic = topics.join(query)
        assert topics.join(query) is topic
        assert value(metrics, 'hub_plans{measurement="m"}') == 1
        assert value(metrics, 'hub_subscribers{measurement="m"}') == 2
        await clock.sleep(3_100)
        assert value(metrics, "hub_windows_total") == 4
        topics.leave(topic)
        assert value(metrics, 'hub_subscribers{measurement="m"}') == 1
        topics.leave(topic)
        assert value(metrics, 'hub_plans{measurement="m"}') == 0
        assert engine.plans == {}
        running.cancel()

    simulate(scenario)


@pytest.mark.parametrize("grace", ["0s", "500ms", "3s"])
def test_the_delay_is_that_of_each_windows_first_sending_once_its_plan_has_begun(grace: str) -> None:
    async def scenario() -> None:
        metrics, clock, store = Metrics(), SimulatedClock(), MemoryStore()
        engine = Engine(store, clock, LocalHost())
        store.delay = lambda: 15
        running = asyncio.create_task(engine.run())
        await clock.sleep(5_200)
        Topics(ObservedEngine(engine, metrics, clock)).join(
            parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace=grace)
        )
        await clock.sleep(1_400)
        store.put([Point("m", {}, {"v": 1}, (clock.now() - 2_000) * NANOSECONDS)])
        engine.touched([Touched("m", (clock.now() - 2_000) * NANOSECONDS, (clock.now() - 2_000) * NANOSECONDS)])
        await clock.sleep(2_000)
        assert value(metrics, "hub_window_delay_seconds_count") == 3
        assert value(metrics, "hub_window_delay_seconds_sum") == pytest.approx(3 * 0.03, abs=0.005)
        running.cancel()

    simulate(scenario)


def test_the_tails_readings_are_counted_by_measurement() -> None:
    metrics = Metrics()
    metrics.read("m", 3, 1_000, 20.0)
    metrics.read("m", 1, 10, 5.0)
    for name, total in {"reads": 2, "slices": 4, "points": 1_010, "seconds": 0.025}.items():
        assert value(metrics, f'hub_tail_{name}_total{{measurement="m"}}') == total


def test_names_that_clients_choose_do_not_fill_the_memory() -> None:
    metrics = Metrics()
    for number in range(2 * MOST_MEASUREMENTS):
        metrics.read(f"m{number}", 1, 1, 1.0)
    assert value(metrics, 'hub_tail_reads_total{measurement="m0"}') == 1
    assert value(metrics, 'hub_tail_reads_total{measurement="(others)"}') == MOST_MEASUREMENTS


def test_audits_are_counted_by_their_result() -> None:
    metrics = Metrics()
    for right in (True, True, False):
        metrics.audited(right)
    assert value(metrics, 'hub_audits_total{result="same"}') == 2
    assert value(metrics, 'hub_audits_total{result="different"}') == 1


def test_processes_that_share_a_folder_are_added_up_and_the_dead_have_nothing_open(tmp_path: Path) -> None:
    def count(which: str) -> list[str]:
        command = [sys.executable, "-c", COUNT, str(tmp_path / "metrics"), which]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.splitlines()

    assert "hub_frames_total 2.0" in count("first")
    told = count("second")
    assert told.count("hub_frames_total 4.0") == 2
    assert [line for line in told if line.startswith("hub_connections{")] == [
        'hub_connections{endpoint="live"} 2.0',
        'hub_connections{endpoint="live"} 1.0',
    ]
    assert "hub_frames_total 2.0" in count("first")
