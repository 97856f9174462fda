"""What requests over HTTP say about the past: which windows, refined how, in which form. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hub.messages import Subscribe
from hub.reading import RequestRefused
from streams.durations import parse_duration
from streams.errors import QueryInvalid
from streams.points import NANOSECONDS, TIME_MIN
from streams.queries import Query
from streams.windows import boundary

DEFAULT_WINDOWS = 100
"""Windows before `stop` that are given where nothing says how many are wanted."""

SUBSCRIPTION_PARAMETERS = ("history", "after", "seen")
"""What an address may say of the past that a subscription begins with."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


class Parameters(NamedTuple):
    """The parameters of an address: those known by name, and the values of each `where.TAG`."""

    named: Mapping[str, str]
    where: Mapping[str, Sequence[str]] | None

    def whole_number(self, name: str) -> int | None:
        """A parameter that is one. RequestRefused."""
        return None if name not in self.named else whole_number(name, self.named[name])


def whole_number(name: str, text: str) -> int:
    """The number that this parameter or header says. RequestRefused."""
    if not _INTEGER.fullmatch(text):
        raise RequestRefused("invalid_request", f"{name}: expected a whole number, not {text!r}")
    return int(text)


def parameters(given: Iterable[tuple[str, str]], known: Sequence[str]) -> Parameters:
    """The parameters, each one of these names or a `where.TAG`, which may come several times. RequestRefused."""
    named: dict[str, str] = {}
    where: dict[str, list[str]] = {}
    for name, value in given:
        if name.startswith("where."):
            where.setdefault(name.removeprefix("where."), []).append(value)
        elif name not in known:
            there_are = ", ".join([*known, "where.TAG"])
            raise RequestRefused("invalid_request", f"{name}: there is no such parameter; there are {there_are}")
        elif name in named:
            raise RequestRefused("invalid_request", f"{name}: it is given twice")
        else:
            named[name] = value
    return Parameters(named, where or None)


def subscription(stream: str, query: Iterable[tuple[str, str]]) -> Subscribe:
    """To a named stream, as the parameters of its address ask for it; its id is the stream's name. RequestRefused."""
    given = parameters(query, SUBSCRIPTION_PARAMETERS)
    return Subscribe(
        id=stream,
        stream=stream,
        where={tag: [*values] for tag, values in given.where.items()} if given.where else None,
        history=given.named.get("history"),
        after=given.whole_number("after"),
        seen=given.whole_number("seen"),
    )


class Range(NamedTuple):
    """The windows that stop from the first time to the last, both included; none where the last is earlier."""

    first_stop: int
    last_stop: int


def past_range(
    query: Query, now: int, *, start: int | str | None, stop: int | str | None, history: str | None
) -> Range:
    """The windows that stop later than `start` and not later than `stop`, which is now unless it is given.

    `history` says how long before `stop` the start is; DEFAULT_WINDOWS windows if nothing says it. Times are
    milliseconds since the epoch or RFC 3339. QueryInvalid names what cannot be used.
    """
    until = now if stop is None else _time("stop", stop)
    if history is not None:
        if start is not None:
            raise QueryInvalid("history: it says the same as start in another way; give one of them")
        since = until - _duration("history", history)
    else:
        since = until - DEFAULT_WINDOWS * query.every_ms if start is None else _time("start", start)
    if since >= until:
        raise QueryInvalid(f"start: {since} is not before stop, {until}")
    if since - query.window_ms < TIME_MIN // NANOSECONDS:
        raise QueryInvalid(
            f"start: no point can be as early as {since}; the earliest time is {TIME_MIN // NANOSECONDS}"
        )
    return Range(boundary(since, query.every_ms) + query.every_ms, boundary(until, query.every_ms))


def _time(name: str, given: int | str) -> int:
    if isinstance(given, int):
        return given
    if _INTEGER.fullmatch(given):
        return int(given)
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise QueryInvalid(
            f"{name}: {given!r} is no time; write milliseconds since 1970, or 2026-01-31T12:00:00Z with its time zone"
        )
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _duration(name: str, given: str) -> int:
    try:
        return parse_duration(given)
    except ValueError as error:
        raise QueryInvalid(f"{name}: {error}") from None


def prefers_csv(accept: str) -> bool:
    """Whether an Accept header asks for CSV rather than for JSON, which is given where it says nothing."""
    qualities: dict[str, float] = {}
    for part in accept.split(","):
        media_type, *others = (text.strip().lower() for text in part.split(";"))
        quality = next((text.removeprefix("q=") for text in others if text.startswith("q=")), "1")
        qualities[media_type] = float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0

    def quality_of(kind: str, media_type: str) -> float:
        names = (media_type, f"{kind}/*", "*/*")
        return next((qualities[name] for name in names if name in qualities), 0.0)

    return quality_of("text", "text/csv") > quality_of("application", "application/json")
