"""What a principal may read of what is asked for: the effective query, with the token's tags in it. Pure."""

import difflib
from collections.abc import Mapping, Sequence

import msgspec

from hub.auth import Grants
from hub.messages import QueryRequest
from streams.errors import QueryInvalid, StreamsError
from streams.queries import Query, parse_query, refine

Where = Mapping[str, str | Sequence[str | None] | None]


class RequestRefused(StreamsError):
    """A request that cannot be granted; `code` is the catalogue's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def readable(streams: Mapping[str, Query], grants: Grants) -> dict[str, Query]:
    """The named streams that these grants show, each with what they make of its query."""
    return {
        name: query
        for name, stream in streams.items()
        if may_read_stream(name, stream, grants) and (query := _seen(stream, grants))
    }


def may_read_stream(name: str, query: Query, grants: Grants) -> bool:
    """Whether a stream may be read: by its own name, or because its measurement may be."""
    return grants.may_read(name) or grants.may_read(query.measurement)


def named(streams: Mapping[str, Query], name: str, grants: Grants) -> Query:
    """The query of a named stream. RequestRefused tells of no stream that the grants do not show."""
    query = streams.get(name)
    if query is not None and may_read_stream(name, query, grants):
        return query
    shown = readable(streams, grants)
    if not grants.may_read(name):
        raise RequestRefused("forbidden", f"the token may not read {name[:80]!r}; {_there_are(name, shown)}")
    raise RequestRefused("unknown_stream", f"no stream is named {name!r}; {_there_are(name, shown)}")


def effective(
    streams: Mapping[str, Query],
    stream: str | None,
    asked: QueryRequest | None,
    where: Where | None,
    grants: Grants,
) -> Query:
    """What a request asks for, for the holder of these grants. QueryInvalid and RequestRefused name what is wrong."""
    if (stream is None) is (asked is None):
        raise QueryInvalid("stream: name a stream, or give a query; not both, and not neither")
    if asked is None:
        query = named(streams, stream or "", grants)
    else:
        query = parse_query(**msgspec.structs.asdict(asked))
        if not grants.may_read(query.measurement):
            raise RequestRefused("forbidden", f"the token may not read measurement {query.measurement[:80]!r}")
    if where is not None:
        query = refine(query, where)
    return forced(query, grants)


def forced(query: Query, grants: Grants) -> Query:
    """The query with the token's tags as conditions, so that its holder sees only what is theirs. RequestRefused."""
    conditions = dict(query.where)
    for tag, value in grants.tags:
        if value not in conditions.get(tag, (value,)):
            raise RequestRefused("forbidden", f"the token reads only what has {tag}={value}; leave where.{tag} out")
    return refine(query, dict(grants.tags)) if grants.tags else query


def _seen(query: Query, grants: Grants) -> Query | None:
    try:
        return forced(query, grants)
    except RequestRefused:
        return None


def _there_are(name: str, streams: Mapping[str, Query]) -> str:
    near = difflib.get_close_matches(name, streams, 1)
    names = ", ".join(sorted(streams)) or "none"
    return f"did you mean {near[0]!r}? There are {names}" if near else f"there are {names}"
