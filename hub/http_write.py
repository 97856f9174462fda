"""What InfluxDB's clients are answered when they write over HTTP: statuses, headers and bodies as InfluxDB's. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from hub.bodies import InfluxError, InfluxError1
from hub.messages import Ack, Reject, RejectedPoint, Retry
from hub.producer import FrameMessage
from streams.formats.line_pieces import Piece
from streams.formats.series import shown

INFLUXDB_VERSION = "2.9.1"
"""The InfluxDB whose line protocol and answers these are."""
HEADERS = {"x-influxdb-version": INFLUXDB_VERSION, "x-influxdb-build": "PXL-Hub"}
"""In every answer, as clients look for them."""

MOST_NAMED = 100
"""Bad lines that one answer names; the others are counted."""
LONGEST_HEADER = 1_024

NOT_SYNTAX = frozenset(
    (
        "field_type",
        "forbidden",
        "name_too_long",
        "refused_by_store",
        "stamped_tag",
        "too_many_fields",
        "too_many_series",
        "too_many_tags",
        "too_new",
        "too_old",
        "value_too_long",
    )
)
"""Codes of points that are well formed and cannot be stored all the same."""

_NAMES = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    408: "request timeout",
    413: "request too large",
    422: "unprocessable entity",
}


class Answer(NamedTuple):
    """An HTTP answer; a body is JSON."""

    status: int
    body: bytes
    headers: dict[str, str]


class Dialect(NamedTuple):
    """One version of the API: its precisions, each with ours, and what it says of one that is none."""

    version: int
    precisions: Mapping[str, str]
    unknown_precision: str

    def problem(self, status: int, message: str, line: int | None = None, retry_seconds: int = 0) -> Answer:
        """An error as this version words it."""
        headers = dict(HEADERS)
        if status == 401:
            headers["www-authenticate"] = "Bearer"
        if retry_seconds:
            headers["retry-after"] = str(retry_seconds)
        if self.version == 2:
            code = _NAMES.get(status, "unavailable")
            headers["x-platform-error-code"] = code
            return Answer(status, msgspec.json.encode(InfluxError(code, message, line)), headers)
        # InfluxDB 1 knows no 422, and its clients take the text from the header.
        headers["x-influxdb-error"] = _header(message)
        return Answer(400 if status == 422 else status, msgspec.json.encode(InfluxError1(message)) + b"\n", headers)

    def precision(self, given: str) -> str | None:
        """Our name of a precision, None where it is none."""
        return self.precisions.get(given)


V2 = Dialect(
    2,
    {"": "ns", "ns": "ns", "us": "us", "ms": "ms", "s": "s"},
    "invalid precision; valid precision units are ns, us, ms, and s",
)
V1 = Dialect(
    1,
    {"": "ns", "n": "ns", "ns": "ns", "u": "us", "ms": "ms", "s": "s", "m": "m", "h": "h"},
    "invalid precision (use n, u, ms, s, m or h)",
)


class Written:
    """What became of one request's lines, gathered from the outcomes of its pieces."""

    def __init__(self) -> None:
        self.retry_after_ms: int | None = None
        self._partial = False
        self._syntax = False
        self._refused = 0
        self._named: list[tuple[int, str]] = []

    def tell(self, message: FrameMessage, under_way: Mapping[int, Piece]) -> None:
        """An outcome; `under_way` has the pieces by the number of their frame."""
        match message:
            case Retry(after_ms=after):
                self.retry_after_ms = max(after, self.retry_after_ms or 0)
            case Reject(frame=frame, accepted=accepted, rejected=rejected, more=more):
                self._partial = self._partial or accepted > 0
                self._refused += len(rejected) + more
                self._name(rejected, under_way[frame])
            case Ack():
                self._partial = True

    def unreadable(self, line: int, reason: str) -> None:
        """From this line on nothing was read."""
        self._syntax = True
        self._refused += 1
        self._named.append((line, reason))

    def answer(self, dialect: Dialect, note: str = "") -> Answer:
        """204, or why not; `note` stands before the bad lines."""
        if self.retry_after_ms is not None:
            seconds = math.ceil(self.retry_after_ms / 1_000)
            return dialect.problem(503, "nothing can be kept now: send all of it again later", retry_seconds=seconds)
        if not self._refused:
            return Answer(204, b"", dict(HEADERS))
        reasons = [f"line {line}: {reason}" for line, reason in self._named]
        if unnamed := self._refused - len(reasons):
            reasons.append(f"and {unnamed} more")
        start = "partial write: " if self._partial else ""
        text = "\n".join(reasons)
        message = f"{note}{start}{text} dropped={self._refused}"
        return dialect.problem(400 if self._syntax else 422, message, self._named[0][0])

    def _name(self, rejected: Sequence[RejectedPoint], piece: Piece) -> None:
        self._syntax = self._syntax or any(point.code not in NOT_SYNTAX for point in rejected)
        if len(self._named) >= MOST_NAMED:
            return
        lines = piece.data.split(b"\n")
        for point in rejected[: MOST_NAMED - len(self._named)]:
            words = point.message
            if point.code not in NOT_SYNTAX:
                words = f"unable to parse {shown(lines[point.line - 1])}: {words}"
            self._named.append((piece.first_line + point.line - 1, words))


def _header(message: str) -> str:
    """A text as a header can carry it."""
    return " ".join(message.encode("ascii", "backslashreplace").decode().split())[:LONGEST_HEADER]
