"""Hub, workers and InfluxDB killed and held still under load: what was acknowledged is there, once, and as it was last.

`PXL_FAULT_MINUTES` says how long it goes on; `PXL_FAULT_SEED` repeats a schedule as far as that is possible.
"""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from tests.integration.faults import checker
from tests.integration.faults.checker import Differences, Place, Promise, check
from tests.integration.faults.harm import Harm, drained, hub_settings
from tests.integration.faults.load import Load
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

pytestmark = [pytest.mark.anyio, pytest.mark.influxdb, pytest.mark.alone]

MINUTES = float(os.environ.get("PXL_FAULT_MINUTES") or (2 if os.environ.get("CI") == "true" else 1))
DEVICES = 200
NOTHING = Differences([], [], [])


async def test_nothing_acknowledged_is_lost_or_stored_twice(own_influxdb2: InfluxDB2, tmp_path: Path) -> None:
    seed = int(os.environ.get("PXL_FAULT_SEED") or random.randrange(2**32))
    server, bucket = own_influxdb2, own_influxdb2.new_bucket()
    with HubProcess(tmp_path, "--workers", "2", environment=hub_settings(server, bucket)) as hub:
        load = Load(hub.sockets, DEVICES)
        harm = Harm(hub, server, random.Random(seed))
        running = asyncio.create_task(load.run())
        await harm.run(60 * MINUTES)
        load.end()
        await running
        await drained(hub)
        differences = await asyncio.to_thread(check, server, bucket, load.promises)
    faults = ", ".join(f"{count} × {name}" for name, count in sorted(harm.done.items()))
    print(f"\nseed {seed}: {load.points} points, {load.setbacks} connections lost; {faults}: {differences}")
    assert load.rejections == []
    assert "Traceback" not in hub.log.read_text()
    assert differences == NOTHING, f"seed {seed}: {differences}; {faults}"


async def test_the_checker_finds_what_is_deleted_doubled_or_altered(influxdb2: InfluxDB2) -> None:
    bucket = influxdb2.new_bucket()
    promises = [Promise(f"d{number}", time.time_ns() // 10**9 * 10**9) for number in range(3)]
    for promise in promises:
        for _ in range(4):
            influxdb2.write(bucket, b"\n".join(promise.lines(10)))
    assert check(influxdb2, bucket, promises) == NOTHING

    deleted, altered = list(promises[1].places())[7], list(promises[2].places())[-1]
    doubled = Place("d0", "once", deleted.time + 1)
    elsewhere = Place("d9", "once", deleted.time)
    checker.delete(influxdb2, bucket, deleted)
    checker.write(influxdb2, bucket, {doubled: 7, elsewhere: 7, altered: 1})
    found = check(influxdb2, bucket, promises)
    assert found == Differences([deleted], [doubled, elsewhere], [(altered, promises[2].places()[altered], 1)])
