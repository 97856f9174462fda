"""What is counted, and how the processes of one Gunicorn are added up."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.messages import Ack, Reject, RejectedPoint, Retry
from hub.metrics import Metrics, ObservedEngine
from hub.topics import Topics
from streams.engine import Engine
from streams.host import LocalHost
from streams.ingest.dead_letters import DeadLetter, DeadLetters
from streams.ingest.spool import Spool, SpoolEntry
from streams.points import Touched
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
    metrics.committed(100, 0.004)
    assert value(metrics, 'hub_acks_total{stored="spool"}') == 1
    assert value(metrics, "hub_rejected_points_total") == 7
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
        metrics = Metrics()
        engine = Engine(MemoryStore(), SimulatedClock(), LocalHost())
        running = asyncio.create_task(engine.run())
        topics = Topics(ObservedEngine(engine, metrics))
        query = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", grace="500ms")
        topic = topics.join(query)
        assert topics.join(query) is topic
        assert value(metrics, "hub_plans") == 1
        await SimulatedClock().sleep(3_100)
        assert value(metrics, "hub_windows_total") == 4
        assert value(metrics, "hub_window_delay_seconds_count") == 4
        topics.leave(topic)
        topics.leave(topic)
        assert value(metrics, "hub_plans") == 0
        assert engine.plans == {}
        running.cancel()

    simulate(scenario)


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
