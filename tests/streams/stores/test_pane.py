"""Long windows put together from panes that are given as states, beside the plainest computation of the same points."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.partials import PanesQuery, parts_of
from streams.points import Kind, Point
from streams.queries import Query, parse_query
from streams.stores.base import Window
from streams.stores.pane import Pane
from streams.stores.partial_panes import Panes
from streams.stores.partial_states import KindsUnknown
from streams.stores.tail_tables import Points, Tables
from tests.contract import reference
from tests.streams.stores.test_tail_panes import KINDS, POINT, SELECTS, STEP, assert_same, raw

QUERIES = [
    parse_query(measurement="m", select=select, every="500ms", window="4s", group_by=group, where=where)
    for select in SELECTS
    for group, where in (([], {}), (["dev"], {}), (["site"], {"dev": ["a", "b"]}), (["site", "dev"], {"site": None}))
]


def panes_of(points: Points, asked: PanesQuery, first: int, last: int) -> list[Window]:
    """What a tail gives of the panes that stop in this range."""
    return points.answer(asked, range(first, last + 1, STEP))[0]


@given(st.lists(POINT, max_size=40), st.lists(POINT, max_size=4), st.sampled_from(QUERIES), st.booleans())
def test_windows_are_what_the_points_say_before_and_after_late_ones(
    written: Sequence[Point], late: Sequence[Point], query: Query, others_first: bool
) -> None:
    tables, so_far, parts = Tables(), list(written), parts_of(query, ("dev", "site"))
    points, panes = tables.create("m"), Panes(query, parts)
    panes.learn(KINDS)
    if others_first:  # the groups have other numbers there than here
        panes.replace([Window(-STEP, 0, (), 0)])
        panes._groups.add([("zz",) * len(query.group_by)])
    points.replace((0, 8_000), raw(so_far, 0, 8_000), STEP)
    panes.replace(panes_of(points, parts.query, STEP, 8_000))
    check(panes, so_far, query)
    for point in late:
        so_far.append(point)
        start = point.time // 10**6 // STEP * STEP
        points.replace((start, start + STEP), raw(so_far, start, start + STEP), STEP)
        panes.replace(panes_of(points, parts.query, start + STEP, start + STEP), 8_000)
        check(panes, so_far, query)
    tables.close()


def check(panes: Panes, written: Sequence[Point], query: Query) -> None:
    right = reference.windows(written, query, 4_000, 8_000)
    for found, wanted in zip(panes.answer(4_000, 8_000)[0], right, strict=True):
        assert_same(found, wanted, query)


def test_a_tail_gives_states_where_its_points_have_them_and_to_nobody_who_asks_for_rows() -> None:
    tables = Tables()
    points = tables.create("m")
    points.replace((0, 1_000), raw([Point("m", {"dev": "a"}, {"f": 1.5}, 0)], 0, 1_000), STEP)
    for aggregate, expected in (("mean", Pane), ("increase", Window)):
        query = parse_query(measurement="m", select={"f": [aggregate]}, every="500ms", window="4s", group_by=["dev"])
        asked = parts_of(query, ("dev",)).query
        assert [type(one) for one in panes_of(points, asked, 500, 1_000)] == [expected, Window]  # the other is empty
    rows = parse_query(measurement="m", select={"f": ["count", "sum"]}, every="500ms", group_by=["dev"])
    assert points.answer(rows, range(500, 501, STEP))[0][0].rows == (("a", 1, 1.5),)
    tables.close()


def test_a_field_of_another_kind_than_is_known_is_noticed() -> None:
    tables = Tables()
    points, query = tables.create("m"), QUERIES[0]
    points.replace((0, 500), raw([Point("m", {}, {"f": 1.5}, 0)], 0, 500), STEP)
    parts = parts_of(query, ())
    windows = panes_of(points, parts.query, 500, 500)
    for kinds in ({}, {"f": Kind.INTEGER}):
        panes = Panes(query, parts)
        panes.learn(kinds)
        with pytest.raises(KindsUnknown):
            panes.replace(windows)
    tables.close()
