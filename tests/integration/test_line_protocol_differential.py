"""The scanner against InfluxDB itself: for every line the same verdict, and the same value in the database.

5,000 generated lines by default; `LINE_PROTOCOL_LINES=100000` asks for more, `LINE_PROTOCOL_SEED` for others.
"""

import contextlib
import http.client
import json
import os
import urllib.parse
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import msgspec
import pytest

from streams.formats.line import decode_fields, scan
from streams.points import Batch, Kind, Scan, kind_of
from tests.servers.influxdb import InfluxDB2
from tests.streams.formats import awkward

pytestmark = pytest.mark.influxdb

LINES = int(os.environ.get("LINE_PROTOCOL_LINES", "5000"))
SEED = int(os.environ.get("LINE_PROTOCOL_SEED", "0"))
CHUNK = 500
PRECISIONS = ("ns", "us", "ms", "s")
NOW = 1_700_000_000_123_456_789

Stored = dict[str, tuple[dict[str, tuple[Kind, str]], dict[str, str], int]]
"""Of each measurement its fields with kind and printed value, its tags and its time."""


class Database:
    """One bucket over one connection that stays open."""

    def __init__(self, server: InfluxDB2) -> None:
        self.bucket = server.new_bucket()
        self._server = server
        self._organization = server.organization
        self._headers = {"Authorization": f"Token {server.token}", "Accept": "application/x-msgpack"}
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def close(self) -> None:
        """Delete the bucket, whose files stay open otherwise until there are too many."""
        self._connection.close()
        found = json.loads(self._server.request("GET", "/api/v2/buckets", name=self.bucket))["buckets"]
        self._server.request("DELETE", f"/api/v2/buckets/{found[0]['id']}")

    def write(self, body: bytes, precision: str = "ns") -> tuple[int, str]:
        """The status and the text of the answer."""
        parameters = {"org": self._organization, "bucket": self.bucket, "precision": precision}
        status, answer = self._request("POST", "/api/v2/write?" + urllib.parse.urlencode(parameters), body)
        return status, answer.decode("utf-8", "replace")

    def stored(self) -> Stored:
        """Everything in the bucket that can be asked for."""
        kinds: dict[str, dict[str, Kind]] = {}
        for series in self._query("SHOW FIELD KEYS")[0].get("series", []):
            if _can_be_returned(series["name"]):
                kinds[series["name"]] = {name: Kind(kind) for name, kind in series["values"]}
        tags = {
            series["name"]: [key for [key] in series["values"]]
            for series in self._query("SHOW TAG KEYS")[0].get("series", [])
        }
        found: Stored = {}
        for at in range(0, len(kinds), 100):
            names = list(kinds)[at : at + 100]
            answers = self._query(";".join(f"SELECT *::field, *::tag FROM {_quoted(name)}" for name in names))
            for name, answer in zip(names, answers, strict=True):
                for series in answer.get("series", []):
                    found[name] = _point(kinds[name], tags.get(name, []), series)
        return found

    def _query(self, text: str) -> list[dict[str, Any]]:
        parameters = urllib.parse.urlencode({"db": self.bucket, "epoch": "ns", "q": text})
        status, answer = self._request("POST", "/query", parameters.encode(), "application/x-www-form-urlencoded")
        assert status == 200, answer
        results: list[dict[str, Any]] = msgspec.msgpack.decode(answer)["results"]
        assert not any("error" in result for result in results), results
        return results

    def _request(self, method: str, path: str, body: bytes, kind: str = "text/plain") -> tuple[int, bytes]:
        self._connection.request(method, path, body, {**self._headers, "Content-Type": kind})
        response = self._connection.getresponse()
        return response.status, response.read()


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _point(
    kinds: dict[str, Kind], tags: list[str], series: dict[str, Any]
) -> tuple[dict[str, tuple[Kind, str]], dict[str, str], int]:
    """The one point of a result. Columns come by position, fields sorted by name, then tags: a clash is renamed."""
    ((time, *cells),) = series["values"]
    names = sorted(kinds, key=str.encode)
    fields = {name: (kinds[name], _printed(kinds[name], cell)) for name, cell in zip(names, cells, strict=False)}
    return fields, dict(zip(sorted(tags, key=str.encode), cells[len(names) :], strict=True)), time


