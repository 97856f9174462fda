"""Who may what: principals and their grants. Pure: time, in milliseconds since the epoch, is an argument."""

import base64
import binascii
import difflib
import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from streams.errors import PointRefused
from streams.formats.series import read_key, series_of

GRANTS = ("write", "read", "tags", "admin", "backfill")
"""What grants are called, in a token's table as in a JWT's claims."""


class Unauthenticated(Exception):
    """Nobody is known by what was shown; the text says why, and has nothing of it."""


class GrantsInvalid(ValueError):
    """Grants that cannot be meant; the text names the key and what it wants."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What a token allows.

    `write` has patterns of measurements, `read` of streams and of measurements, as a shell has them for files:
    `weather*`. `tags` are stamped on every point that is written and forced into every query. `admin` is for what
    concerns the operator, `backfill` for points of any age.
    """

    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    admin: bool = False
    backfill: bool = False

    def may_write(self, measurement: str) -> bool:
        """Whether points of this measurement may be written."""
        return _matches(self.write, measurement)

    def may_read(self, name: str) -> bool:
        """Whether the stream, or the measurement, of this name may be read."""
        return _matches(self.read, name)


EVERYTHING = Grants(("*",), ("*",), (), admin=True, backfill=True)
"""What an open hub allows everybody."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is known, until `expires`, milliseconds.

    `credential` names what was shown without telling it: while the hub knows a credential of this name, its holder
    is who they were.
    """

    name: str
    grants: Grants
    credential: str
    expires: int | None = None

    def check(self, now: int) -> None:
        """Unauthenticated where the token has expired."""
        if self.expires is not None and self.expires <= now:
            raise Unauthenticated("the token has expired")


ANYBODY = Principal("anybody", EVERYTHING, "none")
"""Everybody on an open hub."""


def parse_grants(given: Mapping[str, Any]) -> Grants:
    """Grants from a table of a file or from claims, of which other keys are somebody else's. GrantsInvalid."""
    return Grants(
        _patterns("write", given.get("write", [])),
        _patterns("read", given.get("read", [])),
        _tags(given.get("tags", {})),
        _flag("admin", given.get("admin", False)),
        _flag("backfill", given.get("backfill", False)),
    )


def unknown_key(name: str, known: tuple[str, ...]) -> str:
    """The sentence about a key that there is not."""
    near = difflib.get_close_matches(name, known, 1)
    return f"there is no {name!r}" + (f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}")


def token_of(authorization: str | None, *, basic: bool = False) -> str | None:
    """The token in an Authorization header, None where there is no header. Unauthenticated where it has none.

    `Token` is what InfluxDB's clients send. With `basic` also the password that clients of InfluxDB 1 send.
    """
    if authorization is None:
        return None
    scheme, _, rest = authorization.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() in {"bearer", "token"} and rest:
        # A client of InfluxDB 1 may put its user's name before the token.
        return rest.rpartition(":")[2] if scheme.lower() == "token" else rest
    if basic and scheme.lower() == "basic":
        return _password(rest)
    raise Unauthenticated("the Authorization header has no token: send `Authorization: Bearer TOKEN`")


def _password(encoded: str) -> str:
    try:
        _, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = password = ""
    if not colon or not password:
        raise Unauthenticated("the Authorization header cannot be read: send the token as the password")
    return password


@lru_cache(maxsize=1_024)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)))


def _matches(patterns: tuple[str, ...], name: str) -> bool:
    return bool(patterns) and _compiled(patterns).match(name) is not None


def _patterns(key: str, given: Any) -> tuple[str, ...]:
    patterns = [given] if isinstance(given, str) else given
    if not isinstance(patterns, list) or not all(isinstance(pattern, str) and pattern for pattern in patterns):
        raise GrantsInvalid(f'{key}: expected a list of names or patterns, as in ["weather*"]')
    try:
        _compiled(tuple(patterns))
    except re.error:
        raise GrantsInvalid(f"{key}: a pattern cannot be read") from None
    return tuple(patterns)


def _tags(given: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(given, dict):
        raise GrantsInvalid('tags: expected tags and their values, as in {tenant = "a"}')
    for name, value in given.items():
        if not isinstance(value, str) or not _is_tag(name, value):
            raise GrantsInvalid(f"tags: {name!r} and its value {value!r} cannot be a tag of a point")
    return tuple(sorted(given.items()))


def _is_tag(name: str, value: str) -> bool:
    """Whether line protocol can say this tag: it must come back as it went."""
    if any(character < " " for character in name + value):
        return False
    try:
        # Another tag follows, which a backslash at the end would take in.
        return read_key(series_of("m", [(name, value), (f"{name}~", "z")]).key).tags[:1] == ((name, value),)
    except (PointRefused, UnicodeError):
        return False


def _flag(key: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise GrantsInvalid(f"{key}: expected true or false, not {given!r}")
    return given
