"""Tags put on points: each line says them as if its device had, in every spelling that there is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats import json, line
from streams.formats.line import decode_fields
from streams.ingest.stamps import Stamps
from streams.points import Scan
from tests.streams.formats.awkward import ACCEPTED, ACCEPTED_HERE, WITHOUT_TIME, generated

NOW = 1_700_000_000_000_000_000
STAMPS = Stamps([("tenant", "a b"), ("zone", "1")])


def stamped(*lines: str, stamps: Stamps = STAMPS) -> Scan:
    return stamps.put_on(line.scan("\n".join(lines).encode(), now=NOW))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("m v=1 1", rb"m,tenant=a\ b,zone=1 v=1 1"),
        ("m,site=x v=1 1", rb"m,site=x,tenant=a\ b,zone=1 v=1 1"),
        ("m,zz=x,site=y v=1 1", rb"m,site=y,tenant=a\ b,zone=1,zz=x v=1 1"),
        (r"m,tenant=a\ b v=1 1", rb"m,tenant=a\ b,zone=1 v=1 1"),
        (r"m\ 1,a\,b=c\ d v=1 1", rb"m\ 1,a\,b=c\ d,tenant=a\ b,zone=1 v=1 1"),
        ('m s="a b" 1', rb'm,tenant=a\ b,zone=1 s="a b" 1'),
    ],
)
def test_a_line_has_the_tags_in_order(sent: str, kept: bytes) -> None:
    batch, rejects = stamped(sent)
    assert rejects == []
    assert list(batch.lines) == [kept]
    assert batch.series[0].tags == tuple(sorted({**dict(batch.series[0].tags), "tenant": "a b", "zone": "1"}.items()))


def test_another_value_is_refused_and_the_rest_goes_on() -> None:
    batch, rejects = stamped("m,tenant=b v=1 1", "m v=2 2", "m,zone=2 v=3 3", "m,tenant=a v=4 4")
    assert [reject[:2] for reject in rejects] == [(1, "stamped_tag"), (3, "stamped_tag"), (4, "stamped_tag")]
    assert "tenant=a b" in rejects[0].message
    assert (list(batch.times), list(batch.numbers)) == ([2], [2])


def test_json_has_the_tags_too() -> None:
    good = b'{"measurement":"m","tags":{"b":"c"},"fields":{"v":1},"time":1}'
    data = b'[%b,{"measurement":"m","tags":{"zone":"2"},"fields":{"v":1}}]' % good
    (scan,) = json.steps(data, precision="ns", now=NOW, kinds=lambda *_: None, at_most=9)
    batch, rejects = STAMPS.put_on(scan)
    assert list(batch.lines) == [rb"m,b=c,tenant=a\ b,zone=1 v=1.0 1"]
    assert [reject.code for reject in rejects] == ["stamped_tag"]


def test_a_key_that_gets_too_long_is_refused() -> None:
    _, rejects = stamped(f"m,t={'x' * 65_520} v=1 1")
    assert [reject.code for reject in rejects] == ["key_too_long"]


def test_without_tags_nothing_changes() -> None:
    scan = line.scan(b"m v=1 1", now=NOW)
    assert Stamps([]).put_on(scan) is scan


@pytest.mark.parametrize("text", [*ACCEPTED, *WITHOUT_TIME, *ACCEPTED_HERE])
def test_an_awkward_line_keeps_its_meaning(text: bytes) -> None:
    check(line.scan(text, now=NOW))


@given(st.integers(0, 2**32))
def test_any_line_keeps_its_meaning(seed: int) -> None:
    chance = random.Random(seed)
    check(line.scan(b"\n".join(generated(chance, number) for number in range(20)), now=NOW))


def check(scan: Scan) -> None:
    """Each stamped line is read back as the same point with the tags."""
    batch, _ = STAMPS.put_on(scan)
    before = dict(zip(scan.batch.numbers, zip(scan.batch.series, scan.batch.lines, strict=True), strict=True))
    for series, text, number in zip(batch.series, batch.lines, batch.numbers, strict=True):
        old, old_text = before[number]
        again = line.scan(text + b"\nm v=1 1", now=NOW)
        assert again.rejects == []
        assert again.batch.lines[0] == text
        assert len(again.batch) == 2
        assert again.batch.series[0] == series
        assert dict(series.tags) == {**dict(old.tags), "tenant": "a b", "zone": "1"}
        assert series.measurement == old.measurement
        assert decode_fields(text) == decode_fields(old_text)
