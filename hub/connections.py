"""How many connections there are: in all, of each address, and with each token. Pure."""

from collections import Counter
from typing import NamedTuple

from hub.settings import is_loopback


class TooMany(Exception):
    """One more connection is more than there may be; `code` is the catalogue's, the text names the setting."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Most(NamedTuple):
    """The most that there may be; 0 is no limit. `loopback`: this machine's own count for its address, too."""

    total: int
    per_address: int = 0
    per_token: int = 0
    loopback: bool = False


class Connections:
    """Those of one worker."""

    def __init__(self, most: Most) -> None:
        self._most = most
        self._total = 0
        self._addresses: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._total

    def enter(self, address: str) -> "Place":
        """A connection from there; to be left. TooMany."""
        if self._total >= self._most.total:
            raise TooMany("too_many_connections", f"this hub has {self._most.total} connections already")
        most = self._most.per_address
        counts = bool(most) and (self._most.loopback or not is_loopback(address))
        if counts and self._addresses[address] >= most:
            raise TooMany("too_many_connections_of_address", f"{address} has {most} connections already")
        self._total += 1
        if counts:
            self._addresses[address] += 1
        return Place(self, address if counts else None)

    def hold(self, credential: str) -> None:
        """One connection more with this token. TooMany."""
        most = self._most.per_token
        if most and self._tokens[credential] >= most:
            raise TooMany("too_many_connections_of_token", f"the token has {most} connections already")
        self._tokens[credential] += 1

    def drop(self, credential: str) -> None:
        """One connection less with this token."""
        _less(self._tokens, credential)

    def leave(self, address: str | None) -> None:
        """One connection less in all, and from this address where it was counted."""
        self._total -= 1
        if address is not None:
            _less(self._addresses, address)


class Place:
    """One connection's place among the others."""

    __slots__ = ("_address", "_all", "_credential")

    def __init__(self, connections: Connections, address: str | None) -> None:
        self._all = connections
        self._address = address
        self._credential: str | None = None

    def hold(self, credential: str) -> None:
        """It is known now with which token it came, or came to have another. TooMany."""
        if credential != self._credential:
            self._all.hold(credential)
            if self._credential is not None:
                self._all.drop(self._credential)
            self._credential = credential

    def leave(self) -> None:
        """The connection has ended."""
        self._all.leave(self._address)
        if self._credential is not None:
            self._all.drop(self._credential)


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
