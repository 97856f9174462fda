"""Two readings of a machine, and the points between them."""

from typing import Any

import pytest

from hub.client import Point
from hub.commands.agent_metrics import CoreTimes, Reading, Traffic, points_between, read_machine
from streams.formats import line

SECOND = 10**9
BEFORE = Reading(
    time=100 * SECOND,
    cores={"0": CoreTimes(user=10, system=5, iowait=1, total=100, idle=80)},
    disks={"sda": Traffic(1_000, 2_000, 10, 20)},
    interfaces={"eth0": Traffic(50_000, 10_000, 100, 50)},
    memory={"used_bytes": 7},
    load={"load1": 0.5},
    usage={"/dev/sda": {"used_percent": 40.0}},
)


def by_measurement(points: list[Point]) -> dict[str, Point]:
    assert len({point.measurement for point in points}) == len(points)
    return {point.measurement: point for point in points}


def later(**changes: Any) -> Reading:
    return BEFORE._replace(time=102 * SECOND, **changes)


def test_levels_are_reported_as_they_are() -> None:
    points = by_measurement(points_between(BEFORE, later(memory={"used_bytes": 9}), "vm"))
    assert points["memory"] == Point("memory", {"used_bytes": 9}, {"host": "vm"}, 102 * SECOND)
    assert points["load"] == Point("load", {"load1": 0.5}, {"host": "vm"}, 102 * SECOND)
    assert points["disk"].tags == {"host": "vm", "device": "/dev/sda"}


def test_a_cores_shares_are_of_the_time_between() -> None:
    after = later(cores={"0": CoreTimes(user=10.5, system=5.25, iowait=1.25, total=102, idle=81)})
    point = by_measurement(points_between(BEFORE, after, "vm"))["cpu"]
    assert point.tags == {"host": "vm", "core": "0"}
    assert point.fields == {
        "usage_percent": 37.5,
        "user_percent": 25.0,
        "system_percent": 12.5,
        "iowait_percent": 12.5,
    }


def test_a_clock_that_runs_backwards_stays_within_a_hundred_percent() -> None:
    after = later(cores={"0": CoreTimes(user=12.5, system=5, iowait=0.9, total=102, idle=79.9)})
    fields = by_measurement(points_between(BEFORE, after, "vm"))["cpu"].fields
    assert fields["usage_percent"] == fields["user_percent"] == 100.0
    assert fields["iowait_percent"] == 0.0


def test_traffic_is_reported_for_each_second() -> None:
    points = by_measurement(points_between(BEFORE, later(interfaces={"eth0": Traffic(52_000, 10_500, 110, 50)}), "vm"))
    assert points["network"].fields == {
        "received_bytes_per_second": 1_000.0,
        "sent_bytes_per_second": 250.0,
        "received_packets_per_second": 5.0,
        "sent_packets_per_second": 0.0,
    }
    assert points["diskio"].fields["read_bytes_per_second"] == 0.0


@pytest.mark.parametrize("disks", [{"sda": Traffic(0, 0, 0, 0)}, {"sdb": Traffic(5, 5, 5, 5)}, {}])
def test_counters_that_began_anew_have_no_rate(disks: dict[str, Traffic]) -> None:
    assert "diskio" not in by_measurement(points_between(BEFORE, later(disks=disks), "vm"))


def test_a_core_that_was_not_there_before_has_no_shares() -> None:
    after = later(cores={"0": BEFORE.cores["0"], "1": BEFORE.cores["0"]})
    assert "cpu" not in by_measurement(points_between(BEFORE, after, "vm"))


def test_this_machine_can_be_read_and_every_point_is_a_line_the_hub_takes() -> None:
    before = read_machine()
    after = read_machine()
    after = after._replace(time=before.time + SECOND)
    points = points_between(before, after, "vm")
    assert {"memory", "load"} <= {point.measurement for point in points}
    scan = line.scan(b"\n".join(point.line() for point in points), now=0)
    assert scan.rejects == []
    assert len(scan.batch) == len(points)
