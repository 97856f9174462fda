"""What InfluxDB's clients are answered, for every outcome and in both versions."""

import json

import pytest

from hub.http_write import MOST_NAMED, NOT_SYNTAX, V1, V2, Dialect, Written
from hub.messages import Ack, Reject, RejectedPoint, Retry
from streams.formats.line_pieces import Piece

PIECE = Piece(1, b"bad\nm v=1\nworse x")
LATER = Piece(101, b'm v="x"\nm v=2 1')
UNDER_WAY = {1: PIECE, 2: LATER}

NO_FIELDS = RejectedPoint(1, "missing_fields", "the line has no fields")
CONFLICT = RejectedPoint(1, "field_type", "field 'v' is float, not string")
OLD = RejectedPoint(2, "too_old", "time 1 is older than accept_from allows")


def written(*messages: Ack | Reject | Retry) -> Written:
    made = Written()
    for message in messages:
        made.tell(message, UNDER_WAY)
    return made


def test_everything_durable_is_204_without_a_body() -> None:
    for dialect in (V1, V2):
        status, body, headers = written(Ack(2, "store"), Ack(3, "spool")).answer(dialect)
        assert (status, body, headers["x-influxdb-version"]) == (204, b"", "2.9.1")
        assert written().answer(dialect).status == 204


def test_a_line_that_cannot_be_read_is_400_and_quoted() -> None:
    outcome = written(Reject(1, 0, [NO_FIELDS]))
    status, body, headers = outcome.answer(V2)
    assert (status, headers["x-platform-error-code"]) == (400, "invalid")
    assert json.loads(body) == {
        "code": "invalid",
        "message": "line 1: unable to parse 'bad': the line has no fields dropped=1",
        "line": 1,
    }
    status, body, headers = outcome.answer(V1)
    assert status == 400
    assert json.loads(body) == {"error": headers["x-influxdb-error"]}


def test_a_line_that_cannot_be_stored_is_422_and_numbered_in_the_whole_body() -> None:
    outcome = written(Ack(1, "store"), Reject(2, 0, [CONFLICT, OLD]))
    status, body, headers = outcome.answer(V2)
    assert (status, headers["x-platform-error-code"]) == (422, "unprocessable entity")
    assert json.loads(body) == {
        "code": "unprocessable entity",
        "message": "partial write: line 101: field 'v' is float, not string\n"
        "line 102: time 1 is older than accept_from allows dropped=2",
        "line": 101,
    }


def test_influxdb_1_says_400_to_that_too() -> None:
    status, body, headers = written(Reject(2, 1, [CONFLICT])).answer(V1)
    assert status == 400
    assert headers["x-influxdb-error"] == "partial write: line 101: field 'v' is float, not string dropped=1"
    assert "x-platform-error-code" not in headers
    assert body.endswith(b"}\n")


def test_bad_syntax_anywhere_makes_it_400() -> None:
    assert written(Reject(2, 0, [CONFLICT]), Reject(1, 0, [NO_FIELDS])).answer(V2).status == 400


@pytest.mark.parametrize("code", sorted(NOT_SYNTAX))
def test_codes_of_well_formed_points_are_422(code: str) -> None:
    assert written(Reject(2, 0, [RejectedPoint(1, code, "no")])).answer(V2).status == 422


@pytest.mark.parametrize(("after_ms", "seconds"), [(1, "1"), (500, "1"), (1_001, "2"), (30_000, "30")])
@pytest.mark.parametrize("dialect", [V1, V2])
def test_what_was_not_kept_is_503_whatever_else_there_is(dialect: Dialect, after_ms: int, seconds: str) -> None:
    outcome = written(Reject(1, 5, [NO_FIELDS]), Retry(2, after_ms))
    status, body, headers = outcome.answer(dialect)
    assert (status, headers["retry-after"]) == (503, seconds)
    assert "send all of it again" in body.decode()


def test_only_so_many_lines_are_named() -> None:
    points = [RejectedPoint(2, "field_type", "no") for _ in range(70)]
    message = json.loads(written(Reject(1, 0, points, more=5), Reject(2, 0, points)).answer(V2).body)["message"]
    assert message.count("line ") == MOST_NAMED
    assert message.endswith("\nand 45 more dropped=145")


def test_headers_carry_no_line_breaks_nor_other_alphabets() -> None:
    point = RejectedPoint(1, "field_type", "field 'ü\r\nX-Evil: 1' " + "y" * 5_000)
    header = written(Reject(1, 0, [point])).answer(V1).headers["x-influxdb-error"]
    assert header.isascii()
    assert "\n" not in header
    assert "\r" not in header
    assert len(header) <= 1_024


def test_what_was_not_read_at_all_is_named_too() -> None:
    outcome = written(Ack(1, "store"))
    outcome.unreadable(102, "the next line is too long")
    status, body, _ = outcome.answer(V2)
    assert status == 400
    assert json.loads(body)["message"] == "partial write: line 102: the next line is too long dropped=1"


def test_a_note_comes_first() -> None:
    answer = written(Reject(1, 0, [NO_FIELDS])).answer(V2, "send gzip; ")
    assert json.loads(answer.body)["message"].startswith("send gzip; line 1")


def test_precisions_are_those_of_each_version() -> None:
    assert [name for name in ("", "ns", "n", "us", "u", "ms", "s", "m", "h", "x") if V2.precision(name)] == [
        "",
        "ns",
        "us",
        "ms",
        "s",
    ]
    assert {name: V1.precision(name) for name in ("n", "u", "m", "h", "us")} == {
        "n": "ns",
        "u": "us",
        "m": "m",
        "h": "h",
        "us": None,
    }
