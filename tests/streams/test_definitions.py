"""Named streams: what a file may say, and where each mistake is."""

import re
from pathlib import Path

import pytest

from streams.definitions import Stream, load_definitions, load_retention, parse_definitions, parse_retentions
from streams.errors import DefinitionInvalid
from streams.queries import parse_query
from streams.rollups import Rollup

WEATHER = """\
# What the stations send.
[streams.weather]
measurement = "weather"
select = { temp = ["mean", "p95"], hum = "last" }
where = { site = ["s1", "s2"] }
group_by = ["dev"]
window = "10s"
every = "1s"
grace = "500ms"
"""


def error_in(text: str) -> str:
    with pytest.raises(DefinitionInvalid) as raised:
        parse_definitions(text, "hub.toml")
    return str(raised.value)


def test_a_stream_is_a_query_with_a_name() -> None:
    query = parse_query(
        measurement="weather",
        select={"temp": ["mean", "p95"], "hum": ["last"]},
        where={"site": ["s1", "s2"]},
        group_by=["dev"],
        window="10s",
        every="1s",
        grace="500ms",
    )
    assert parse_definitions(WEATHER, "hub.toml") == {"weather": Stream("weather", query)}


def test_streams_keep_the_order_of_the_file() -> None:
    text = "\n".join(
        f'[streams.{name}]\nmeasurement = "m"\nselect.v = "mean"\nevery = "1s"' for name in ("z-1", "a_2", "M")
    )
    assert list(parse_definitions(text, "hub.toml")) == ["z-1", "a_2", "M"]


def test_a_file_without_streams_defines_none() -> None:
    assert parse_definitions("", "hub.toml") == {}
    assert parse_definitions("[hub]\nport = 1\n", "hub.toml", others=["hub"]) == {}


def test_an_empty_text_in_where_is_a_missing_tag() -> None:
    [stream] = parse_definitions(WEATHER.replace('["s1", "s2"]', '["", "s1"]'), "hub.toml").values()
    assert stream.query.where == (("site", (None, "s1")),)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(WEATHER)
    assert list(load_definitions(path)) == ["weather"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DefinitionInvalid, match=r"none\.toml: cannot be read: No such file or directory$"):
        load_definitions(tmp_path / "none.toml")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(DefinitionInvalid, match=r"hub\.toml:2: this is not UTF-8 text$"):
        load_definitions(path)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a = 1\nb = \n", "hub.toml:2: Invalid value"),
        ("[streams.a]\nevery = '1s'\nevery = '2s'\n", "hub.toml:3: Cannot overwrite a value"),
        ("[streams.a]\n\n[streams.a]\n", "hub.toml:3: Cannot declare ('streams', 'a') twice"),
        ("[streams.a]\nselect = {\n", "hub.toml:2: "),
        ('a = """never\nended', "hub.toml:2: "),
    ],
)
def test_broken_toml_has_its_line(text: str, error: str) -> None:
    assert error_in(text).startswith(error)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("\n[stream.weather]\n", "hub.toml:2: stream: there is no such key; did you mean 'streams'?"),
        ("# no\nstreams = 3\n", "hub.toml:2: streams: expected tables, each [streams.NAME]"),
        ("[streams]\nweather = 3\n", "hub.toml:2: weather: expected a table [streams.weather], not a value"),
        ("\n\n[streams.'']\n", "hub.toml:3: '': a stream's name is a letter and"),
        ("\n[streams.'a b']\n", "hub.toml:2: 'a b': a stream's name is"),
        ("\n[streams.1st]\n", "hub.toml:2: '1st': a stream's name is"),
        (f"[streams.{'a' * 65}]\n", f"hub.toml:1: '{'a' * 65}': a stream's name is"),
        ("\n[[streams.a]]\nevery = '1s'\n", "hub.toml:2: a: expected a table [streams.a], not a value"),
    ],
)
def test_what_is_no_stream(text: str, error: str) -> None:
    assert error_in(text).startswith(error)


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ('every = "1s"', 'evry = "1s"', "8: weather.evry: there is no such key; did you mean 'every'?"),
        ("group_by", "groupby", "6: weather.groupby: there is no such key; did you mean 'group_by'?"),
        ("group_by", "xyz", "6: weather.xyz: there is no such key"),
        ('measurement = "weather"', "", "2: weather: the key 'measurement' is missing"),
        ('measurement = "weather"', 'measurement = ""', "3: weather.measurement: expected a name, not ''"),
        ('measurement = "weather"', "measurement = 7", "3: weather.measurement: expected a name, not 7"),
        ('"mean", "p95"', '"meen"', "4: weather.select.temp: 'meen' is no aggregate"),
        ('"mean", "p95"', '"mean", "mean"', "4: weather.select.temp: "),
        ('"mean", "p95"', "", "4: weather.select.temp: name at least one aggregate"),
        ('{ temp = ["mean", "p95"], hum = "last" }', "{}", "4: weather.select: name at least one field"),
        ('{ temp = ["mean", "p95"], hum = "last" }', '"temp"', "4: weather.select: name at least one field"),
        ('["s1", "s2"]', "3", "5: weather.where.site: expected a text"),
        ('{ site = ["s1", "s2"] }', '"s1"', "5: weather.where: expected tags and their values"),
        ('["dev"]', '"dev"', "6: weather.group_by: expected a list of names"),
        ('["dev"]', '["dev", "dev"]', "6: weather.group_by: a name is given twice"),
        ('window = "10s"', 'window = "10"', "7: weather.window: '10' is not a duration"),
        ('window = "10s"', 'window = "1500ms"', "7: weather.window: 1500ms is not a whole multiple of every, 1s"),
        ('every = "1s"', "every = 1", "8: weather.every: expected a duration such as '10s', not 1"),
        ('every = "1s"', 'every = "10ms"', "8: weather.every: 10ms is shorter than 100ms"),
        ('grace = "500ms"', 'grace = "-1s"', "9: weather.grace: '-1s' is not a duration"),
        ('window = "10s"\nevery = "1s"\n', "", "2: weather.every: a window's step is missing"),
    ],
)
def test_each_key_is_checked_and_has_its_line(before: str, after: str, error: str) -> None:
    assert before in WEATHER
    assert error_in(WEATHER.replace(before, after)).startswith(f"hub.toml:{error}")