def _printed(kind: Kind, value: Any) -> str:
    return repr(float(value)) if kind is Kind.FLOAT else repr(value)


def _expected(batch: Batch) -> Stored:
    """What the database has to hold of these points, whose measurements all differ."""
    points: Stored = {}
    for line, series, time in zip(batch.lines, batch.series, batch.times, strict=True):
        values = decode_fields(line).items()
        fields = {name: (kind_of(value), _printed(kind_of(value), value)) for name, value in values}
        points[series.measurement] = fields, dict(series.tags), time
    return points


def _may_be_refused(scanned: Scan) -> bool:
    """Whether PROTOCOL.md lets the hub refuse this whatever InfluxDB says. Some of these lines end its process."""
    return any(reject.code in {"invalid_string", "not_utf8", "invalid_name"} for reject in scanned.rejects)


@pytest.fixture
def database(influxdb2: InfluxDB2) -> Iterator[Callable[[], Database]]:
    """Makes databases, each an empty bucket."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(contextlib.closing(Database(influxdb2)))


@pytest.mark.parametrize("start", range(0, len(awkward.ACCEPTED), 30))
def test_the_corpus_is_accepted_and_stored_with_our_value(database: Callable[[], Database], start: int) -> None:
    for text in awkward.ACCEPTED[start : start + 30]:
        as_sent, as_passed_on = database(), database()
        batch = scan(text, now=NOW).batch
        assert as_sent.write(text) == (204, ""), text
        assert as_passed_on.write(b"\n".join([*batch.lines, b"after v=1 1"])) == (204, ""), text
        expected = _expected(batch)
        assert as_sent.stored() == expected, text
        assert as_passed_on.stored() == expected | {"after": ({"v": (Kind.FLOAT, "1.0")}, {}, 1)}, text


def test_what_has_no_time_or_is_never_returned_is_accepted(database: Callable[[], Database]) -> None:
    for text in awkward.WITHOUT_TIME + awkward.UNREADABLE + awkward.EMPTY + [text for text, _ in awkward.REFUSED_HERE]:
        assert database().write(text) == (204, ""), text


def test_the_corpus_is_refused(database: Callable[[], Database]) -> None:
    one = database()
    for text, _ in awkward.REFUSED:
        assert one.write(text)[0] in {400, 422}, text


@pytest.mark.parametrize("chunk", range(-(-LINES // CHUNK)))
def test_generated_lines(database: Callable[[], Database], chunk: int) -> None:
    random = Random(SEED + chunk)
    as_sent, as_passed_on = database(), database()
    good: list[Batch] = []
    for number in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        text, precision = awkward.generated(random, number), random.choice(PRECISIONS)
        scanned = scan(text, precision=precision, now=NOW)
        if _may_be_refused(scanned) or b"\r\n" in text:
            continue
        status, answer = as_sent.write(text, precision)
        assert (status == 204) == (not scanned.rejects), (text, precision, status, answer, scanned)
        if status == 204 and len(scanned.batch) == 1:
            good.append(scanned.batch)
    assert len(good) > CHUNK // 4
    batch = Batch.concat(good)
    assert as_passed_on.write(b"\n".join(batch.lines)) == (204, "")
    _compare(batch, as_sent.stored(), as_passed_on.stored())


def _compare(batch: Batch, as_sent: Stored, as_passed_on: Stored) -> None:
    """Both databases hold these points; one that had no time has InfluxDB's own as sent, and ours as passed on."""
    for measurement, (fields, tags, time) in _expected(batch).items():
        if _can_be_returned(measurement):
            assert as_passed_on[measurement] == (fields, tags, time)
            its_fields, its_tags, its_time = as_sent.get(measurement, (fields, tags, time))
            assert (its_fields, its_tags) == (fields, tags)
            assert its_time == time or time // 10**9 == NOW // 10**9


def _can_be_returned(measurement: str) -> bool:
    """InfluxDB unescapes a measurement once more than it escapes it, and InfluxQL reads no NUL or CR."""
    return not any(hidden in measurement for hidden in ("\\,", '\\"', "\\ ", "\\=", "\0", "\r"))
