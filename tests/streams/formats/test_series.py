"""Series of raw keys."""

import pytest

from streams.errors import PointRefused
from streams.formats.series import SeriesCache, read_key, series_of


@pytest.mark.parametrize(
    ("raw", "measurement", "tags"),
    [
        (b"m", "m", ()),
        (b"m,b=1,a=2", "m", (("a", "2"), ("b", "1"))),
        (b"a\\ b\\,c,d\\ e=f\\=g", "a b,c", (("d e", "f=g"),)),
        (b"a\\b,c\\d=e\\f", "a\\b", (("c\\d", "e\\f"),)),
        (b'a\\"b\\=c,d=\\"', 'a"b=c', (("d", '\\"'),)),
        (b"m,t==x", "m", (("t", "=x"),)),
        (b"m,t=\\\\,u", "m", (("t", "\\,u"),)),
    ],
)
def test_a_key_reads_as_names_and_its_own_spelling_as_the_same(
    raw: bytes, measurement: str, tags: tuple[tuple[str, str], ...]
) -> None:
    series = read_key(raw)
    assert (series.measurement, series.tags) == (measurement, tags)
    assert read_key(series.key) == series
    assert series_of(measurement, reversed(tags)) == series


def test_one_object_for_each_series() -> None:
    cache = SeriesCache()
    assert cache[b"m,b=1,a=2"] is cache[b"m,a=2,b=1"]


def test_it_stays_bounded_and_keeps_the_series_in_use() -> None:
    cache = SeriesCache(size=100)
    first = cache[b"m,t=0"]
    for number in range(1_000):
        assert cache[b"m,t=%d" % number].tags == (("t", str(number)),)
        assert cache[b"m,t=0"] is first
        assert len(cache) <= 100
    assert cache[b"m,t=" + b"x" * 600].tags[0][1] == "x" * 600
    assert all(len(key) < 600 for key in cache)


def test_what_is_no_key_is_not_kept() -> None:
    cache = SeriesCache()
    for raw in (b"", b",t=1", b"m,t", b"#m", b"\0m"):
        with pytest.raises(PointRefused):
            cache[raw]
    assert not cache