def test_lines_are_right_after_texts_and_arrays_over_several_lines() -> None:
    text = '''\
[streams.notes]
measurement = """
[streams.fake]
every = 1
"""
group_by = [  # one for each
  "dev",  # every = 2
  "[x]",
]
every = "1s"
select."a.b" = ["mean"]
[streams.notes.where]
"odd key" = [
  "]",
]
site = 1
'''
    assert error_in(text + "[streams.b]\n").startswith("hub.toml:16: notes.where.site: ")
    assert error_in(text.replace('"mean"', '"x"')).startswith("hub.toml:11: notes.select.a.b: 'x' is no aggregate")


def test_lines_are_right_where_lines_end_in_cr_lf() -> None:
    assert error_in(WEATHER.replace("10s", "10").replace("\n", "\r\n")).startswith("hub.toml:7: weather.window: ")


ROLLED = WEATHER + 'into = "long/weather_1s"\nrollup_after = "7d"\n'


def test_a_stream_may_be_rolled_up() -> None:
    [stream] = parse_definitions(ROLLED, "hub.toml").values()
    assert stream.rollup == Rollup("weather", stream.query, "weather_1s", "long", 7 * 86_400_000)
    [stream] = parse_definitions(WEATHER + 'into = "weather_1s"', "hub.toml").values()
    assert stream.rollup == Rollup("weather", stream.query, "weather_1s")


def test_the_bucket_of_a_rollup_may_be_a_database_and_its_policy() -> None:
    [stream] = parse_definitions(WEATHER + 'into = "db/rp/weather_1s"', "hub.toml").values()
    assert stream.rollup is not None
    assert (stream.rollup.bucket, stream.rollup.measurement) == ("db/rp", "weather_1s")


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ('"long/weather_1s"', '""', "10: weather.into: expected MEASUREMENT or BUCKET/MEASUREMENT, not ''"),
        ('"long/weather_1s"', "3", "10: weather.into: expected MEASUREMENT or BUCKET/MEASUREMENT, not 3"),
        ('"long/weather_1s"', '"long/"', "10: weather.into: expected MEASUREMENT or BUCKET/MEASUREMENT, not 'long/'"),
        ('"long/weather_1s"', '"/weather_1s"', "10: weather.into: expected MEASUREMENT or BUCKET/MEASUREMENT"),
        ('"long/weather_1s"', '"weather"', "10: weather.into: 'weather' is what the stream reads"),
        ('"7d"', '"7 days"', "11: weather.rollup_after: expected a duration such as '7d', not '7 days'"),
        ('"7d"', "7", "11: weather.rollup_after: expected a duration such as '7d', not 7"),
        ('into = "long/weather_1s"\n', "", "10: weather.rollup_after: without into there is nothing to read"),
        ("rollup_after", "rolup_after", "11: weather.rolup_after: there is no such key; did you mean 'rollup_after'?"),
    ],
)
def test_what_is_wrong_with_a_rollup_has_its_line(before: str, after: str, error: str) -> None:
    assert before in ROLLED
    assert error_in(ROLLED.replace(before, after)).startswith(f"hub.toml:{error}")


def test_two_streams_cannot_share_a_target() -> None:
    second = ROLLED.replace("streams.weather", "streams.other")
    assert error_in(ROLLED + second).startswith("hub.toml:21: other.into: stream 'weather' writes to 'long/weather_1s'")


def test_a_bucket_keeps_its_points_for_so_long(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text('[hub]\n[retention]\nsensors = "30d"\n"db/rp" = "forever"\n')
    assert load_retention(path, others=["hub"]) == {"sensors": 30 * 86_400_000, "db/rp": None}
    assert parse_retentions(WEATHER, "hub.toml") == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "[retention]\na = '1h'\nb = '59m'\n",
            "hub.toml:3: retention.b: '59m' is no whole number of seconds from 1h on",
        ),
        ("[retention]\na = 30\n", "hub.toml:2: retention.a: expected a duration such as '30d', or 'forever', not 30"),
        ("[retention]\n\na = 'always'\n", "hub.toml:3: retention.a: 'always' is not a duration"),
        ("retention = '30d'\n", "hub.toml:1: retention: expected a table [retention] of buckets"),
    ],
)
def test_what_is_no_retention(text: str, error: str) -> None:
    with pytest.raises(DefinitionInvalid, match=re.escape(error)):
        parse_retentions(text, "hub.toml")


def test_a_table_of_its_own_for_select() -> None:
    text = '[streams.a]\nmeasurement = "m"\nevery = "1s"\n[streams.a.select]\nv = ["mean"]\nw = ["nothing"]\n'
    assert error_in(text).startswith("hub.toml:6: a.select.w: 'nothing' is no aggregate")
