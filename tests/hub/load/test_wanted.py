import json
from collections.abc import Mapping
from typing import Any

import pytest

from hub.load.wanted import Wanted
from hub.messages import Subscribe
from streams.formats.line import scan


def wanted(**changes: Any) -> Wanted:
    return Wanted(url="ws://127.0.0.1:8000", run="r1", **changes)


def test_dashboards_are_divided_into_healthy_slow_and_stalled_ones() -> None:
    some = wanted(dashboards=10, slow=0.2, stalled=0.3)
    assert (some.healthy_dashboards, some.slow_dashboards, some.stalled_dashboards) == (5, 2, 3)
    halves = wanted(dashboards=1, slow=0.5, stalled=0.5)
    assert halves.healthy_dashboards + halves.slow_dashboards + halves.stalled_dashboards == 1


def test_a_frame_is_line_protocol_of_points_of_their_own_in_one_millisecond() -> None:
    some = wanted(points=3, plans=2, measurement="a, b")
    scanned = scan(some.frame(5, 1_700_000_000_123), now=0)
    assert not scanned.rejects
    first, second, third = scanned.batch.lines
    assert first.startswith(rb"a\,\ b,dev=d5,group=g1,run=r1 value=")
    assert first.endswith(b" 1700000000123000000")
    assert (second[-3:], third[-3:]) == (b"001", b"002")


def test_the_query_of_a_plan_is_of_the_devices_of_that_plan_in_this_run() -> None:
    query: Mapping[str, Any] = wanted(plans=3, dashboards=3, every_ms=250).query(2)
    assert query["where"] == {"run": "r1", "group": "g2"}
    assert query["every"] == "250ms"
    assert Subscribe(id="1", query=json.loads(json.dumps(query)))


def test_a_point_belongs_to_the_window_that_starts_at_its_time_or_before() -> None:
    assert wanted(every_ms=100).stop_of(1_000) == 1_100
    assert wanted(every_ms=100).stop_of(1_099) == 1_100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"devices": 0, "dashboards": 0}, "nothing to do"),
        ({"slow": 0.6, "stalled": 0.5}, "more than all dashboards"),
        ({"rate": 0}, "--rate 0: a device sends up to 1000"),
        ({"rate": 2_000}, "--rate 2000"),
        ({"plans": 11}, "--plans 11 cannot be watched by 10"),
        ({"every_ms": 0}, "--every: a window is longer"),
        ({"measurement": "#x"}, "cannot start with #"),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wanted(**changes)
