"""What an address or a body says about the past."""

import itertools

import pytest

from hub.ranges import Range, parameters, past_range, prefers_csv
from hub.reading import RequestRefused
from streams.errors import QueryInvalid, StreamsError
from streams.queries import parse_query

QUERY = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", window="10s")
NOW = 1_700_000_000_500


@pytest.mark.parametrize(
    ("start", "stop", "history", "first", "last"),
    [
        (None, None, None, NOW - 100_000 + 500, NOW - 500),
        ("1000", "3000", None, 2_000, 3_000),
        (1_000, 3_000, None, 2_000, 3_000),
        ("1001", "3999", None, 2_000, 3_000),
        ("-5000", "0", None, -4_000, 0),
        ("1970-01-01T00:00:01Z", "1970-01-01T01:00:03.25+01:00", None, 2_000, 3_000),
        (None, "200000", None, 101_000, 200_000),
        (None, "200000", "5s", 196_000, 200_000),
        (None, None, "5s", NOW - 4_500, NOW - 500),
        ("5100", "5900", None, 6_000, 5_000),
    ],
)
def test_windows_stop_later_than_start_and_not_later_than_stop(
    start: int | str | None, stop: int | str | None, history: str | None, first: int, last: int
) -> None:
    assert past_range(QUERY, NOW, start=start, stop=stop, history=history) == Range(first, last)


def test_ranges_that_follow_each_other_have_every_window_once() -> None:
    times = [0, 1, 999, 1_000, 4_321, 9_000]
    ranges = [past_range(QUERY, NOW, start=start, stop=stop, history=None) for start, stop in itertools.pairwise(times)]
    stops = [stop for first, last in ranges for stop in range(first, last + 1, 1_000)]
    assert stops == list(range(1_000, 9_001, 1_000))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"start": "yesterday"}, "start: 'yesterday' is no time; write milliseconds since 1970"),
        ({"stop": "2026-01-31T12:00:00"}, "with its time zone"),
        ({"stop": ""}, "stop: '' is no time"),
        ({"start": "9" * 30}, "start: "),
        ({"start": "5000", "stop": "5000"}, "start: 5000 is not before stop, 5000"),
        ({"start": str(NOW + 1)}, "is not before stop"),
        ({"start": "0", "history": "5s"}, "give one of them"),
        ({"history": "5 s"}, "history: '5 s' is not a duration"),
        ({"start": -(10**17), "stop": -(10**17) + 1}, "no point can be as early"),
    ],
)
def test_times_that_cannot_be_used_are_named(given: dict[str, int | str], says: str) -> None:
    asked = {"start": None, "stop": None, "history": None, **given}
    with pytest.raises(QueryInvalid) as error:
        past_range(QUERY, NOW, **asked)  # type: ignore[arg-type]
    assert says in str(error.value)


def test_parameters_are_known_ones_or_refine_tags() -> None:
    pairs = [("start", "5"), ("where.site", "a"), ("where.site", ""), ("where.a b", "c")]
    given = parameters(pairs, ["start", "stop"])
    assert given.named == {"start": "5"}
    assert given.where == {"site": ["a", ""], "a b": ["c"]}
    assert given.whole_number("start") == 5
    assert given.whole_number("stop") is None
    assert parameters([], ["start"]).where is None


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([("strat", "5")], "strat: there is no such parameter; there are start, stop, where.TAG"),
        ([("start", "5"), ("start", "6")], "start: it is given twice"),
        ([("start", "١")], "start: expected a whole number"),
    ],
)
def test_parameters_that_cannot_be_used_are_named(pairs: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(StreamsError) as error:
        parameters(pairs, ["start", "stop"]).whole_number("start")
    assert isinstance(error.value, RequestRefused)
    assert error.value.code == "invalid_request"
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/*", True),
        ("text/csv, application/json;q=0.5", True),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv;q=0, */*", False),
        ("text/html, */*;q=0.1", False),
        ("text/csv;q=0.9, */*;q=0.1", True),
        ("text/csv;q=x", False),
        (",;,;q", False),
    ],
)
def test_csv_is_given_to_those_who_ask_for_it(accept: str, csv: bool) -> None:
    assert prefers_csv(accept) is csv
