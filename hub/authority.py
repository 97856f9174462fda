"""Whom a running hub knows: reads the files of tokens and keys again when they change, and tells who is concerned."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from hub.auth import ANYBODY, Grants, Principal, Unauthenticated
from hub.codes import Close, SessionOver
from hub.jwts import Key, KeysInvalid, Rules, parse_keys, principal_of
from hub.settings import SettingInvalid, Settings, has_jwt
from hub.tokens import hash_of, read_tokens
from streams.clock import Clock, SystemClock

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often the files are looked at. A change has to work within five seconds."""
AT_ONCE = 200
"""Identities that are looked at before others have a turn."""


class Identity:
    """Who is at the other end of a connection, for as long as it lasts: grants may change, and end, meanwhile.

    `on_end` is called once, with the reason, when there are none any more; all `on_change` when somebody else, or
    somebody with other grants, is there.
    """

    __slots__ = ("_clock", "_ended", "_recognise", "_timer", "on_change", "on_end", "principal")

    def __init__(self, principal: Principal, clock: Clock, recognise: Callable[[str], Principal]) -> None:
        """`recognise` says who shows a token; Unauthenticated."""
        self.principal = principal
        self.on_end: Callable[[str], None] = lambda _reason: None
        self.on_change: list[Callable[[], None]] = []
        self._clock = clock
        self._recognise = recognise
        self._ended: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def grants(self) -> Grants:
        """What is allowed now. SessionOver when nothing is any more."""
        expires = self.principal.expires
        if self._ended is None and expires is not None and expires <= self._clock.now():
            self.end("the token has expired")
        if self._ended is not None:
            raise SessionOver(Close.UNAUTHENTICATED, self._ended)
        return self.principal.grants

    def show(self, token: str) -> None:
        """Another token, or the same again, is shown on the same connection. SessionOver where it is none."""
        try:
            self.become(self._recognise(token))
        except Unauthenticated as error:
            raise SessionOver(Close.UNAUTHENTICATED, str(error)) from None

    def become(self, principal: Principal) -> None:
        """The same connection is this principal's now; end it when that expires."""
        changed = principal != self.principal
        self.principal = principal
        self.forget()
        if principal.expires is not None:
            self._watch(principal.expires)
        if changed:
            for hear in self.on_change:
                hear()

    def end(self, reason: str) -> None:
        """Nothing is allowed any more."""
        if self._ended is None:
            self._ended = reason
            self.on_end(reason)

    def forget(self) -> None:
        """Watch the clock no longer."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _watch(self, expires: int) -> None:
        # Long waits in parts: the loop's clock and the world's are two.
        wait = min(60.0, max(0.0, (expires - self._clock.now()) / 1_000))
        self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        self._timer = None
        expires = self.principal.expires
        if expires is None:
            return
        if expires <= self._clock.now():
            self.end("the token has expired")
        else:
            self._watch(expires)


def anybody() -> Identity:
    """Somebody on an open hub."""
    return Identity(ANYBODY, SystemClock(), lambda _token: ANYBODY)


class _Stamp(NamedTuple):
    """What tells one version of a file from another."""

    inode: int
    changed: int
    size: int


class Authority:
    """Knows principals by their tokens. SettingInvalid where its files cannot be read at the start.

    An `is_open` one has no files, and everybody may do everything.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        aside: Callable[[Callable[[], bool]], Awaitable[bool]] = asyncio.to_thread,
    ) -> None:
        """`aside` is where files are read while the hub runs."""
        self._aside = aside
        self.is_open = not (settings.tokens or has_jwt(settings))
        self._clock = clock
        self._tokens_file = Path(settings.tokens).expanduser() if settings.tokens else None
        self._keys_file = Path(settings.jwt_keys).expanduser() if has_jwt(settings) else None
        self._rules = Rules(settings.jwt_algorithm, settings.jwt_issuer, settings.jwt_audience)
        self._stamps = self._look()
        self._tokens: Mapping[str, Principal] = read_tokens(self._tokens_file) if self._tokens_file else {}
        self._keys: list[Key] = read_keys(self._keys_file, self._rules.algorithm) if self._keys_file else []
        self._identities: dict[Identity, None] = {}

    @property
    def knows_somebody(self) -> bool:
        """Whether any token can open this hub."""
        return bool(self._tokens or self._keys)

    def principal(self, token: str | None) -> Principal:
        """Who shows this token, None where none is shown. Unauthenticated."""
        if self.is_open:
            return ANYBODY
        if token is None:
            raise Unauthenticated("no token was given: send `Authorization: Bearer TOKEN`")
        now = self._clock.now()
        known = self._tokens.get(hash_of(token))
        if known:
            known.check(now)
            return known
        if self._keys_file and token.count(".") == 2:
            return principal_of(token, self._keys, self._rules, now)
        raise Unauthenticated("the token is not known here")

    def identify(self, principal: Principal) -> Identity:
        """A connection of this principal's, to be kept up to date until `forget`."""
        identity = Identity(principal, self._clock, self.principal)
        if not self.is_open:
            self._identities[identity] = None
            identity.become(principal)
        return identity

    def forget(self, identity: Identity) -> None:
        """The connection has ended."""
        self._identities.pop(identity, None)
        identity.forget()
        identity.on_change.clear()  # who heard of changes holds the identity in turn

    async def run(self) -> None:
        """Until cancelled: a file that has changed counts soon, one that is broken leaves all as it was."""
        while not self.is_open:
            await asyncio.sleep(LOOK_SECONDS)
            if await self._aside(self._reload):
                await self._refresh(tuple(self._identities))

    def _look(self) -> list[_Stamp | None]:
        return [_stamp(path) for path in (self._tokens_file, self._keys_file)]

    def _reload(self) -> bool:
        """Whether the files say something else than before."""
        stamps = self._look()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        try:
            tokens = read_tokens(self._tokens_file) if self._tokens_file else {}
            keys = read_keys(self._keys_file, self._rules.algorithm) if self._keys_file else []
        except SettingInvalid as error:
            log.error("what the hub knew of tokens still holds: %s", error)
            return False
        if (tokens, keys) == (self._tokens, self._keys):
            return False
        self._tokens, self._keys = tokens, keys
        log.info("tokens were read again: %d tokens, %d keys", len(tokens), len(keys))
        return True

    async def _refresh(self, identities: Iterable[Identity]) -> None:
        keys = {key.identity for key in self._keys}
        for number, identity in enumerate(identities, 1):
            principal = identity.principal
            current = principal if principal.credential in keys else self._tokens.get(principal.credential)
            if current is None:
                identity.end("the token was revoked")
            elif current != principal:
                identity.become(current)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)


def read_keys(path: Path, algorithm: str) -> list[Key]:
    """The keys in a file; SettingInvalid."""
    try:
        return parse_keys(path.read_bytes(), algorithm)
    except OSError as error:
        raise SettingInvalid(f"jwt_keys: {path} cannot be read: {error.strerror or error}") from None
    except KeysInvalid as error:
        raise SettingInvalid(f"jwt_keys: {path}: {error}") from None


def _stamp(path: Path | None) -> _Stamp | None:
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return _Stamp(found.st_ino, found.st_mtime_ns, found.st_size) if found else None
