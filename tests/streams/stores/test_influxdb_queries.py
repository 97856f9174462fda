"""InfluxQL's texts: names and values that want out of their quotes, and what has no InfluxQL."""

from typing import Any

import pytest

from streams.points import Kind
from streams.queries import Column, parse_query
from streams.stores.base import MeasurementSchema, Window
from streams.stores.influxdb_queries import Script, has_influxql, read_as, schema_of, windows_of

FLOAT, INTEGER = frozenset({Kind.FLOAT}), frozenset({Kind.INTEGER})
SCHEMA = MeasurementSchema(
    {"temp": FLOAT, "n": INTEGER, "s": frozenset({Kind.STRING}), "x": FLOAT | INTEGER}, frozenset()
)


def test_points_are_selected_with_every_name_quoted_and_typed() -> None:
    script = Script()
    where = parse_query(measurement="m", select={"f": "last"}, every="1s", where={"site": ["s1", None], "dev": "it's"})
    script.select_points("m", {"f": "field", "g": "float"}, ["dev"], (5, 9), where=where, limit=7)
    assert str(script) == (
        'SELECT "f"::field, "g"::float, "dev"::tag FROM "m" WHERE time >= 5 AND time < 9'
        """ AND ("dev"::tag = 'it\\'s') AND ("site"::tag = '' OR "site"::tag = 's1') LIMIT 7"""
    )
    assert script.parameters == {}


def test_windows_are_selected_with_their_count_first() -> None:
    script = Script()
    asked = parse_query(measurement="m", select={"f": ["mean", "p95"]}, every="10s", group_by=["site"])
    script.select_windows(asked, 20_000, 30_000)
    assert str(script) == (
        'SELECT count("f"::field), mean("f"::field), percentile("f"::field, 95.0) FROM "m"'
        ' WHERE time >= 10000000000 AND time < 30000000000 GROUP BY time(10000ms), "site"::tag fill(none)'
    )


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("plain", '"plain"'),
        ('a"; DROP MEASUREMENT "m', r'"a\"; DROP MEASUREMENT \"m"'),
        ("back\\slash\\", r'"back\\slash\\"'),
        ("two\nlines", r'"two\nlines"'),
        ("$p0", '"$p0"'),
    ],
)
def test_a_name_stays_inside_its_quotes(name: str, quoted: str) -> None:
    script = Script()
    script.show_schema(name)
    assert script.statements == [f"SHOW FIELD KEYS FROM {quoted}", f"SHOW TAG KEYS FROM {quoted}"]


def test_what_no_quoted_text_can_spell_is_bound() -> None:
    script = Script()
    where = parse_query(measurement="m", select={"f": "last"}, every="1s", where={"t\0": "v\r"})
    script.select_points("m\r", {"f": "field"}, [], (5, 9), where=where, limit=None)
    assert str(script) == 'SELECT "f"::field FROM $p2 WHERE time >= 5 AND time < 9 AND ($p0::tag = $p1)'
    assert script.parameters == {"p0": {"identifier": "t\0"}, "p1": "v\r", "p2": {"identifier": "m\r"}}


def test_a_schema_has_every_kind_that_a_shard_has() -> None:
    schema = schema_of([["a", "float"], ["a", "integer"], ["b", "unsigned"]], [["dev"], ["site"]])
    assert schema.fields == {"a": {Kind.FLOAT, Kind.INTEGER}, "b": {Kind.UNSIGNED}}
    assert schema.tags == {"dev", "site"}
    assert read_as(schema.fields["a"]) is Kind.FLOAT
    assert read_as(schema.fields["b"]) is Kind.UNSIGNED


@pytest.mark.parametrize(
    ("select", "window", "able"),
    [
        ({"temp": ["count", "mean", "p95", "stddev"]}, "1s", True),
        ({"n": ["count", "min", "max", "last", "p50"]}, "1s", True),
        ({"n": ["sum"]}, "1s", False),  # wraps
        ({"n": ["mean"]}, "1s", False),  # is made of a sum that wraps
        ({"temp": ["p10"]}, "1s", False),  # drops groups
        ({"temp": ["rate"]}, "1s", False),
        ({"temp": ["mode"]}, "1s", False),
        ({"temp": ["mean"]}, "2s", False),  # hopping
        ({"temp": ["mean"], "n": ["last"]}, "1s", False),  # cannot count the points
        ({"s": ["count"]}, "1s", False),
        ({"x": ["count"]}, "1s", False),  # has two types
        ({"unknown": ["count"]}, "1s", False),
    ],
    ids=str,
)
def test_what_influxql_answers_exactly(select: dict[str, list[str]], window: str, able: bool) -> None:
    asked = parse_query(measurement="m", select=select, every="1s", window=window)
    assert has_influxql(asked, SCHEMA) is able


def test_groups_become_rows_sorted_by_tags_and_windows_without_points_are_there() -> None:
    asked = parse_query(measurement="m", select={"f": ["mean", "count"]}, every="1s", group_by=["dev"])
    groups: list[tuple[dict[str, str], list[list[Any]]]] = [
        ({"dev": "b"}, [[1_000_000_000, 2, 4, 2]]),
        ({"dev": ""}, [[1_000_000_000, 1, float("inf"), 1]]),
    ]
    columns: list[Column] = asked.columns({"f": Kind.FLOAT})
    assert windows_of(asked, columns, 1_000, 2_000, groups) == [
        Window(0, 1_000, (), 0),
        Window(1_000, 2_000, ((None, None, 1), ("b", 4.0, 2)), 3),
    ]
    (_, second) = windows_of(asked, columns, 1_000, 2_000, groups)
    assert isinstance(second.rows[1][1], float)
